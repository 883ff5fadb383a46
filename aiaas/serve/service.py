"""The one way from inputs to answers, whichever protocol they came by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import aclosing, contextmanager
from typing import Any, NamedTuple, TypeVar

from aiaas.contracts import Answer, Example
from aiaas.errors import AiaasError, DataError, ExampleError, OptionError
from aiaas.serve.admission import Admission, Unlimited
from aiaas.serve.batching import FullError, TooLateError
from aiaas.serve.calls import Answered, Call
from aiaas.serve.errors import BusyError, DeadlineError, InputsError, LaterError, QuotaError, code_of
from aiaas.serve.life import Life
from aiaas.serve.limits import Limits
from aiaas.serve.models import Live, Models
from aiaas.serve.predict import decode

Value = TypeVar("Value")

AT_ONCE = 32
"""Inputs that are decoded on the event loop, where that is little work: a thread would cost more."""


class Taken(NamedTuple):
    """The inputs of a request: as `decode` gives them, as the model takes them, and how many tokens each is."""

    rows: list[dict[str, Any]]
    examples: list[Example]
    tokens: list[int]


class Service:
    """Models, and how they are asked. `threads` is where decoding and computing happen, `writers` where models write,
    which takes as long as their texts are."""

    def __init__(
        self,
        models: Models,
        limits: Limits,
        threads: Executor,
        writers: Executor,
        admission: Admission | None = None,
        life: Life | None = None,
    ) -> None:
        self.models = models
        self.limits = limits
        self.admission = admission or Unlimited()
        self.life = life or Life()
        self._threads = threads
        self._writers = writers

    async def answer(
        self, call: Call, name: str, inputs: Sequence[Any], options: Mapping[str, Any] | None = None
    ) -> Answered:
        """The answers to inputs as JSON or files give them. Raises NotFoundError, InputsError, OptionError, and what
        `Admission` raises; BusyError where too much waits, DeadlineError where the call's time is over. To cancel it
        takes its rows out of the queue and stops a model that writes."""
        live = await self.models.awake(name, call.caller, call.deadline)
        taken = await self._take(call, live, inputs)
        try:
            if live.bundle.options is not None:
                outputs = await self._written(call, live, taken.rows, options)
            else:
                outputs = await self._computed(call, live, taken)
        finally:
            self.admission.settle(call)
        return Answered(live.about, outputs)

    async def write(
        self, call: Call, name: str, value: Any, options: Mapping[str, Any] | None = None
    ) -> tuple[Live, AsyncGenerator[str, None]]:
        """The answer of a model that writes, piece by piece. What is wrong with the request is raised at once; to
        close what it gives stops the work."""
        live = await self.models.awake(name, call.caller, call.deadline)
        taken = await self._take(call, live, [value])
        return live, self._settled(call, self._pieces(call, live, live.bundle.write(taken.rows[0], options)))

    async def _take(self, call: Call, live: Live, inputs: Sequence[Any]) -> Taken:
        """The inputs as the model takes them, counted and admitted."""
        call.about, call.rows = live.about, len(inputs)
        if live.media_types or live.bundle.counts or len(inputs) > AT_ONCE:
            taken = await self._off(self._threads, lambda: _taken(live, inputs))
        else:
            taken = _taken(live, inputs)
        call.tokens = sum(taken.tokens)
        self.admission.admit(call, live)
        return taken

    async def _computed(self, call: Call, live: Live, taken: Taken) -> list[Answer]:
        asked = live.batches.ask(taken.examples, taken.tokens, call.caller.tenant, call.deadline)
        try:
            with _told():
                outputs, call.spent = await asked
        except FullError as full:
            raise _full(full, live.batches.delay()) from None
        except TooLateError:
            raise DeadlineError from None
        return outputs

    async def _written(
        self, call: Call, live: Live, rows: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None
    ) -> list[Answer]:
        live.bundle.answer([], options)  # what is wrong with the options is said although there is no input
        outputs = []
        for row in rows:
            pieces = self._pieces(call, live, live.bundle.write(row, options))
            outputs.append(live.bundle.written("".join([piece async for piece in pieces])))
        return outputs

    async def _settled(self, call: Call, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
        finally:
            self.admission.settle(call)

    async def _pieces(self, call: Call, live: Live, pieces: Any) -> AsyncGenerator[str, None]:
        loop = asyncio.get_running_loop()
        call.spent.asked = call.spent.asked or loop.time()
        try:
            while True:
                if (begun := loop.time()) >= call.deadline:
                    raise DeadlineError
                with _blamed(call):
                    piece = await self._off(self._writers, lambda: next(pieces, None))
                call.spent.computed += loop.time() - begun
                if piece is None:
                    return
                if piece:  # a model may have nothing to say yet
                    call.written += sum(live.bundle.tokens([piece]))
                    yield piece
        except (asyncio.CancelledError, GeneratorExit):
            call.left = True
            raise
        except Exception as error:
            call.code = code_of(error)
            raise
        finally:
            call.spent.answered = loop.time()
            close = getattr(pieces, "close", None)  # a generator has it, another iterator need not
            if close:
                close()

    async def _off(self, threads: Executor, work: Callable[[], Value]) -> Value:
        """What `work` gives, done in a thread. Who goes away waits for it to end: nothing is closed under its feet."""
        running = asyncio.get_running_loop().run_in_executor(threads, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise


@contextmanager
def _told() -> Iterator[None]:
    """What a step or a model says of one input (it may not be answered, a picture is cut short) as a fault of that."""
    try:
        yield
    except ExampleError as error:
        raise InputsError([(error.index, error.message)], hint=error.hint) from None


@contextmanager
def _blamed(call: Call) -> Iterator[None]:
    """Note that the model failed the call, whose answer may have begun; a fault of the input is none of the model."""
    try:
        yield
    except AiaasError as error:
        call.failed = not isinstance(error, DataError | OptionError)
        raise
    except Exception:
        call.failed = True
        raise


def _taken(live: Live, inputs: Sequence[Any]) -> Taken:
    rows = decode(live.bundle, inputs)
    with _told():
        examples = live.bundle.prepared(rows)
    return Taken(rows, examples, live.bundle.tokens(examples))


def _full(full: FullError, after: float) -> LaterError:
    hint = "send it again after the seconds in Retry-After, or fewer at once"
    if full.mine:
        return QuotaError("too many of your inputs wait already", after, hint=hint)
    return BusyError("the service has too much to do", after, hint=hint)
