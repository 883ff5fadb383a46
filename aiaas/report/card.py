"""The model card: Markdown with the header that the Hugging Face hub reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas import plugins, readable
from aiaas.contracts import Protects
from aiaas.errors import UsageError
from aiaas.report import figures
from aiaas.report.judged import Judged
from aiaas.report.templating import environment

PIPELINES = {"text-embedding": "feature-extraction"}
"""What the hub calls a task where it does not call it as we do."""
SHOWN = 20


def model_card(judged: Judged) -> str:
    """The card: intended use, data with provenance and licence, metrics by slice, limits, personal data, cost."""
    from huggingface_hub.repocard_data import ModelCardData

    data = ModelCardData(
        model_name=judged.name,
        pipeline_tag=PIPELINES.get(judged.task, judged.task),
        library_name="aiaas",
        tags=["aiaas", judged.task, *judged.model.split("/")],
        metrics=[name for name, value in judged.flat.items() if value is not None],
        eval_results=_results(judged) or None,
    )
    body = (
        environment()
        .get_template("card.md.j2")
        .render(
            judged=judged,
            metrics=figures.measured(judged),
            classes=figures.classes(judged),
            slices=_slices(judged),
            personal=_personal(judged),
            shown=SHOWN,
        )
    )
    return f"---\n{data.to_yaml()}\n---\n\n{body}"


def _results(judged: Judged) -> list[Any]:
    """The metrics as the hub's index of models has them."""
    from huggingface_hub.repocard_data import EvalResult

    return [
        EvalResult(
            task_type=PIPELINES.get(judged.task, judged.task),
            dataset_type=judged.name,
            dataset_name=f"held-out rows of {judged.name}",
            dataset_split="test",
            metric_type=name,
            metric_value=round(value, 6),
            metric_name=readable.named(name),
        )
        for name, value in judged.flat.items()
        if value is not None
    ]


def _slices(judged: Judged) -> tuple[str, list[Mapping[str, Any]]] | None:
    """The metric that slices are told by, and the slices with enough rows."""
    found = [each for each in judged.metrics.get("slices") or () if not each["few"]]
    metric = next((name for name in judged.flat if any(name in each["metrics"] for each in found)), None)
    return (metric, found[:SHOWN]) if metric else None


def _personal(judged: Judged) -> dict[str, Any]:
    """What is known of personal data: what was found, and whether a step takes it out."""
    return {
        "found": [each["message"] for each in judged.findings if each["name"].startswith("personal")],
        "masked": [each["name"] for each in judged.rows.get("steps", ()) if _protects(each["name"])],
        "looked": bool(judged.seconds.get("inspect")) or bool(judged.findings),
    }


def _protects(step: str) -> bool:
    """Whether a step takes personal data out of what is kept and shown."""
    try:
        return isinstance(getattr(plugins.step(step), "Step", None), Protects)
    except UsageError:  # it came from a package that is not here
        return False
