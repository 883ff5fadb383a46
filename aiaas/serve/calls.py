"""Who asks, and what a request is: all that its way through the service adds to, and that is told of it at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aiaas.contracts import Answer
from aiaas.serve.batching import Spent

if TYPE_CHECKING:
    from aiaas.control import Account

Scope = Literal["infer", "admin"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `key` is the public part of a key. `models` are those that exist for them; None stands for all.
    `accounts` are where their use is added up, as far as it is limited."""

    key: str
    tenant: str
    scopes: frozenset[Scope]
    models: frozenset[str] | None = None
    accounts: tuple[Account, ...] = ()

    def sees(self, model: str) -> bool:
        return self.models is None or model in self.models


LOCAL = Caller("-", "local", frozenset({"infer", "admin"}))
"""Whoever asks where no keys are asked for."""


@dataclass(slots=True)
class Call:
    """One request. Times are those of the event loop; nothing of what was sent is in it."""

    id: str
    caller: Caller
    began: float
    deadline: float
    protocol: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Name, version and digest of the model that answers, once it is known."""
    rows: int = 0
    tokens: int = 0
    written: int = 0
    """Tokens that the model wrote."""
    spent: Spent = field(default_factory=Spent)
    failed: bool = False
    """Whether the model failed it while its answer was already being sent."""
    left: bool = False
    """Whether its client went away while its answer was being written."""
    code: str | None = None
    """That of an error on the way to the answer: one that had begun as a stream has no other place for it."""

    @property
    def used(self) -> int:
        """Tokens that were read and written."""
        return self.tokens + self.written


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers to the inputs of a call, in their order, and who gave them: name, version and digest."""

    about: Mapping[str, Any]
    outputs: list[Answer]
