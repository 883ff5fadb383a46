"""The seams as types. A plug-in is a module or class that has what one of these protocols names.

Four kinds of plug-in, four rooms: sources (where rows come from), steps (what cleans them), tasks (what an example
and an answer are), backends (what learns). Importing a plug-in must stay cheap: its framework is imported inside the
functions that need it, so that listing, validating and planning import none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

Example = Any
"""What a model takes: a text (`str`), a row (`dict[str, Any]`), later a picture. The task says which."""

Batch = dict[str, list[Any]]
"""Rows as columns: every list has the same length. What sources yield and steps map."""

Answer = dict[str, Any]
"""What a caller reads, ready for JSON."""


class Params(BaseModel):
    """Base of everything a recipe may set: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


# --- sources -----------------------------------------------------------------------------------------------------


class SourceParams(Params):
    """What every entry under `collect` may say, whatever it reads from."""

    source: str = Field(description="Where the rows are: a path or glob, package:NAME/path, hf:OWNER/NAME, https://…")
    label: str | None = Field(None, description="Give every row of this source this label.")
    split: Literal["train", "validation", "test"] | None = Field(
        None, description="Which split the rows of this source belong to, where the data comes divided."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our column: their column, such as {text: review, label: cat}."
    )
    licence: str | None = Field(None, description="The licence of the data, kept in its provenance.")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of a source came from. `sha256` is of the bytes as read, None where there are none."""

    location: str
    bytes: int
    sha256: str | None
    licence: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source may rely on: where relative paths start, a folder it may keep downloads in, whether it may go
    online, and `warn`, which tells a person of something that was passed over (a skipped ragged row)."""

    base: Path
    cache: Path
    offline: bool = False
    refresh: bool = False
    warn: Callable[[str], None] = lambda message: None


class Source(Protocol):
    """A module in `sources/`. `SCHEMES` are the prefixes of `source:` that it answers to."""

    SCHEMES: tuple[str, ...]
    Params: type[SourceParams]

    def fingerprint(self, params: Any, context: SourceContext) -> Mapping[str, Any]:
        """What decides whether the rows are the same as last time, as flat JSON, without reading more than needed:
        digests of local files; of something remote its address and revision. Raises DataError when it is gone."""

    def read(self, params: Any, context: SourceContext) -> Iterator[Batch]:
        """The rows in batches of at most some thousands, columns as they stand in the data (mapping, labels and
        splits are added by the collect stage). Raises DataError, RemoteError or MissingPackageError."""

    def origins(self, params: Any, context: SourceContext) -> Sequence[Origin]:
        """Where the bytes came from; called after `read` is exhausted."""


# --- steps -------------------------------------------------------------------------------------------------------


class Step(Protocol):
    """A class called `Step` in a module of `steps/`, made from its parameters and the columns it works on.

    `ON_REQUEST` says that a request must go through it as well; such a step maps each row alone and keeps their number
    and order. `SCANS` says that `scan` must see all rows before `apply` may be called.
    """

    ON_REQUEST: ClassVar[bool]
    SCANS: ClassVar[bool]

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None: ...

    def scan(self, batches: Iterable[Batch]) -> None:
        """Look at every row before any is changed (only when `SCANS`)."""

    def apply(self, batch: Batch) -> Batch:
        """Map one batch; rows may be dropped where `ON_REQUEST` is false. Batches arrive in the order of the data."""

    def report(self) -> Mapping[str, Any]:
        """What it did, for the provenance: counts by reason, and examples where a person must look."""


@runtime_checkable
class Stateful(Protocol):
    """A step that learned something which a request needs as well (a word list, a mean): kept in the bundle."""

    def state(self) -> Mapping[str, Any]:
        """What it learned, as JSON; asked for after the last `apply`."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave, in place of `scan`."""


class StepModule(Protocol):
    """What a module in `steps/` holds."""

    Params: type[Params]
    Step: type[Step]


# --- tasks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """What a fitted model takes and gives: feature columns with their types (`string`, `int64`, `float64`, `bool`),
    the target column, and for a classifier the labels in the order of its outputs."""

    features: Mapping[str, str]
    target: str | None
    labels: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {"features": dict(self.features), "target": self.target, "labels": list(self.labels)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        return cls(dict(data["features"]), data["target"], tuple(data["labels"]))


@dataclass(frozen=True, slots=True)
class Column:
    """A column a task insists on. `kind` is how its values are kept: text, a class label, or a number."""

    name: str
    kind: Literal["text", "label", "number"]


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

    def answer(self, scores: NDArray[np.float32], signature: Signature) -> Answer:
        """The scores of one example (shape `(outputs,)`) as a caller reads them."""

    def measure(self, targets: NDArray[Any], scores: NDArray[np.float32], signature: Signature) -> dict[str, Any]:
        """Metrics of `scores` (n, outputs) against `targets` (n,): the flat ones of `METRICS`, and under `classes`
        and `confusion` what belongs to single classes."""


# --- backends ----------------------------------------------------------------------------------------------------


class Model(Protocol):
    """A fitted model. No tensor leaves it."""

    def predict(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Scores of shape (n, outputs), in the order of the examples: probabilities of a classifier, which sum to 1,
        or (n, 1) values of a regression."""

    def save(self, directory: Path) -> None:
        """Write into an existing empty folder what `load` of the architecture needs; equal weights, equal bytes."""


@dataclass(slots=True)
class Training:
    """What makes every framework report, stop and resume alike; handed to `fit`.

    `checkpoints` is a folder that outlives the process: what a fit leaves there, the same fit finds after it was
    interrupted. `report` takes a step number and metrics; `should_stop` is true once a signal came in, after which
    `fit` saves a checkpoint and raises `Interrupted`.
    """

    task: str
    signature: Signature
    seed: int
    checkpoints: Path
    report: Callable[[int, Mapping[str, float]], None] = lambda step, metrics: None
    should_stop: Callable[[], bool] = lambda: False
    notes: dict[str, Any] = field(default_factory=dict)
    """What a fit wants the run to remember (number of features, coverage, …)."""


@runtime_checkable
class Particular(Protocol):
    """An architecture whose parameters do not all go with every task it learns."""

    def check(self, params: Any, task: str) -> Sequence[tuple[str, str]]:
        """Each parameter that does not go with the task, and why; the recipe reports them with their places."""


class Architecture(Protocol):
    """A module in `backends/<backend>/`."""

    REQUIRES: tuple[str, ...]
    """Distributions that must be installed; the first that is missing decides the extra that the message names."""
    TASKS: tuple[str, ...]
    Params: type[Params]

    def fit(self, params: Any, train: Dataset, validation: Dataset, training: Training) -> Model:
        """Learn from `train` (feature columns and the target; a class label is a `ClassLabel`). `validation` may be
        empty. Raises TrainingError, and Interrupted after `training.should_stop()` said so."""

    def load(self, directory: Path) -> Model:
        """The model that `Model.save` wrote, without unpickling. Raises VerificationError."""
