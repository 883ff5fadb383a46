"""Where the code stands that a stage rests on: of another version of it another artefact comes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aiaas import backends, plugins
from aiaas.pipeline.stages.work import Work

SHARED = "pictures"
"""The room that sources, tasks and backends use alike, and that their own code therefore does not tell of."""

OF_STEPS = ("steps", "pii", "perturb", "chinese")
"""The rooms of steps on a request and of what they share, besides those that a model has as well."""


def code(used: Iterable[object]) -> list[str | Path]:
    """Where the code of these plug-ins stands, ours or another package's, and what they share."""
    return [SHARED, *sorted({plugins.code(plugin) for plugin in used})]


def model_code(work: Work) -> list[str | Path]:
    """Where the code stands that makes answers of examples: equal weights under other code are another model."""
    model = work.recipe.model
    used = [plugins.task(work.recipe.task), plugins.architecture(model.backend, model.architecture)]
    shared = plugins.code(backends).glob("*.py")  # what the backends share, beside their folders
    return [*code(used), *sorted(shared), "words"]
