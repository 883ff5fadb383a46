"""A linear support vector machine whose scores are calibrated to probabilities."""

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
    """Hyper-parameters of the linear support vector machine."""

    C: float = Field(
        1.0, gt=0, le=1e6, description="How far the weights may go to fit the training rows; small keeps them small."
    )
    class_weight: Literal["balanced"] | None = Field(
        None, description="balanced: a rare label counts as much as a frequent one. null: every row counts the same."
    )
    max_iter: int = Field(5000, ge=1, le=1_000_000, description="The most passes of the solver.")
    tol: float = Field(1e-4, gt=0, le=1, description="The solver stops when it gains less than this.")
    folds: int = Field(
        5,
        ge=2,
        le=20,
        description="Scores are calibrated on rows held out in this many turns; every label needs as "
        "many training rows.",
    )


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
            return _stream_descent.fit_text(params, train, validation, training, descent(params), head, processes)
        learner = _fit_text.Learner(lambda: estimator(params, training.seed), head, least=params.folds)
        return _fit_text.fit(params, train, training, learner)
    from aiaas.backends.sklearn import _decide, _fit_rows

    if _decide.rows_stream(params, train, training):
        from aiaas.backends.sklearn import _stream_rows

        return _stream_rows.fit_descent(params, train, validation, training, descent(params))
    return _fit_rows.fit(params, train, training, estimator(params, training.seed), least=params.folds)


def estimator(params: Params, seed: int) -> Any:
    """scikit-learn's own estimator, not fitted: one machine, calibrated on scores of rows it had not seen."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import StratifiedKFold
    from sklearn.svm import LinearSVC

    machine = LinearSVC(
        C=params.C, class_weight=params.class_weight, max_iter=params.max_iter, tol=params.tol, random_state=seed
    )
    folds = StratifiedKFold(params.folds, shuffle=True, random_state=seed)
    return CalibratedClassifierCV(machine, method="sigmoid", cv=folds, ensemble=False)


def descent(params: Params) -> Descent:
    """What is minimised where the rows stay on disk; one row in `folds` is held out to calibrate on."""
    from aiaas.backends.sklearn._descent import Descent

    return Descent("hinge", params.C, balanced=params.class_weight == "balanced", folds=params.folds)


def head(fitted: Any) -> Linear:
    """The fitted estimator as linear scores: Platt's sigmoid of a linear score is the sigmoid of another."""
    import numpy as np

    from aiaas.backends.sklearn._linear import Linear

    calibrated = fitted.calibrated_classifiers_[0]
    machine = calibrated.estimator
    slope = np.array([[each.a_] for each in calibrated.calibrators])
    shift = np.array([each.b_ for each in calibrated.calibrators])
    return Linear.of_odds(-slope * machine.coef_, -(slope[:, 0] * machine.intercept_ + shift))


def load(directory: Path) -> Model:
    """The model that `save` wrote, of texts or of rows. Raises VerificationError."""
    from aiaas.backends.sklearn import _load

    return _load.load(directory)
