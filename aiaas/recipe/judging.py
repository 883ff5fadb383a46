"""The section `evaluate` against what the task has to judge, and the rest of the recipe to decide by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiaas import perturb
from aiaas.contracts import Generative, Task
from aiaas.recipe import paths, wording
from aiaas.recipe.document import Document
from aiaas.recipe.evaluate import OF_TEXTS, Robustness, robustness_section
from aiaas.recipe.gates import gates
from aiaas.recipe.models import Recipe
from aiaas.recipe.validate import validated

_NOTHING: Mapping[str, Any] = {
    "slices": (),
    "intervals": {},
    "thresholds": {},
    "samples": {},
    "gates": {},
}
"""What a key without a value stands for."""


def section(written: Mapping[str, Any], task: Task | None, document: Document) -> dict[str, Any]:
    """The section as it is written, ready for `Evaluate`; every fault goes to the document."""
    found = {name: _NOTHING.get(name) if value is None else value for name, value in written.items()}
    slices = found.get("slices")
    if isinstance(slices, list):
        _refuse_slices(slices, task, document)
        found["slices"] = tuple(slices)
    if found.get("robustness") is not None:
        found["robustness"] = _robustness(found["robustness"], task, document)
    if isinstance(found.get("gates"), dict):
        found["gates"] = gates(found, task, document)
    return found


def refuse_undecidable(recipe: Recipe, task: Task | None, document: Document) -> None:
    """Scores are decided by on rows that were not learned from, and that do not judge; only labels are decided."""
    key, preprocess = recipe.evaluate.decides, recipe.preprocess
    if key is None or task is None:
        return
    path = ("evaluate", key)
    if not any(column.kind == "label" and not column.optional for column in task.COLUMNS):
        document.refuse(path, f"is for answers that are labels, and {recipe.task} has none", "leave it out")
    elif not (preprocess.split.validates or any(source.split == "validation" for source in recipe.collect)):
        told = "needs validation rows to decide by, and preprocess.split leaves none"
        document.refuse(path, told, "give preprocess.split.validation a share, such as 0.1")


def _robustness(written: Any, task: Task | None, document: Document) -> Robustness | None:
    """Each perturbation must change something that the task has."""
    path: paths.Path = ("evaluate", "robustness")
    asked = robustness_section(written)
    if asked is None:
        return None
    does: Any = task  # a task has what it has: one that writes is a `Generative` besides
    if isinstance(does, Generative):
        told = "is of models that answer, and this one writes: a text with slips is merely a less likely one"
        document.refuse(path, told, "leave it out")
        return None
    names = asked.get("perturbations") if isinstance(asked, dict) else None
    if task is not None and isinstance(names, list | tuple):
        _refuse_perturbations(names, task, path if isinstance(written, list) else (*path, "perturbations"), document)
    return validated(Robustness, asked, path, document)


def _refuse_perturbations(names: Sequence[Any], task: Task, path: paths.Path, document: Document) -> None:
    allowed = perturb.fitting(perturb.kinds_of(task))
    for place, name in enumerate(names):
        if isinstance(name, str) and name not in allowed:
            wording.note_name("perturbation", name, allowed, (*path, place), document)


def _refuse_slices(slices: Sequence[Any], task: Task | None, document: Document) -> None:
    """What is said of texts needs a task that has some."""
    if task is None or any(each.kind == "text" for each in task.COLUMNS):
        return
    for place, name in enumerate(slices):
        if name in OF_TEXTS:
            message = f"is of texts, and {document.data['task']} has none"
            document.refuse(("evaluate", "slices", place), message, "name source, or a column of the rows")
