"""Writing a text token by token, whatever framework the model comes from."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from aiaas.backends import sampling

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECENT = 64
"""How many of the last tokens a repetition penalty looks at: a token costs the same wherever it stands."""

BREATH = 256
"""Tokens of a prompt that are read in one go."""

State = TypeVar("State")


class Reader(Protocol[State]):
    """A model that reads token after token. What it keeps of those before is its state, which a step does not change
    but makes anew."""

    def start(self) -> State:
        """The state before the first token."""

    def step(self, token: int, state: State) -> tuple[NDArray[np.float32], State]:
        """Scores (tokens,) of what may come next, as logarithms up to a constant, and the state after `token`."""


class Asked(Protocol):
    """What a caller asked for, as the options of the task text-generation say it."""

    @property
    def max_length(self) -> int: ...
    @property
    def min_length(self) -> int: ...
    @property
    def temperature(self) -> float: ...
    @property
    def top_k(self) -> int | None: ...
    @property
    def top_p(self) -> float: ...
    @property
    def repetition_penalty(self) -> float: ...
    @property
    def stop(self) -> Sequence[str]: ...
    @property
    def seed(self) -> int: ...


def write(
    reader: Reader[State], prompt: Sequence[int], asked: Asked, *, end: int, never: Sequence[int] = ()
) -> Iterator[int | None]:
    """The tokens that follow `prompt`, which holds one at least, until `end` is chosen or enough are written. Tokens
    of `never` are not chosen. None comes now and then while a long prompt is read, so that who has no more time for it
    can stop."""
    state = reader.start()
    for place, token in enumerate(prompt[:-1], 1):
        _, state = reader.step(token, state)
        if place % BREATH == 0:
            yield None
    recent = deque(prompt[-RECENT:], RECENT)
    random = np.random.default_rng(asked.seed)
    token = prompt[-1]
    for place in range(asked.max_length):
        logits, state = reader.step(token, state)
        allowed = np.array(logits, np.float64)
        allowed[list(never)] = -np.inf
        if place < asked.min_length:
            allowed[end] = -np.inf
        chances = sampling.probabilities(
            allowed,
            temperature=asked.temperature,
            top_k=asked.top_k,
            top_p=asked.top_p,
            repetition_penalty=asked.repetition_penalty,
            recent=[each for each in recent if each != end],  # a text is not kept from ending
        )
        token = sampling.draw(chances, random)
        if token == end:
            return
        recent.append(token)
        yield token


def until(pieces: Iterable[str], stop: Sequence[str]) -> Generator[str]:
    """The pieces up to the first text of `stop`, which is left out. What may be its beginning is held back until the
    next pieces decide, so that nothing given has to be taken back. Empty pieces are passed on."""
    if not stop:
        yield from pieces
        return
    held = ""
    for piece in pieces:
        if not piece:
            yield piece
            continue
        held += piece
        found = [place for place in map(held.find, stop) if place >= 0]
        if found:
            if min(found):
                yield held[: min(found)]
            return
        kept = max(_beginning(held, each) for each in stop)
        if kept < len(held):
            yield held[: len(held) - kept]
            held = held[len(held) - kept :]
    if held:
        yield held


def _beginning(text: str, stop: str) -> int:
    """How many of the last characters of `text` may be the beginning of `stop`."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
