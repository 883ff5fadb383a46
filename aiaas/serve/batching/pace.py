"""How fast a model answers, as it was seen to: what a batch may hold to be done in time, and how long one waits."""

from __future__ import annotations

from dataclasses import dataclass

from aiaas.serve.batching.jobs import Size

_WEIGHT = 0.2
"""Of the newest batch in the averages."""
_ALIKE = 1e-6
"""Below that share of its square the tokens of batches do not vary enough to tell what a token costs."""


@dataclass(slots=True)
class Pace:
    """A line through (tokens, seconds) of the batches of late: what a batch costs, and what a token more does.

    `target` is the time, in seconds, that a batch should take: a short one, so that who comes next waits little. Where
    a batch costs much before its first token, it may take twice that cost, else small batches would be all it makes.
    """

    target: float
    limit: Size
    _tokens: float = 0.0
    _seconds: float = 0.0
    _squares: float = 0.0
    _products: float = 0.0

    def seen(self, size: Size, seconds: float) -> None:
        weight = _WEIGHT if self._tokens else 1.0
        tokens = max(1, size.tokens)
        self._tokens += weight * (tokens - self._tokens)
        self._seconds += weight * (seconds - self._seconds)
        self._squares += weight * (tokens * tokens - self._squares)
        self._products += weight * (tokens * seconds - self._products)

    def _alike(self) -> bool:
        return self._squares - self._tokens**2 <= _ALIKE * self._squares

    def _line(self) -> tuple[float, float]:
        """Seconds of a batch, and of each token."""
        mean = self._seconds / self._tokens
        if self._alike():
            return 0.0, mean
        spread = self._squares - self._tokens**2
        slope = min(mean, max(0.0, (self._products - self._tokens * self._seconds) / spread))
        return self._seconds - slope * self._tokens, slope

    def seconds(self, tokens: int) -> float | None:
        """What so many tokens will take; None while nothing was seen."""
        if not self._tokens:
            return None
        batch, each = self._line()
        return batch + each * tokens

    def batch(self) -> Size:
        """What the next batch may hold: as much as is done in time, never above the limit."""
        if not self._tokens:
            return self.limit
        batch, each = self._line()
        room = max(self.target, 2 * batch) - batch
        tokens = int(room / each) if each else self.limit.tokens
        if self._alike():  # a larger one will tell what of it is the batch's cost and what the tokens'
            tokens = max(tokens, int(2 * self._tokens))
        return Size(self.limit.rows, min(self.limit.tokens, max(1, tokens)))
