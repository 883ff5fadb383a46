"""What cleans rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from aiaas.contracts.base import Batch, Params

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Survey = Mapping[str, NDArray[Any]]
    """What a step must know of some rows: arrays whose first axis may be joined with that of the rows after them."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """What is left of a batch, or was made of it, where that is not one row for each. `places` has for each of `rows`
    the place in the batch that it came from, ascending; `reasons` says of every place that none came from why."""

    rows: Batch
    places: Sequence[int]
    reasons: Mapping[int, str] = field(default_factory=dict)


def sift(batch: Batch, reasons: Sequence[str | None]) -> Batch | Sifted:
    """The rows of a batch for which `reasons` has no reason to leave them out."""
    if not any(reasons):
        return batch
    stays = [reason is None for reason in reasons]
    rows = {name: list(compress(values, stays)) for name, values in batch.items()}
    places = list(compress(range(len(stays)), stays))
    return Sifted(rows, places, {place: reason for place, reason in enumerate(reasons) if reason is not None})


class Step(Protocol):
    """A class called `Step` in a module of `steps/`, made from its parameters and the columns it works on.

    What becomes of a row depends on that row alone, on the parameters, and on what was concluded of all rows where the
    step `Surveys` them: the batches of one data set are mapped in several processes, each with a step of its own.

    `ON_REQUEST` says that a request must go through it as well; such a step keeps the number and order of rows, and
    takes them without a label. `ROWS` says which rows it is given: all, or only those of train, once the rows are
    divided; what changes their number for the sake of learning (balancing, augmentation) must not touch the others.
    """

    ON_REQUEST: ClassVar[bool]
    ROWS: ClassVar[Literal["all", "train"]]

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None: ...

    def apply(self, batch: Batch) -> Batch | Sifted:
        """Map one batch, which is left as it is; `Sifted` where rows were left out or made."""

    def report(self) -> Mapping[str, Any]:
        """What it did since it was made, for the provenance, as JSON. The reports of all processes become one: numbers
        are added, lists joined, mappings by their keys."""


@runtime_checkable
class Surveys(Protocol):
    """A step that must know of every row before it changes one. `LEARNS_FROM` says of which: of all, or of those of
    train, as whatever is learned of values must be."""

    LEARNS_FROM: ClassVar[Literal["all", "train"]]

    def survey(self, batch: Batch) -> Survey:
        """What it must know of a batch, in any process. The rows of nothing give arrays of no length."""

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        """Take up the surveys of all rows, in their order. They may be gone through several times, and only one should
        be held at once: `scratch` is an empty folder for what does not fit into memory."""


@runtime_checkable
class Judges(Surveys, Protocol):
    """A step that has concluded something of each single row, which is told when the row is mapped."""

    def verdicts(self, start: int, stop: int) -> NDArray[np.uint8]:
        """What was concluded of the rows from `start` to `stop`, which are counted as they were surveyed."""

    def judge(self, batch: Batch, verdicts: NDArray[np.uint8]) -> Batch | Sifted:
        """What `apply` is for other steps, with the verdict of each row."""


@runtime_checkable
class Stateful(Protocol):
    """A step that learned something which whoever maps rows needs as well (a word list, a mean): other processes, and,
    from the bundle, requests."""

    def state(self) -> Mapping[str, Any]:
        """What it learned, as JSON; asked for after `conclude`, and after the last `apply`."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave, in place of `conclude`."""


@runtime_checkable
class Reshapes(Protocol):
    """A step after which a row has other feature columns, or columns of other types."""

    def reshape(self, features: Mapping[str, str]) -> Mapping[str, str]:
        """The feature columns after the step, in their order and with their types as in a `Signature`, of those before
        it. Asked for after `conclude` or `restore` and before the first `apply`. A bundle knows the names alone when it
        restores the steps. Raises DataError where a new name is taken already."""


@runtime_checkable
class TakesRequests(Protocol):
    """A step that does not treat the examples of a request as it does rows to learn from."""

    def request(self, batch: Batch) -> Batch:
        """What `apply` is for rows. Raises ExampleError for an example that must not be answered."""


@runtime_checkable
class Protects(Protocol):
    """A step that takes out of texts what nobody may read in them. What is kept or shown of rows that it has not mapped
    yet, or will never map, passes through it: examples, reports, logs."""

    def protect(self, texts: Sequence[str]) -> list[str]:
        """The texts as they may be kept and shown, in their order."""


@runtime_checkable
class Summarises(Protocol):
    """A step whose joined report says more to a person when it is put another way."""

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """The report as it is kept, made of the joined one; under `warning` stands what a person must be told."""


class StepModule(Protocol):
    """What a module in `steps/` holds."""

    Params: type[Params]
    Step: type[Step]


@runtime_checkable
class ReadsLists(Protocol):
    """A module whose parameters may stand in files beside the recipe, such as a list of words. They are read before the
    step is made, so that what is in them, and not where they are, decides what becomes of the rows."""

    def files(self, params: Any) -> Mapping[str, str]:
        """The address of each file, as under `collect`, by the parameter that holds it."""

    def read(self, params: Any, files: Mapping[str, Path]) -> Any:
        """The parameters with what stands in the files in place of their addresses. Raises DataError."""


@runtime_checkable
class Chooses(Protocol):
    """A module whose step must know of all rows, or need not, as its parameters want it. `Step` is what both share."""

    def choose(self, params: Any) -> type[Step]:
        """The class that steps with these parameters are made of."""
