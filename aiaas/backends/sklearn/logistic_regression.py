"""Logistic regression: a weight for every feature, all of them learned together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from aiaas.backends.sklearn._params import TEXT_TASKS, Features, Misfit, features_misplaced, refuse
from aiaas.backends.sklearn._settings import Descending
from aiaas.contracts import Model, Training

if TYPE_CHECKING:
    from datasets import Dataset

    from aiaas.backends.sklearn._descent import Descent
    from aiaas.backends.sklearn._linear import Linear

REQUIRES = ("scikit-learn", "skops")
TASKS = ("text-classification", "tabular-classification")
Settings = Descending


class Params(Features):
    """Hyper-parameters of logistic regression."""

    C: float = Field(
        1.0, gt=0, le=1e6, description="How far the weights may go to fit the training rows; small keeps them small."
    )
    class_weight: Literal["balanced"] | None = Field(
        None, description="balanced: a rare label counts as much as a frequent one. null: every row counts the same."
    )
    max_iter: int = Field(300, ge=1, le=100_000, description="The most steps of the solver.")
    tol: float = Field(1e-4, gt=0, le=1, description="The solver stops when the largest slope is below this.")


def check(params: Params, task: str) -> list[Misfit]:
    """The parameters that do not go with the task, and why."""
    return features_misplaced(params, task)


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Learn from texts or rows. Raises RecipeError, TrainingError, Interrupted."""
    refuse(check(params, training.task))
    if training.task in TEXT_TASKS:
        from aiaas.backends.sklearn import _decide, _fit_text, _stream_descent

        if _decide.text_streams(params, train, training):
            processes = _decide.processes_for(train, training)
            return _stream_descent.fit_text(
                params, train, validation, training, descent(params), head_of_odds, processes
            )
        return _fit_text.fit(params, train, training, _fit_text.Learner(lambda: estimator(params), head))
    from aiaas.backends.sklearn import _decide, _fit_rows

    if _decide.rows_stream(params, train, training):
        from aiaas.backends.sklearn import _stream_rows

        return _stream_rows.fit_descent(params, train, validation, training, descent(params))
    return _fit_rows.fit(params, train, training, estimator(params))


def estimator(params: Params) -> Any:
    """scikit-learn's own estimator, not fitted. Its solver, L-BFGS, draws no random numbers."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=params.C, class_weight=params.class_weight, max_iter=params.max_iter, tol=params.tol)


def descent(params: Params) -> Descent:
    """What is minimised where the rows stay on disk."""
    from aiaas.backends.sklearn._descent import Descent

    return Descent("log_loss", params.C, balanced=params.class_weight == "balanced")


def head_of_odds(fitted: Any) -> Linear:
    """What was learned by descent as linear scores: of more than two labels each was learned against the others."""
    from aiaas.backends.sklearn._linear import Linear

    return Linear.of_odds(fitted.coef_, fitted.intercept_)


def head(fitted: Any) -> Linear:
    """The fitted estimator as linear scores."""
    from aiaas.backends.sklearn._linear import Linear

    make = Linear.of_odds if len(fitted.coef_) == 1 else Linear.of_classes
    return make(fitted.coef_, fitted.intercept_)


def load(directory: Path) -> Model:
    """The model that `save` wrote, of texts or of rows. Raises VerificationError."""
    from aiaas.backends.sklearn import _load

    return _load.load(directory)
