"""Naive Bayes: every feature counts for itself. Fast, and hard to beat on short texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from aiaas.backends.sklearn._params import TEXT_TASKS, Features, Misfit, features_misplaced, misplaced, refuse
from aiaas.backends.sklearn._settings import Streaming
from aiaas.contracts import Model, Training

if TYPE_CHECKING:
    from datasets import Dataset

    from aiaas.backends.sklearn._linear import Linear

REQUIRES = ("scikit-learn", "skops")
TASKS = ("text-classification", "tabular-classification")
Settings = Streaming


class Params(Features):
    """Hyper-parameters of Naive Bayes."""

    variant: Literal["multinomial", "complement", "bernoulli", "gaussian"] | None = Field(
        None,
        description="How a feature is distributed within a class. Texts: multinomial (how often), complement (the "
        "same, learned from the other classes: for labels of unequal size), bernoulli (whether at all). Rows: "
        "gaussian. Left out: multinomial for texts, gaussian for rows.",
    )
    alpha: float = Field(1.0, gt=0, le=1000, description="Texts: added to every count, so that nothing is impossible.")
    fit_prior: bool = Field(True, description="Take the shares of the labels from the training rows; false: equal.")
    var_smoothing: float = Field(
        1e-9, gt=0, le=1, description="Rows: added to every variance, as a part of the largest one."
    )


def check(params: Params, task: str) -> list[Misfit]:
    """The parameters that do not go with the task, and why."""
    misfits = features_misplaced(params, task)
    if task in TEXT_TASKS:
        misfits += misplaced(params, ["var_smoothing"], "belongs to the variant gaussian, which learns from rows")
        if params.variant == "gaussian":
            misfits.append(("variant", "gaussian learns from rows; allowed: multinomial, complement, bernoulli"))
        return misfits
    misfits += misplaced(params, ["alpha"], "belongs to the variants that learn from texts")
    if params.variant not in {None, "gaussian"}:
        misfits.append(("variant", f"{params.variant} learns from texts; allowed: gaussian"))
    return misfits


def fit(params: Params, train: Dataset, validation: Dataset, training: Training) -> Model:
    """Learn from texts or rows. Raises RecipeError, TrainingError, Interrupted."""
    refuse(check(params, training.task))
    if training.task in TEXT_TASKS:
        from aiaas.backends.sklearn import _decide, _fit_text, _stream_text

        presence = params.variant == "bernoulli"
        learner = _fit_text.Learner(lambda: estimator(params), head, presence=presence, in_parts=True)
        if _decide.text_streams(params, train, training):
            return _stream_text.fit(params, train, training, learner, _decide.processes_for(train, training))
        return _fit_text.fit(params, train, training, learner)
    from sklearn.naive_bayes import GaussianNB

    from aiaas.backends.sklearn import _decide, _fit_rows

    # TASKS and `check` leave gaussian alone; equal priors are given as such.
    labels = len(training.signature.labels)
    priors = None if params.fit_prior else [1 / labels] * labels
    gaussian = GaussianNB(priors=priors, var_smoothing=params.var_smoothing)
    if _decide.rows_stream(params, train, training, dense=True):
        from aiaas.backends.sklearn import _stream_rows

        return _stream_rows.fit_gaussian(params, train, training, gaussian)
    return _fit_rows.fit(params, train, training, gaussian, dense=True)


def estimator(params: Params) -> Any:
    """scikit-learn's own estimator for texts, not fitted."""
    from sklearn import naive_bayes

    kinds = {
        "complement": naive_bayes.ComplementNB,
        "bernoulli": naive_bayes.BernoulliNB,
        "multinomial": naive_bayes.MultinomialNB,
    }
    return kinds[params.variant or "multinomial"](alpha=params.alpha, fit_prior=params.fit_prior)


def head(fitted: Any) -> Linear:
    """The fitted estimator as linear scores: in each of its variants the log-likelihood is linear in the features."""
    import numpy as np
    from sklearn.naive_bayes import BernoulliNB, ComplementNB

    from aiaas.backends.sklearn._linear import Linear

    weights, prior = fitted.feature_log_prob_, fitted.class_log_prior_
    if isinstance(fitted, BernoulliNB):  # an absent feature speaks too: log(1 - p)
        absent = np.log(1 - np.exp(weights))
        return Linear.of_classes(weights - absent, prior + absent.sum(axis=1))
    if isinstance(fitted, ComplementNB):  # it uses no prior
        prior = np.zeros_like(prior)
    return Linear.of_classes(weights, prior)


def load(directory: Path) -> Model:
    """The model that `save` wrote, of texts or of rows. Raises VerificationError."""
    from aiaas.backends.sklearn import _load

    return _load.load(directory)
