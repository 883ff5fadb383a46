"""What a search judges its trials by: metrics of the validation rows, and what a model costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from aiaas import plugins
from aiaas.contracts import Signature
from aiaas.errors import TrainingError
from aiaas.pipeline.stages import Made, Work
from aiaas.pipeline.validation import judged
from aiaas.recipe import Recipe
from aiaas.recipe.tune import COSTS
from aiaas.workspace import Artefact

_ROWS = 64
"""Validation rows by which the time of an answer is taken."""
_REPORTED = {"validation_accuracy": "higher", "validation_mae": "lower", "validation_loss": "lower"}
"""What fits report of the validation rows, and which way is better."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A figure and which way is better."""

    name: str
    better: Literal["higher", "lower"]

    def halfway(self, reported: Mapping[str, float]) -> float | None:
        """What a fit reports of the validation rows in place of this figure, so that better is the same way; None where
        it reports nothing of the kind."""
        if self.name in COSTS:
            return None
        own = reported.get(f"validation_{self.name}")
        if own is not None:
            return own
        found = next(((reported[name], way) for name, way in _REPORTED.items() if name in reported), None)
        return None if found is None else found[0] if found[1] == self.better else -found[0]


def objectives(recipe: Recipe) -> list[Objective]:
    """Those of the recipe; the first metric of its task where it names none."""
    assert recipe.tune is not None
    known = plugins.task(recipe.task).METRICS
    names = recipe.tune.metric or (next(iter(known)),)
    return [Objective(name, known.get(name, "lower")) for name in names]


def measure(wanted: Sequence[Objective], work: Work, made: Made, fitted: Artefact) -> dict[str, float]:
    """All metrics of the validation rows, and the costs that are asked for. Raises TrainingError where one that is
    wanted is no number."""
    found = dict(judged(work, made, fitted))
    for each in wanted:
        match each.name:
            case "latency_p95_ms":
                found[each.name] = _latency(work, made, fitted)
            case "size_mb":
                found[each.name] = sum(n for name, n in fitted.sizes.items() if name.startswith("model/")) / 1e6
            case "training_seconds":
                found[each.name] = fitted.seconds
        if each.name not in found:
            raise TrainingError(f"{each.name} of the validation rows is no number", where="tune.metric")
    return found


def _latency(work: Work, made: Made, fitted: Artefact) -> float:
    """Of the fitted model itself: a portable form of it, which only a deployment makes, may answer faster."""
    from datasets import Dataset

    from aiaas import tasks
    from aiaas.deploy import timed

    model = work.recipe.model
    loaded = plugins.architecture(model.backend, model.architecture).load(fitted.path / "model")
    rows = Dataset.from_file(str(made["preprocess"].path / "validation.arrow"))[:_ROWS]
    signature = Signature.from_dict(fitted.summary["signature"])
    return timed(loaded.predict, tasks.examples(rows, plugins.task(work.recipe.task), signature))
