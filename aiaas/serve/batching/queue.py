"""Work that waits, bounded, and handed out in turn between those who asked for it.

Deficit round robin (M. Shreedhar, G. Varghese: Efficient Fair Queuing Using Deficit Round-Robin, SIGCOMM 1995): each
tenant in turn may take out as many tokens as it saved up, so that who sends long texts, or many, gets no larger share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiaas.serve.batching.jobs import Job, Piece, Size

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
    """At most `rows` rows wait, and of one tenant no more than half of them while others wait too. Who comes when there
    is no room takes that of a tenant for whom more waits: of theirs what came last is sent away."""

    def __init__(self, rows: int) -> None:
        self._most = rows
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[str] = deque()
        self.rows = 0
        self.tokens = 0

    def __bool__(self) -> bool:
        """Whether anything is in it, be it what nobody waits for any more."""
        return bool(self._lanes)

    def put(self, tenant: str, pieces: Sequence[Piece]) -> None:
        """All of a job or nothing: raises FullError. A job that alone is too large is taken where nothing waits."""
        rows = sum(piece.size.rows for piece in pieces)
        lane = self._lanes.get(tenant)
        mine = lane.rows if lane else 0
        if self.rows > mine > 0 and (mine + rows) * 2 > self._most:
            raise FullError(mine=True)
        if self.rows and self.rows + rows > self._most:
            self._make_room(tenant, mine, rows)
        if lane is None:
            lane = self._lanes[tenant] = _Lane()
            self._turns.append(tenant)
        lane.pieces.extend(pieces)
        for piece in pieces:
            self._count(lane, piece, 1)

    def _make_room(self, tenant: str, mine: int, rows: int) -> None:
        """Let `rows` more fit in, at the cost of those lanes that are longer than the tenant's would be, of which the
        longest gives first; FullError, and nothing is taken away, where that is not enough."""
        others = [lane for name, lane in self._lanes.items() if name != tenant]
        over = self.rows + rows - self._most
        if over > sum(max(0, lane.rows - mine - rows) for lane in others):
            raise FullError(mine=mine * 2 > self._most)
        while self.rows + rows > self._most:
            lane = max(others, key=lambda each: each.rows)
            self._last(lane).fail(FullError(mine=True))

    def _last(self, lane: _Lane) -> Job:
        """The job that came last for it, taken out."""
        job = lane.pieces[-1].job
        while lane.pieces and lane.pieces[-1].job is job:
            self._count(lane, lane.pieces.pop(), -1)
        if not lane.pieces:
            (name,) = (each for each, known in self._lanes.items() if known is lane)
            del self._lanes[name]
            self._turns.remove(name)
        return job

    def leave(self, job: Job) -> None:
        """Let the place of what waits of a job be free, for which nobody waits any more."""
        lane = self._lanes.get(job.tenant)
        if job.waiting and lane:
            lane.rows -= job.waiting.rows
            self.rows -= job.waiting.rows
            self.tokens -= job.waiting.tokens
        job.waiting = None

    def _count(self, lane: _Lane, piece: Piece, sign: int) -> None:
        if piece.job.waiting is None:  # it left, and its pieces count no more
            return
        more = Size(sign * piece.size.rows, sign * piece.size.tokens)
        piece.job.waiting = piece.job.waiting.plus(more)
        lane.rows += more.rows
        self.rows += more.rows
        self.tokens += more.tokens

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
        self._count(lane, lane.pieces.popleft(), -1)
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
