"""Linear regression: a number as a weighted sum of the columns, by least squares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from aiaas.backends.sklearn._params import RowFeatures
from aiaas.contracts import Model, Training

if TYPE_CHECKING:
    from datasets import Dataset

REQUIRES = ("scikit-learn", "skops")
TASKS = ("tabular-regression",)


class Params(RowFeatures):
    """Hyper-parameters of linear regression."""

    l2: float = Field(
        1.0, ge=0, le=1e9, description="How strongly large weights are held back (ridge); 0 is plain least squares."
    )


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Learn from rows. Raises TrainingError, Interrupted."""
    from aiaas.backends.sklearn import _fit_rows

    return _fit_rows.fit(params, train, training, estimator(params), dense=True)


def estimator(params: Params) -> Any:
    """scikit-learn's own estimator, not fitted."""
    from sklearn.linear_model import LinearRegression, Ridge

    return Ridge(alpha=params.l2) if params.l2 else LinearRegression()


def load(directory: Path) -> Model:
    """The model that `save` wrote. Raises VerificationError."""
    from aiaas.backends.sklearn import _load

    return _load.load(directory)
