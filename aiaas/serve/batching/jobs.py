"""What one request asks of a model, and the pieces of it that are computed together with those of others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aiaas.contracts import Answer, Example


class TooLateError(Exception):
    """The time that the caller gave was over before the answers were there."""


class Size(NamedTuple):
    """Of work: rows, and tokens as the model counts them."""

    rows: int
    tokens: int

    def holds(self, other: Size) -> bool:
        return other.rows <= self.rows and other.tokens <= self.tokens

    def plus(self, other: Size) -> Size:
        return Size(self.rows + other.rows, self.tokens + other.tokens)

    def __sub__(self, other: Size) -> Size:
        return Size(self.rows - other.rows, self.tokens - other.tokens)


NOTHING = Size(0, 0)


class Batch(NamedTuple):
    """One that was computed: what it held, in how many seconds, how much of what a batch may hold that is (0 to 1), and
    the rows that now wait."""

    size: Size
    seconds: float
    fill: float
    waiting: int


@dataclass(slots=True)
class Spent:
    """Seconds that a request waited before any of it was computed, and its share of the time of computing; and when it
    began to wait and was answered, as times of the event loop, 0 where it was not."""

    waited: float = 0.0
    computed: float = 0.0
    asked: float = 0.0
    answered: float = 0.0


@dataclass(slots=True, eq=False)
class Job:
    """The examples of one request. `deadline` is a time of the event loop; `tokens` has one number an example;
    `waiting` is what of it waits in a queue, None once nobody waits for it."""

    examples: Sequence[Example]
    tokens: Sequence[int]
    tenant: str
    deadline: float
    future: asyncio.Future[list[Answer]]
    spent: Spent
    begun: bool = False
    waiting: Size | None = NOTHING
    _answers: list[Answer] = field(init=False)
    _missing: int = field(init=False)

    def __post_init__(self) -> None:
        self._answers = [{} for _ in self.examples]
        self._missing = len(self.examples)

    def pieces(self, limit: Size) -> Iterator[Piece]:
        """All the examples, in pieces within `limit`; one that is longer than it is a piece of its own."""
        start, size = 0, Size(0, 0)
        for place, tokens in enumerate(self.tokens):
            more = Size(size.rows + 1, size.tokens + tokens)
            if size.rows and not limit.holds(more):
                yield Piece(self, start, size)
                start, more = place, Size(1, tokens)
            size = more
        if size.rows:
            yield Piece(self, start, size)

    def begin(self, now: float) -> None:
        if not self.begun:
            self.begun, self.spent.waited = True, now - self.spent.asked

    def over(self, now: float) -> bool:
        """Whether nobody waits for it any more: answered, failed, cancelled, or just found to be too late."""
        if not self.future.done() and now >= self.deadline:
            self.future.set_exception(TooLateError())
        return self.future.done()

    def answer(self, start: int, answers: Sequence[Answer]) -> None:
        self._answers[start : start + len(answers)] = answers
        self._missing -= len(answers)
        if not self._missing and not self.future.done():
            self.spent.answered = self.future.get_loop().time()
            self.future.set_result(self._answers)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(slots=True, eq=False)
class Piece:
    """Some examples of a job: those from `start` on."""

    job: Job
    start: int
    size: Size

    @property
    def examples(self) -> Sequence[Example]:
        return self.job.examples[self.start : self.start + self.size.rows]
