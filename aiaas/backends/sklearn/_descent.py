"""A linear classifier by stochastic gradient descent over rows on disk: scikit-learn's SGDClassifier, part by part.

The weights of an epoch are the mean of those after each of its parts: single ones still jump about. All that a part
depends on is the weights before it, the number of rows seen, and its place; so a fit that was interrupted learns, bit
for bit, what another would have learned.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends.course import Course, State, stopped
from aiaas.backends.sklearn._linear import Linear
from aiaas.backends.sklearn._shards import Part, Shards
from aiaas.contracts import Training
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FILE = "descent.npz"
_HELD_AT_MOST = 20_000  # rows: a sigmoid has two parameters


@dataclass(frozen=True, slots=True)
class Descent:
    """What is minimised: the mean loss and, against large weights, their squares, `C` as in the solvers that hold all
    rows. `balanced` lets a rare label count as much as a frequent one. With `folds`, one row in so many is held out,
    and the scores are calibrated on those."""

    loss: Literal["log_loss", "hinge"]
    C: float
    balanced: bool = False
    folds: int | None = None

    def estimator(self, counts: NDArray[np.int64], seed: int) -> Any:
        """scikit-learn's own estimator, not fitted, for so many rows of each class, which come shuffled."""
        from sklearn.linear_model import SGDClassifier

        rows = int(counts.sum())
        weights = {number: rows / (counts.size * count) for number, count in enumerate(counts.tolist())}
        return SGDClassifier(
            loss=self.loss,
            alpha=1 / (self.C * rows),
            class_weight=weights if self.balanced else None,
            shuffle=False,
            random_state=seed,
        )

    def held_out(self, targets: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
        """Which rows (n,) no weight is learned from: of each class some, drawn by lot."""
        held = np.zeros(targets.size, np.bool_)
        if self.folds is None:
            return held
        lot = np.random.default_rng([seed, targets.size])
        share = min(1 / self.folds, _HELD_AT_MOST / targets.size)
        for label in np.unique(targets):
            rows = (targets == label).nonzero()[0]
            held[lot.choice(rows, max(1, round(rows.size * share)), replace=False)] = True
        return held

    def calibrated(self, estimator: Any, held: Part, width: int) -> Any:
        """The estimator with probabilities, as scikit-learn makes them of scores of rows it has not seen."""
        if self.folds is None:
            return estimator
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.frozen import FrozenEstimator

        every = np.arange(len(held.rows))
        calibrated = CalibratedClassifierCV(FrozenEstimator(estimator), method="sigmoid", cv=[(every, every)])
        calibrated.fit(held.rows.matrix(width), held.labels)
        return calibrated.set_params(cv=None)  # nothing is learned in turns: no weight has seen these rows


class _TimeIsUp(Exception):
    """The time limit of the recipe came within an epoch."""


class Fit:
    """One fit of `estimator` on `shards`, whose rows have `width` columns, judged on `validation`."""

    def __init__(
        self, estimator: Any, shards: Shards, validation: Shards | None, width: int, training: Training
    ) -> None:
        self.estimator, self.shards, self.validation = estimator, shards, validation
        self.width, self.training = width, training
        self.course = Course(training, shards.parts)
        self.classes = np.arange(len(training.signature.labels))
        self.mean: list[NDArray[np.float64]] = []
        self.best: list[NDArray[np.float64]] = []
        self.sums = np.zeros(3)  # of the epoch so far: loss, rows that were right, rows
        self._path = training.checkpoints / _FILE

    def run(self) -> Any:
        """All epochs that are still to do; the estimator with the last weights, or with the best ones where the recipe
        stops early."""
        self._resume()
        while not self.course.over():
            with suppress(_TimeIsUp):  # what was learned of the epoch counts
                self._epoch()
            self._end_epoch()
        self.course.finish()
        return self._with(self.best if self.course.settings.early_stopping and self.best else self.mean)

    def _with(self, weights: list[NDArray[np.float64]]) -> Any:
        """A fitted estimator that has these weights, and nothing that is only needed to go on."""
        from sklearn.base import clone

        fitted = clone(self.estimator)
        fitted.coef_, fitted.intercept_ = weights
        fitted.classes_, fitted.n_features_in_ = self.classes, self.width
        return fitted

    def _epoch(self) -> None:
        state = self.course.state
        for number in self.shards.order(state.epoch)[state.step :]:
            part = self.shards.read(number, state.epoch)
            if len(part.rows):
                self._learn(part)
            told = self.course.stepped(len(part.rows), float(self.sums[0]))
            self._average()
            if told:
                self.course.tell(self._metrics(self.sums))
            if self.training.should_stop():
                self._keep()
                raise stopped()
            if self.course.keep_now():
                self._keep()
            if self.course.late():
                self._keep()
                raise _TimeIsUp

    def _learn(self, part: Part) -> None:
        """Measure the part with the weights as they are, for it is new to them in this pass; then learn it."""
        if hasattr(self.estimator, "coef_"):
            self.sums += self._measure(part, [self.estimator.coef_, self.estimator.intercept_])
        matrix = part.rows.matrix(self.width)
        self.estimator.partial_fit(matrix, part.labels, classes=self.classes)
        if not self.sums[2]:  # the first part of all
            self.sums += self._measure(part, [self.estimator.coef_, self.estimator.intercept_])

    def _average(self) -> None:
        """Take the weights after a part into the mean of the epoch."""
        if not hasattr(self.estimator, "coef_"):
            return
        now = [self.estimator.coef_, self.estimator.intercept_]
        step = self.course.state.step
        if step == 1 or not self.mean:
            self.mean = [each.copy() for each in now]
            return
        for mean, each in zip(self.mean, now, strict=True):
            mean += (each - mean) / step

    def _measure(self, part: Part, weights: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Sum of the losses, rows that are right, rows."""
        scores = part.rows.matrix(self.width) @ weights[0].T + weights[1]
        if self.estimator.loss == "hinge":
            signs = np.where(part.labels[:, None] == self.classes, 1.0, -1.0)
            signs = signs[:, 1:] if scores.shape[1] == 1 else signs
            loss = np.maximum(0, 1 - signs * scores).sum()
        else:
            link: Any = "logistic" if scores.shape[1] == 1 else "one-vs-rest"
            chances = Linear(np.empty((0, scores.shape[1]), np.float32), weights[1], link).probabilities(scores)
            true = chances[np.arange(len(part.labels)), part.labels].astype(np.float64)
            loss = -np.log(true.clip(np.finfo(np.float32).eps)).sum()
        found = scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > 0
        return np.array([loss, (found == part.labels).sum(), len(part.labels)])

    @staticmethod
    def _metrics(sums: NDArray[np.float64]) -> dict[str, float]:
        rows = max(1.0, sums[2])
        return {"loss": float(sums[0] / rows), "accuracy": float(sums[1] / rows)}

    def _end_epoch(self) -> None:
        """Judge the epoch on the validation rows, report it, keep it."""
        metrics = self._metrics(self.sums)
        if self.validation is not None:
            sums = np.sum([self._measure(part, self.mean) for part in self.validation.all()], axis=0)
            metrics |= {f"validation_{name}": value for name, value in self._metrics(sums).items()}
        if self.course.judge(metrics, self._rate()):
            self.best = [each.copy() for each in self.mean]
        self.sums = np.zeros(3)
        stop = self.training.should_stop()
        if self.course.keep_epoch() or (stop and not self.course.cut):
            self._keep()
        if stop:
            raise stopped()

    def _rate(self) -> float:
        """The learning rate of scikit-learn's schedule `optimal` at the end of the epoch."""
        alpha = self.estimator.alpha
        return float(1 / (alpha * (alpha**-0.75 + self.estimator.t_ - 1)))

    def _keep(self) -> None:
        if not hasattr(self.estimator, "coef_"):
            return
        self.course.kept()
        arrays = {"sums": self.sums, "t": np.array(self.estimator.t_)}
        learned = [self.estimator.coef_, self.estimator.intercept_]
        for name, each in (("now", learned), ("mean", self.mean), ("best", self.best)):
            arrays |= {f"{name}{number}": array for number, array in enumerate(each)}
        arrays["state"] = np.frombuffer(json.dumps(asdict(self.course.state)).encode(), np.uint8)
        with atomic.open_new(self._path) as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]

    def _resume(self) -> None:
        if not self._path.exists():
            return
        with np.load(self._path, allow_pickle=False) as kept:
            given = {name: kept[name] for name in kept.files}
        self.sums, self.estimator.t_ = given["sums"], float(given["t"])
        self.estimator.classes_, self.estimator.n_features_in_ = self.classes, self.width
        self.estimator.coef_, self.estimator.intercept_ = given["now0"], given["now1"]
        self.mean = [given["mean0"], given["mean1"]]
        self.best = [given[name] for name in ("best0", "best1") if name in given]
        self.course.resume(State(**json.loads(given["state"].tobytes())))
