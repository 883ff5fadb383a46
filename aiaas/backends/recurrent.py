"""LSTM layers that read token after token, computed in numpy.

What a network learned with any framework answers here without it: a step is two products of a vector and a matrix, so
that what a framework costs to be called would be most of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    State = tuple[tuple[Matrix, Matrix], ...]

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of an LSTM layer of `units`, its gates in the order input, forget, cell, output: `kernel`
    (inputs, 4 units), `recurrent` (units, 4 units), `bias` (4 units,)."""

    kernel: Matrix
    recurrent: Matrix
    bias: Matrix

    def step(self, given: Matrix, hidden: Matrix, cell: Matrix) -> tuple[Matrix, Matrix]:
        """Hidden state and cell after inputs that were multiplied by the kernel, the bias added (…, 4 units)."""
        gates = given + hidden @ self.recurrent
        enter, forget, content, leave = np.split(gates, 4, axis=-1)
        cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(content)
        return _sigmoid(leave) * np.tanh(cell), cell


class Recurrent:
    """Embedding, LSTM layers, projection; the scores of the tokens are products with the embedding, whose weights are
    thus learned from both sides.

    `embedding` (tokens, width), `projection` (units of the last layer, width), `bias` (width,); `offset` (tokens,) is
    added to the scores.
    """

    def __init__(
        self, embedding: Matrix, layers: Sequence[Layer], projection: Matrix, bias: Matrix, offset: Matrix
    ) -> None:
        self.embedding, self.layers = embedding, tuple(layers)
        self.projection, self.bias, self.offset = projection, bias, offset
        # The first layer meets no input but these: to look one up is cheaper than to multiply.
        self._given = embedding @ self.layers[0].kernel + self.layers[0].bias
        self._scores = np.ascontiguousarray(embedding.T)

    def start(self) -> State:
        """The state before the first token."""
        return self._empty(())

    def step(self, token: int, state: State) -> tuple[Matrix, State]:
        """Scores of what may come next (tokens,), and the state after `token`."""
        hidden, state = self._read(self._given[token], state)
        return self._logits(hidden), state

    def log_losses(self, texts: Sequence[NDArray[np.int32]]) -> list[NDArray[np.float64]]:
        """Of each text (n,), minus the logarithm of the probability of every token after its first (n - 1,)."""
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        losses: list[NDArray[np.float64]] = [np.empty(max(0, len(text) - 1)) for text in texts]
        for first in range(0, len(order), _AT_ONCE):
            places = order[first : first + _AT_ONCE]
            state = self._empty((len(places),))
            for position in range(len(texts[places[0]]) - 1):
                # The longest text is the first, so those that go on are the first ones.
                places = [place for place in places if len(texts[place]) > position + 1]
                tokens = np.array([texts[place][position : position + 2] for place in places])
                state = tuple((hidden[: len(places)], cell[: len(places)]) for hidden, cell in state)
                hidden, state = self._read(self._given[tokens[:, 0]], state)
                for place, loss in zip(places, _losses(self._logits(hidden), tokens[:, 1]), strict=True):
                    losses[place][position] = loss
        return losses

    def _empty(self, shape: tuple[int, ...]) -> State:
        def zeros(layer: Layer) -> Matrix:
            return np.zeros((*shape, len(layer.recurrent)), np.float32)

        return tuple((zeros(layer), zeros(layer)) for layer in self.layers)

    def _read(self, given: Matrix, state: State) -> tuple[Matrix, State]:
        """The last hidden state and the states after inputs of the first layer."""
        after: list[tuple[Matrix, Matrix]] = []
        for layer, (hidden, cell) in zip(self.layers, state, strict=True):
            if after:
                given = after[-1][0] @ layer.kernel + layer.bias
            after.append(layer.step(given, hidden, cell))
        return after[-1][0], tuple(after)

    def _logits(self, hidden: Matrix) -> Matrix:
        return np.asarray((hidden @ self.projection + self.bias) @ self._scores + self.offset, np.float32)


def _losses(logits: Matrix, tokens: NDArray[np.int32]) -> NDArray[np.float64]:
    highest = logits.max(axis=1, keepdims=True)
    sums = np.log(np.exp(logits - highest).sum(axis=1, dtype=np.float64)) + highest[:, 0]
    return np.asarray(sums - logits[np.arange(len(tokens)), tokens], np.float64)


def _sigmoid(values: Matrix) -> Matrix:
    # By tanh, which does not overflow.
    return np.asarray(np.float32(0.5) * (np.float32(1) + np.tanh(np.float32(0.5) * values)))
