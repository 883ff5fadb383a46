"""Work that waits, bounded, and handed out in turn between those who asked for it.

Deficit round robin (M. Shreedhar, G. Varghese: Efficient Fair Queuing Using Deficit Round-Robin, SIGCOMM 1995): each
tenant in turn may take out as many tokens as it saved up, so that who sends long texts, or many, gets no larger share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiaas.serve.batching.jobs import Piece, Size

QUANTUM = 256
"""Tokens that a tenant may take out more each time its turn comes."""


class FullError(Exception):
    """There is no room: `mine` tells whether it is the tenant's own share that is full."""

    def __init__(self, *, mine: bool) -> None:
        super().__init__("the queue is full")
        self.mine = mine


@dataclass(slots=True)
class _Lane:
    pieces: deque[Piece] = field(default_factory=deque)
    rows: int = 0
    credit: int = 0


class FairQueue:
    """At most `rows` rows wait, and of one tenant no more than half of them while others wait too."""

    def __init__(self, rows: int) -> None:
        self._most = rows
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[str] = deque()
        self.rows = 0
        self.tokens = 0

    def put(self, tenant: str, pieces: Sequence[Piece]) -> None:
        """All of a job or nothing: raises FullError. A job that alone is too large is taken where nothing waits."""
        rows = sum(piece.size.rows for piece in pieces)
        lane = self._lanes.get(tenant)
        if self.rows and self.rows + rows > self._most:
            raise FullError(mine=lane is not None and lane.rows * 2 > self._most)
        others = self.rows - (lane.rows if lane else 0)
        if others and lane and (lane.rows + rows) * 2 > self._most:
            raise FullError(mine=True)
        if lane is None:
            lane = self._lanes[tenant] = _Lane()
            self._turns.append(tenant)
        lane.pieces.extend(pieces)
        lane.rows += rows
        self.rows += rows
        self.tokens += sum(piece.size.tokens for piece in pieces)

    def take(self, limit: Size, now: float) -> list[Piece]:
        """The pieces of the next batch, within `limit`, or one alone that is larger. Those for which nobody waits any
        more are left out."""
        taken: list[Piece] = []
        left = limit
        while self._turns:
            lane = self._lanes[self._turns[0]]
            piece = lane.pieces[0]
            if piece.job.over(now):
                self._pop(lane)
                continue
            if taken and not left.holds(piece.size):
                break
            if lane.credit < piece.size.tokens and len(self._turns) > 1:
                lane.credit += QUANTUM
                self._turns.rotate(-1)
                continue
            lane.credit = max(0, lane.credit - piece.size.tokens)
            taken.append(piece)
            left -= piece.size
            self._pop(lane)
        return taken

    def _pop(self, lane: _Lane) -> None:
        piece = lane.pieces.popleft()
        lane.rows -= piece.size.rows
        self.rows -= piece.size.rows
        self.tokens -= piece.size.tokens
        if not lane.pieces:  # whoever has nothing to ask saves nothing up
            del self._lanes[self._turns.popleft()]

    def clear(self, error: BaseException) -> None:
        """Fail all that waits."""
        for lane in self._lanes.values():
            for piece in lane.pieces:
                piece.job.fail(error)
        self._lanes.clear()
        self._turns.clear()
        self.rows = self.tokens = 0
