"""What is left of a number once its prediction is taken away: whether a regression leans to a side, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature, Task
from aiaas.evaluate.certainty import METHOD, ends
from aiaas.evaluate.notes import FEW
from aiaas.evaluate.scoring import Scored
from aiaas.statistics import Resamples, intervals
from aiaas.statistics.weighted import Mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.recipe import Evaluate

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_PARTS = 10


def of(section: Evaluate, seed: int, scored: Scored, task: Task, signature: Signature) -> dict[str, Any]:
    """Under `residuals` the true values minus the predicted ones, in units of the target: above 0 where the model says
    too little. Their mean with its interval, standard deviation and quantiles, and the same by the size of the
    prediction, in at most ten parts of as many rows. Nothing where the model predicts no number."""
    import numpy as np

    if not any(column.name == signature.target and column.kind == "number" for column in task.COLUMNS):
        return {}
    predicted = scored.scores[:, 0].astype(np.float64)
    residuals = np.asarray(scored.targets, np.float64) - predicted
    wanted = section.intervals
    resamples = Resamples(len(scored), wanted.samples, seed)
    found = intervals({0: Mean(residuals)}, resamples, wanted.level, METHOD)[0] if wanted.samples else None
    return {
        "residuals": {
            "mean": float(residuals.mean()),
            "interval": ends(found),
            "spread": float(residuals.std()),
            "quantiles": {f"{share:g}": float(np.quantile(residuals, share)) for share in QUANTILES},
            "by_prediction": _by_prediction(predicted, residuals),
        }
    }


def _by_prediction(predicted: NDArray[np.float64], residuals: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Parts of as many rows, from the smallest predictions to the largest; equal ones stay together."""
    import numpy as np

    parts = max(1, min(_PARTS, len(predicted) // FEW))
    cuts = np.unique(np.quantile(predicted, np.arange(1, parts) / parts, method="inverted_cdf"))
    place = np.searchsorted(cuts, predicted)  # a prediction that is a cut belongs to the part that it ends
    return [
        {
            "low": float(predicted[here].min()),
            "high": float(predicted[here].max()),
            "rows": int(here.sum()),
            "mean": float(residuals[here].mean()),
            "spread": float(residuals[here].std()),
        }
        for here in (place == part for part in np.unique(place))
    ]
