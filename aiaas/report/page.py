"""The report as a page: one file that asks no host for anything, in the light, in the dark and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas import readable
from aiaas.report import figures, plots
from aiaas.report.judged import Judged
from aiaas.report.templating import environment

PICTURES = 75_000
"""Characters of a picture as a data URI; larger ones are left out, so that the page stays small."""


def page(judged: Judged) -> str:
    """The page as HTML, under 2 MB. Raises DataError where what the evaluation left cannot be read."""
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            judged=judged,
            metrics=figures.measured(judged),
            headline=figures.headline(judged),
            further=figures.further(judged),
            beside=figures.beside(judged),
            classes=figures.classes(judged),
            shown_classes=figures.CLASSES,
            confused=figures.confused(judged),
            matrix=plots.of_classes(judged),
            scores=plots.of_scores(judged),
            reliability=plots.reliability(judged) if not judged.kept else None,
            values=plots.of_values(judged),
            residuals=residuals(judged.metrics),
            bits=plots.of_texts(judged),
            sliced=figures.sliced(judged),
            perturbed=figures.perturbed(judged),
            thresholds=figures.thresholds(judged),
            mistakes=[_shown(each) for each in judged.mistakes],
            curves=plots.of_training(judged),
            parameters=parameters(judged.recipe),
            steps=flow(judged.rows),
        )
    )


def _shown(mistake: Any) -> dict[str, Any]:
    """A costly error with its example: a table's values side by side, texts below each other."""
    picture = mistake.picture if mistake.picture and len(mistake.picture) <= PICTURES else None
    texts = {name: each for name, each in mistake.shown.items() if isinstance(each, str) and len(each) > 40}
    values = {name: readable.value(each) for name, each in mistake.shown.items() if name not in texts}
    return {"of": mistake, "picture": picture, "texts": texts, "values": values}


def residuals(metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """The residuals of a regression: figures that stand alone, and those by the size of what was predicted."""
    found = metrics.get("residuals")
    if not isinstance(found, Mapping):
        return None
    flat: dict[str, str] = {}
    tables: dict[str, list[Mapping[str, Any]]] = {}
    for name, given in found.items():
        if isinstance(given, int | float):
            flat[name] = readable.figure(given)
        elif isinstance(given, Mapping):
            flat |= {f"{name} {key}": readable.figure(each) for key, each in given.items() if isinstance(each, float)}
        elif isinstance(given, list) and given and all(isinstance(each, Mapping) for each in given):
            tables[name] = given
    if found.get("interval") and "mean" in flat:
        flat["mean"] += f" ({readable.ends(found['interval'])})"
    return {"flat": flat, "tables": tables}


def parameters(recipe: Mapping[str, Any]) -> dict[str, str]:
    """What the recipe says of the model and its training, by dotted name."""
    said = {**recipe["model"].get("params", {}), **{f"train.{k}": v for k, v in recipe.get("train", {}).items()}}
    return {name: readable.value(each) for name, each in said.items() if each is not None}


def flow(rows: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """How many rows came into each step and how many left it."""
    return [(each["name"], each["rows"]["in"], each["rows"]["out"]) for each in rows.get("steps", ())]
