"""Whom a race tells how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aiaas.errors import AiaasError
from aiaas.pipeline.run import Listener

if TYPE_CHECKING:
    from aiaas.pipeline.race.budget import Round


class Teller(Protocol):
    """Called from the thread that races. `listener` is told of the stages of each entrant."""

    @property
    def listener(self) -> Listener | None: ...

    def begins(self, name: str) -> None:
        """An entrant has its turn; None of its stages was told yet."""

    def failed(self, name: str, error: AiaasError) -> None:
        """An entrant is out, and the others go on."""

    def round(self, number: int, round_: Round) -> None:
        """A round of a budget is over."""

    def warn(self, message: str) -> None:
        """What should be known although the race goes on."""


class Silent:
    """Tells nobody."""

    listener = None

    def begins(self, name: str) -> None: ...
    def failed(self, name: str, error: AiaasError) -> None: ...
    def round(self, number: int, round_: Round) -> None: ...
    def warn(self, message: str) -> None: ...
