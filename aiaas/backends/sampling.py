"""Choosing the next token among the scores of all of them, whatever framework they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def probabilities(
    logits: NDArray[np.floating],
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    repetition_penalty: float = 1.0,
    recent: Sequence[int] = (),
) -> NDArray[np.float64]:
    """How likely each token is to be chosen (tokens,): zero for those left out, one in sum.

    `logits` (tokens,) are logarithms up to a constant; -inf stands for a token that may not be chosen, and one at
    least may be. In this order: the probabilities of the `recent` tokens are taken to the power of
    `repetition_penalty`; all are taken to the power of 1 / `temperature`, of which 0 leaves the likeliest alone; the
    `top_k` likeliest stay; of them the fewest that together have `top_p`. Of equal ones the first token wins.
    """
    scores = _log_softmax(np.asarray(logits, np.float64))
    if repetition_penalty != 1 and len(recent):
        # Logarithms of probabilities, unlike raw scores, do not depend on where their zero is.
        again = np.unique(np.asarray(recent, np.int64))
        scores[again] *= repetition_penalty
    if temperature == 0:
        chosen = np.zeros_like(scores)
        chosen[scores.argmax()] = 1.0
        return chosen
    scores -= scores.max()
    with np.errstate(over="ignore"):  # a temperature near 0 sends all but the likeliest to -inf
        scores /= temperature
    if (top_k is None or top_k >= scores.size) and top_p >= 1:
        return _normal(np.exp(scores))
    order = np.argsort(-scores, kind="stable")[:top_k]
    likely = _normal(np.exp(scores[order]))
    if top_p < 1:
        likely = likely[: int(np.searchsorted(np.cumsum(likely), top_p)) + 1]
    chosen = np.zeros_like(scores)
    chosen[order[: likely.size]] = _normal(likely)
    return chosen


def draw(chances: NDArray[np.float64], random: np.random.Generator) -> int:
    """A token by its probability. Takes one number from `random`, whatever the probabilities are."""
    edges = np.cumsum(chances)
    place = int(np.searchsorted(edges, random.random() * edges[-1], side="right"))
    # Rounding may lead past the last token that has a chance.
    return min(place, int(np.flatnonzero(chances)[-1]))


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    scores = logits - logits.max()
    return np.asarray(scores - np.log(np.exp(scores).sum()))


def _normal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values / values.sum())
