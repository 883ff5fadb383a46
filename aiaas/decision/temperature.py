"""Temperature scaling: one number that makes all probabilities of a classifier less sure, or surer.

See Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017. The logarithms of the probabilities
are divided by the temperature, which for a softmax is to divide its logits; no order changes, so no likeliest label
does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Counts, Example, Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOWEST, HIGHEST = 0.05, 20.0
"""Temperatures that a fit may find: what lies beyond comes of rows that do not say how sure to be."""
_FLAT = 1e-12
"""A loss a row by which no temperature is better than another."""


def scaled(scores: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities (n, labels) at a temperature: above 1 less sure, below 1 surer. Each row sums to 1."""
    import numpy as np
    from scipy.special import softmax

    if not len(scores):
        return scores
    return np.asarray(softmax(_logits(scores) / temperature, axis=1), np.float32)


def fit(targets: NDArray[Any], scores: NDArray[np.float32]) -> float | None:
    """The temperature at which `scores` (n, labels) give `targets` (n,), numbers of labels, the highest likelihood.

    None where the rows name none: all are answered rightly, so that no score could be sure enough, or hardly any is, or
    no score is above another.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logits = _logits(scores)
    true = logits[np.arange(len(logits)), np.asarray(targets, np.int64)]

    def loss(logarithm: float) -> float:
        sharper = np.exp(-logarithm)
        return float(np.mean(logsumexp(sharper * logits, axis=1) - sharper * true))

    ends = [float(np.log(end)) for end in (LOWEST, HIGHEST)]
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6})
    # Convex in the inverse of the temperature, so there is one valley: it lies within, or an end is lower.
    if found.fun > min(map(loss, ends)) - _FLAT:
        return None
    return float(np.exp(found.x))


def tempered(model: Model, temperature: float | None) -> Model:
    """The model with its scores at a temperature; itself where there is none."""
    if temperature is None:
        return model
    return _TemperedCounting(model, temperature) if isinstance(model, Counts) else _Tempered(model, temperature)


class _Tempered:
    """A model whose scores are probabilities, at a temperature."""

    def __init__(self, model: Model, temperature: float) -> None:
        self.model, self.temperature = model, temperature

    def predict(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        return scaled(self.model.predict(examples), self.temperature)

    def save(self, directory: Path) -> None:
        """The model alone: the temperature is kept beside it."""
        self.model.save(directory)


class _TemperedCounting(_Tempered):
    """One that reads tokens."""

    def tokens(self, examples: Sequence[Example]) -> Sequence[int]:
        assert isinstance(self.model, Counts), "`tempered` looked"
        return self.model.tokens(examples)


def _logits(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logarithms of probabilities; what a float32 calls 0 is as unlikely as it can hold."""
    import numpy as np

    return np.log(np.maximum(np.asarray(scores, np.float64), np.finfo(np.float32).tiny))
