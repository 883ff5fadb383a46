"""One batch, computed; where it fails it is halved, until only the request that is to blame fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiaas.contracts import Answer, Example
from aiaas.errors import ExampleError
from aiaas.serve.batching.jobs import Piece

Answering = Callable[[Sequence[Example]], list[Answer]]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a piece: answers, or why there are none. `seconds` is its share of the time of its batch."""

    piece: Piece
    seconds: float
    answers: list[Answer] | None = None
    error: Exception | None = None


def compute(answering: Answering, pieces: Sequence[Piece]) -> list[Done]:
    """What becomes of each piece, in their order. Raises nothing that a request may be to blame for."""
    began = time.perf_counter()
    found: dict[int, list[Answer] | Exception] = {}
    _solve(answering, list(enumerate(pieces)), found)
    each = (time.perf_counter() - began) / max(1, sum(piece.size.tokens for piece in pieces))
    return [_done(piece, each * piece.size.tokens, found[place]) for place, piece in enumerate(pieces)]


def _done(piece: Piece, seconds: float, outcome: list[Answer] | Exception) -> Done:
    if isinstance(outcome, Exception):
        return Done(piece, seconds, error=outcome)
    return Done(piece, seconds, outcome)


def _solve(answering: Answering, pieces: list[tuple[int, Piece]], found: dict[int, Any]) -> None:
    while pieces:
        examples = [example for _, piece in pieces for example in piece.examples]
        try:
            answers = answering(examples)
            if len(answers) != len(examples):
                raise RuntimeError(f"{len(answers)} answers to {len(examples)} examples")
        except ExampleError as error:  # it says itself which of them is to blame
            place, blamed, index = _blamed(pieces, error.index)
            found[place] = ExampleError(error.message, blamed.start + index, hint=error.hint)
            pieces = [(at, piece) for at, piece in pieces if at != place]
            continue
        except Exception as error:
            if len(pieces) == 1:
                found[pieces[0][0]] = error
                return
            half = len(pieces) // 2
            _solve(answering, pieces[:half], found)
            pieces = pieces[half:]
            continue
        start = 0
        for place, piece in pieces:
            found[place] = answers[start : start + piece.size.rows]
            start += piece.size.rows
        return


def _blamed(pieces: list[tuple[int, Piece]], index: int) -> tuple[int, Piece, int]:
    """The piece in which the row `index` of a batch stands, and which of the piece that is."""
    for place, piece in pieces:
        if index < piece.size.rows:
            return place, piece, index
        index -= piece.size.rows
    raise IndexError(index)
