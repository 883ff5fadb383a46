"""The gates of a recipe against what the task and the rest of `evaluate` have for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiaas.contracts import Task, metrics_of
from aiaas.recipe import wording
from aiaas.recipe.document import Document
from aiaas.recipe.gate import AGAINST, OF_BUNDLE, OF_ROWS, Against, Gate
from aiaas.recipe.validate import validated

_NEEDS = {"slice_gap": "slices", "robustness_drop": "robustness"}
"""The key of `evaluate` without which there is nothing to measure."""


def names(task: Task) -> list[str]:
    """What a gate of this task may be called."""
    of_forms = [name for name in OF_BUNDLE if name != "max_accuracy_drop" or "accuracy" in task.METRICS]
    return [*metrics_of(task), AGAINST, *OF_ROWS, *of_forms]


def gates(section: Mapping[str, Any], task: Task | None, document: Document) -> dict[str, Gate | Against]:
    """The gates of the section `evaluate` as they are written; every fault goes to the document."""
    found: dict[str, Gate | Against] = {}
    for name, value in section["gates"].items():
        path = ("evaluate", "gates", name)
        if task is not None and name not in names(task):
            wording.note_name("metric", name, names(task), path, document, key=True)
        if name == AGAINST:
            if (against := _against(value, task, document)) is not None:
                found[name] = against
            continue
        try:
            gate = found[name] = Gate.parse(document.raws.get(path, value))
        except ValueError as error:
            document.refuse(path, str(error))
            continue
        if gate.by == "interval":
            _needs_interval(name, section, document)
        if (needed := _NEEDS.get(name)) and not section.get(needed):
            document.refuse(path, f"needs evaluate.{needed}, of which it is measured", f"say {needed} there")
    return found


def _against(value: Any, task: Task | None, document: Document) -> Against | None:
    path = ("evaluate", "gates", AGAINST)
    if value is None or isinstance(value, bool | float | list):
        message = f"must be a model, such as champion, or a mapping with model, found {wording.kind_of(value)}"
        document.refuse(path, message)
        return None
    said = Against.parse(document.raws.get(path, value) if not isinstance(value, dict) else value)
    against = validated(Against, said, path, document)
    if against and against.metric and task is not None and against.metric not in task.METRICS:
        wording.note_name("metric", against.metric, list(task.METRICS), (*path, "metric"), document)
    return against


def _needs_interval(name: str, section: Mapping[str, Any], document: Document) -> None:
    path = ("evaluate", "gates", name)
    intervals = section.get("intervals")
    if name in OF_ROWS or name in OF_BUNDLE:
        document.refuse(path, f"cannot be judged by interval: {name} has none", "leave `by interval` away")
    elif isinstance(intervals, dict) and intervals.get("samples") == 0:
        told = "cannot be judged by interval where evaluate.intervals.samples is 0"
        document.refuse(path, told, "let samples be 1000, or leave `by interval` away")
