"""What an example and an answer are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from aiaas.contracts.base import Answer, Example, Params

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Statistic = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]
"""A metric as a function of weights. `weights` (b, n) say how often each of n rows counts in each of b samples of them;
the values (b,) are those of the samples, NaN where the metric is not defined. Weights of one are the metric itself;
`aiaas.statistics` makes intervals, slices and comparisons of the same function with other weights."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a fitted model takes and gives: feature columns with their types (`string`, `int64`, `float64`, `bool`,
    `binary`), the target column where there is one, and for a classifier the labels in the order of its outputs. A
    target that the task leaves optional is not learned, only judged by."""

    features: Mapping[str, str]
    target: str | None
    labels: tuple[str, ...] = ()

    @property
    def file(self) -> str | None:
        """The feature that holds a file, where that is all a model takes."""
        return next(iter(self.features)) if list(self.features.values()) == ["binary"] else None

    @property
    def bare(self) -> str | None:
        """The feature whose value may stand for a whole input: the text of a model of texts, or the file."""
        return "text" if tuple(self.features) == ("text",) else self.file

    def as_dict(self) -> dict[str, Any]:
        return {"features": dict(self.features), "target": self.target, "labels": list(self.labels)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        return cls(dict(data["features"]), data["target"], tuple(data["labels"]))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a task. `kind` is how its values are kept: text, a class label, a number, or a file as it is (bytes,
    such as an encoded picture). A task insists on it, unless it is `optional`: then it is there for all rows or for
    none, as `columns:` of the sources say or as the data has it. An optional label is one to judge by, and no model
    learns it."""

    name: str
    kind: Literal["text", "label", "number", "file"]
    optional: bool = False


class Task(Protocol):
    """A module in `tasks/`: what an example is, how a request decodes, the metrics, how an answer reads."""

    COLUMNS: tuple[Column, ...]
    """The columns it insists on; any further column is a feature where `OPEN` is true and is refused otherwise."""
    OPEN: bool
    METRICS: Mapping[str, Literal["higher", "lower"]]
    """The names a gate may use, and which way is better."""

    def example(self, row: Mapping[str, Any], signature: Signature) -> Example:
        """One row of a dataset, as a model takes it."""

    def decode(self, value: Any, signature: Signature) -> dict[str, Any]:
        """One input of a request (parsed JSON) as a row of feature columns; raises DataError naming the fault."""

    def request(self, row: Mapping[str, Any], signature: Signature) -> Any:
        """A row of feature columns as a request states it, ready for JSON; `decode` takes it back."""

    def answer(self, scores: NDArray[np.float32], signature: Signature) -> Answer:
        """The scores of one example (shape `(outputs,)`) as a caller reads them."""

    def measure(self, targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
        """Metrics of `scores` (n, outputs) against `targets` (n,), or (0,) where the task has no target: the flat ones
        of `METRICS`, and under `classes` and `confusion` what belongs to single classes."""


@runtime_checkable
class Weighs(Protocol):
    """A task whose metrics are statistics of weighted rows. Those of one that is not have no intervals."""

    METRICS: Mapping[str, Literal["higher", "lower"]]

    def statistics(
        self, targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature
    ) -> Mapping[str, Statistic]:
        """What `measure` has under each name of `METRICS`, as a function of weights. Costs little until it is called.
        Raises DataError without rows."""


@runtime_checkable
class WeighsClasses(Protocol):
    """A task that weighs its rows and whose metrics of single classes are such statistics as well."""

    def class_statistics(
        self, targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature
    ) -> Mapping[str, Mapping[str, Statistic]]:
        """What `measure` has under `classes`, by the label and the name."""


@runtime_checkable
class TellsScores(Protocol):
    """A task whose answers tell the scores that they were made of, but for rounding: so a service that only answers is
    judged as a model is."""

    def told(self, answer: Answer, signature: Signature) -> Sequence[float]:
        """What `answer` was made of (outputs,), in the order of the signature's labels. KeyError, TypeError or
        ValueError for what is no answer of such a model."""


class Inspection(Protocol):
    """Looks at the files of a data set as they are collected."""

    def look(self, files: Sequence[bytes]) -> list[str | None]:
        """What is wrong with each file; None where nothing is."""

    def report(self) -> Mapping[str, Any]:
        """What it saw of the files that nothing is wrong with, as JSON for the provenance; under `told` in words, for a
        person."""


@runtime_checkable
class TakesFiles(Protocol):
    """A task whose input may be a file as it is: uploaded to a service, or named by its path in `infer`. It has one
    feature, of the kind `file`, and its `decode` takes `bytes` as well."""

    MEDIA_TYPES: tuple[str, ...]
    """What such a file may be, as `image/png`."""

    def inspection(self) -> Inspection:
        """A fresh look at the files of one source."""


@runtime_checkable
class Generative(Protocol):
    """A task whose answer a model writes piece by piece: what a caller reads is made by `written`, not by `answer`."""

    Options: type[Params]
    """What a caller may ask for: length, temperature, seed. Every one has a default and a description."""
    SCORES: tuple[str, ...]
    """What `predict` of a model gives of each example, in this order; `measure` makes metrics of it."""

    def opening(self, row: Mapping[str, Any], signature: Signature) -> Any:
        """How a row begins, as a request: an example of what a model may be asked to go on with."""

    def written(self, text: str, signature: Signature) -> Answer:
        """All the pieces together, as a caller reads them."""
