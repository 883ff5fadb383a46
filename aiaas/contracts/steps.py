"""What cleans rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from aiaas.contracts.base import Batch, Params


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
