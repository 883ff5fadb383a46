"""The sections of a proposed recipe that the data decides: collect, steps, split; and what a person should know."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from aiaas.propose import alike, choose, decide, names
from aiaas.propose.choose import Choice
from aiaas.propose.facts import missing
from aiaas.propose.guess import FEWEST, prose
from aiaas.propose.look import Seen
from aiaas.propose.templates import Template

STEPS = {
    "clean": "mark-up, full-width letters and control characters go, white space becomes one space",
    "deduplicate": "equal rows would stand in train and test; those that contradict each other go",
    "impute": "gaps get the median of their column",
}
"""What the steps of templates are for."""
_FEW = 5_000
"""Rows up to which the shares of the splits are cut exactly."""
_FEW_OF_A_LABEL = 100
_HARDLY_ANY = 50


def entry_of(entry: dict[str, Any], seen: Seen, recipe: Path) -> dict[str, Any]:
    """An entry as the recipe says it, its path seen from there."""
    columns = {ours: theirs for ours, theirs in seen.guess.columns.items() if ours != "label" or "label" not in entry}
    said = {**entry, "source": _seen_from(recipe, Path(entry["source"]))}
    if seen.guess.task in ("text-generation", "text-embedding"):
        said.pop("label", None)
    if columns:
        said["columns"] = columns
    if seen.decided.without:
        said["without"] = list(seen.decided.without)
    return said


def _seen_from(recipe: Path, path: Path) -> str:
    try:
        shown = os.path.relpath(path, recipe.parent)
    except ValueError:
        shown = str(path.absolute())
    return f"./{shown}" if ":" in shown else shown


def reasons(seen: Seen) -> dict[str, str]:
    """What a person should know of the keys of an entry."""
    without = "; ".join(f"{name} {why}" for name, why in seen.decided.without.items())
    return {
        "columns": "our column: yours",
        "without": without,
        "names": "the header names the columns not, or not apart",
        "missing": "what stands for no value",
        "on_error": "some rows are malformed and left out; `aiaas inspect` shows them",
    }


def plain_steps(template: Template) -> list[tuple[Any, str]]:
    return [(step, STEPS.get(step if isinstance(step, str) else next(iter(step)), "")) for step in template.steps]


def steps(choice: Choice, seen: Seen) -> list[tuple[Any, str]]:
    """The template's steps and those that the data needs, each with the reason."""
    gaps = any(
        each.numeric and each.present < each.rows and name not in (seen.decided.target, *seen.decided.without)
        for name, each in seen.known.items()
    )
    found = [
        (step, why)
        for step, why in plain_steps(choice.template)
        if gaps or not (isinstance(step, dict) and "impute" in step)
    ]
    added: list[tuple[Any, str]] = []
    if seen.alike >= alike.ENOUGH:
        added.append(("near_duplicates", "texts that are nearly equal would stand in train and test; the first stays"))
    if seen.decided.rare:
        rare = ", ".join(seen.decided.rare[:5]) + (" …" if len(seen.decided.rare) > 5 else "")
        added.append(({"labels": {"min_rows": FEWEST}}, f"labels with too few rows to learn from go: {rare}"))
    added += [(step, "dates as numbers") for step in decide.steps_for_dates(seen.decided)]
    place = next((at for at, (step, _) in enumerate(found) if isinstance(step, dict) and "impute" in step), len(found))
    return [*found[:place], *added, *found[place:]]


def split(seen: Seen) -> tuple[dict[str, Any], str]:
    """How the rows are divided, and why so."""
    if any("split" in entry for entry in seen.place.entries):
        return {"train": 1.0, "validation": 0.0, "test": 0.0}, "the data comes divided"
    column = seen.guess.split
    if column is not None:
        sides = {str(value).strip().lower() for value in seen.sample.columns[column] if not missing(value)}
        if {"train", "test"} <= sides <= {"train", "validation", "test"}:
            return {"column": column}, "the data says which row belongs where"
    shares: dict[str, Any] = {"train": 0.7, "validation": 0.1, "test": 0.2}
    if seen.decided.group is not None:
        return {**shares, "group": seen.decided.group}, f"rows of one {seen.decided.group} stay together"
    counts = [count for name, count in seen.decided.labels.items() if name not in seen.decided.rare]
    if seen.sample.count < _FEW or (counts and min(counts) < _FEW_OF_A_LABEL):
        return {**shares, "stable": False}, "exact shares; without stable: false a row keeps its side when rows come"
    return shares, "a row keeps its side when rows are added"


def notes(seen: Seen) -> list[str]:
    """What a person should know before he relies on it."""
    taken = (seen.guess.columns.get("text", "text"), seen.decided.target)
    told = [f"{name} is left out: it {why}" for name, why in seen.decided.without.items()]
    texts = []
    for name, each in seen.known.items():
        if each.kind == "other" and names.place(name, names.LABELS) is not None:
            told.append(f"{name} holds lists or objects, which are no labels")
        elif (
            seen.guess.task == "text-classification"
            and name not in taken
            and each.kind == "words"
            and prose(each)
            and 2 * each.distinct > each.present
        ):
            texts.append(name)
    if texts:
        hold = "holds texts too, which are" if len(texts) == 1 else "hold texts too, which are"
        told.append(f"{', '.join(texts)} {hold} not read; a model of pairs reads one more: columns: {{text_pair: …}}")
    told += [f"{name} may be meant as the label too: --label {shlex.quote(name)}" for name in seen.rivals]
    if seen.alike >= alike.ENOUGH:
        told.append(f"{seen.alike:.0%} of the texts are nearly equal to another one; the first of them stays")
    if seen.sample.more:
        told.append(f"the first {seen.sample.count:,} rows were looked at; there are more")
    if seen.sample.count < _HARDLY_ANY:
        told.append(f"{seen.sample.count} rows are few: what is measured on them says little")
    total = sum(seen.decided.labels.values())
    if total and (rarest := min(seen.decided.labels.values())) < choose.RARE * total:
        told.append(f"the labels are uneven, {rarest / total:.1%} have the rarest: look at f1, not at accuracy")
    if seen.decided.rare:
        told.append(f"labels with fewer than {FEWEST} rows are left out: {', '.join(seen.decided.rare[:5])}")
    return told
