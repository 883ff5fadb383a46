"""Whether the model is right as often as it says it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiaas import decision
from aiaas.contracts import Signature, Task
from aiaas.evaluate.scoring import Scored
from aiaas.statistics import observed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.recipe import Evaluate


def of(
    section: Evaluate, scored: Scored, raw: Scored, task: Task, signature: Signature, temperature: float | None
) -> dict[str, Any]:
    """Under `calibration` the expected calibration error, the bins that it is made of, and the temperature; where there
    is one also `before`, what `raw` scores would give. Nothing where the scores are no probabilities of labels."""
    if not signature.labels or scored.scores.shape[1] != len(signature.labels):
        return {}
    answers = signature.decide(scored.scores)
    found = {
        "ece": _error(scored, answers),
        "bins": [
            {**each._asdict(), "interval": list(each.interval)}
            for each in decision.bins(
                *decision.confidence(scored.targets, scored.scores, answers), section.intervals.level
            )
        ],
        "temperature": temperature,
    }
    if temperature is not None:
        plain = task.measure(raw.targets, raw.scores, replace(signature, thresholds={}))
        found["before"] = {"ece": _error(raw, answers), "log_loss": plain.get("log_loss")}
    return {"calibration": found}


def _error(scored: Scored, answers: NDArray[np.intp]) -> float:
    error = decision.CalibrationError(*decision.confidence(scored.targets, scored.scores, answers))
    return observed({0: error}, len(scored))[0]
