"""Batches as large as what has come while the last one was computed: nobody waits for company that may not come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from aiaas.contracts import Answer, Example
from aiaas.serve.batching.compute import Answering, Done, compute
from aiaas.serve.batching.jobs import Batch, Job, Piece, Size, Spent
from aiaas.serve.batching.pace import Pace
from aiaas.serve.batching.queue import FairQueue

AT_ONCE = 0.001
"""Seconds of work that the event loop does itself: to hand it to a thread and back would take no less."""
TARGET = 0.05
"""Seconds that a batch should take."""


class Batcher:
    """Answers requests together. For one event loop; a batch at a time, in `threads` unless it is over in a moment.

    `answering` gives the answers to examples, in their order. `limit` is what a batch may hold at most, `waiting` how
    many examples may wait. `watch` is told of each batch.
    """

    def __init__(
        self,
        answering: Answering,
        threads: Executor,
        *,
        limit: Size,
        waiting: int,
        watch: Callable[[Batch], None] = lambda batch: None,
    ) -> None:
        self._answering = answering
        self._threads = threads
        self._limit = limit
        self._watch = watch
        self._queue = FairQueue(waiting)
        self._pace = Pace(TARGET, limit)
        self._busy = False

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return self._queue.rows

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is computed."""
        return not self._busy and not self._queue.rows

    def delay(self) -> float:
        """Seconds after which what waits now will be done."""
        return self._pace.seconds(self._queue.tokens) or 1.0

    async def ask(
        self, examples: Sequence[Example], tokens: Sequence[int], tenant: str, deadline: float
    ) -> tuple[list[Answer], Spent]:
        """The answers to `examples`, in their order, of which each has so many `tokens`. `deadline` is a time of the
        event loop. Raises FullError, TooLateError, ExampleError with the place of the one to blame, and what the model
        raises. To cancel it takes them out of the queue."""
        loop = asyncio.get_running_loop()
        job = Job(examples, tokens, tenant, deadline, loop.create_future(), Spent(asked=loop.time()))
        if not examples:
            return [], job.spent
        self._queue.put(tenant, list(job.pieces(self._limit)))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next)  # after all that this turn of the loop brings
        timer = loop.call_at(deadline, job.over, deadline)
        try:
            return await job.future, job.spent
        finally:
            timer.cancel()
            self._queue.leave(job)
            del job  # the trace of an error holds this frame, and the job the error

    def _next(self) -> None:
        """Begin the next batch, if anything waits."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        pieces = self._queue.take(self._pace.batch(), now)
        self._busy = bool(pieces)
        if not pieces:
            return
        for piece in pieces:
            piece.job.begin(now)
        tokens = sum(piece.size.tokens for piece in pieces)
        expected = self._pace.seconds(tokens)
        if expected is not None and expected <= AT_ONCE:
            self._end(pieces, compute(self._answering, pieces))
            return
        running = loop.run_in_executor(self._threads, compute, self._answering, pieces)
        running.add_done_callback(lambda done: self._ended(pieces, done))

    def _ended(self, pieces: list[Piece], running: asyncio.Future[list[Done]]) -> None:
        error = asyncio.CancelledError() if running.cancelled() else running.exception()
        if error is not None:  # the executor is on its way out, or memory is
            for piece in pieces:
                piece.job.fail(error)
            self._next()
            return
        self._end(pieces, running.result())

    def _end(self, pieces: list[Piece], done: list[Done]) -> None:
        size = Size(sum(each.size.rows for each in pieces), sum(each.size.tokens for each in pieces))
        seconds = sum(each.seconds for each in done)
        self._pace.seen(size, seconds)
        self._watch(Batch(size, seconds, self._fill(size), self._queue.rows))
        for each in done:
            each.piece.job.spent.computed += each.seconds
            if each.error is not None:
                each.piece.job.fail(each.error)
            elif each.answers is not None:
                each.piece.job.answer(each.piece.start, each.answers)
        if self._queue:
            asyncio.get_running_loop().call_soon(self._next)
        else:
            self._busy = False

    def _fill(self, size: Size) -> float:
        return min(1.0, max(size.rows / self._limit.rows, size.tokens / self._limit.tokens))

    def close(self, error: BaseException) -> None:
        """Fail all that waits; what is being computed is still answered."""
        self._queue.clear(error)
