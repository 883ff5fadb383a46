"""Batches: every answer belongs to its request, none is larger than allowed, and only who is to blame fails."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiaas.contracts import Answer, Example
from aiaas.errors import DataError, ExampleError
from aiaas.serve.batching import Batcher, FullError, Size, TooLateError
from aiaas.serve.batching import compute as computing

LATER = 60.0


class Echoing:
    """Answers with what it was asked; `bad` in a text fails the batch, `blamed` names the row."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[list[str]] = []
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self, rows: Sequence[Example]) -> list[Answer]:
        self.may_go.wait(10)
        time.sleep(self.seconds)
        texts = [str(row) for row in rows]
        self.batches.append(texts)
        for place, text in enumerate(texts):
            if "blamed" in text:
                raise ExampleError("it is blamed", place)
        if any("bad" in text for text in texts):
            raise DataError("one of them is bad")
        return [{"text": text} for text in texts]


class Clock:
    """Of a model whose batches take as long as it says, on whatever machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(computing, "time", SimpleNamespace(perf_counter=lambda: self.now))


def batcher(model: Echoing, threads: ThreadPoolExecutor, **more: Any) -> Batcher:
    given_ = {"limit": Size(16, 400), "waiting": 10_000, **more}
    return Batcher(model, threads, **given_)


async def ask(batches: Batcher, texts: Sequence[str], tenant: str = "a", seconds: float = LATER) -> Any:
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        answers, _ = await batches.ask(texts, list(map(len, texts)), tenant, deadline)
    except Exception as error:
        return error
    return [each["text"] for each in answers]


texts_ = st.lists(st.sampled_from(["a", "bad", "blamed", "x" * 30, "y" * 500]), max_size=40)


@settings(max_examples=60, deadline=None)
@given(requests=st.lists(st.tuples(st.sampled_from("abc"), texts_), max_size=25), seed=st.integers())
def test_every_answer_belongs_to_its_request_and_only_who_is_to_blame_fails(
    requests: list[tuple[str, list[str]]], seed: int
) -> None:
    lot = random.Random(seed)
    model = Echoing()
    named = [
        (tenant, [f"{n}.{m} {text}" for m, text in enumerate(texts)]) for n, (tenant, texts) in enumerate(requests)
    ]

    async def all_of_them() -> list[Any]:
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads)

            async def one(tenant: str, texts: list[str]) -> Any:
                await asyncio.sleep(lot.choice([0, 0, 0.001]))
                return await ask(batches, texts, tenant)

            found = await asyncio.gather(*(one(tenant, texts) for tenant, texts in named))
            assert batches.idle
            return found

    for (_, texts), found in zip(named, asyncio.run(all_of_them()), strict=True):
        blamed = [place for place, text in enumerate(texts) if "blamed" in text]
        if isinstance(found, ExampleError):
            assert found.index in blamed
        elif isinstance(found, DataError):
            assert any("bad" in text for text in texts)
        else:
            assert found == texts
            assert not blamed
            assert not any("bad" in text for text in texts)
    for batch in model.batches:
        assert len(batch) <= 16
        assert sum(map(len, batch)) <= 400 or len(batch) == 1


def test_what_comes_while_a_batch_is_computed_is_the_next_batch() -> None:
    async def run() -> list[int]:
        model = Echoing(0.004)
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads)
            await ask(batches, ["first"])
            first = asyncio.create_task(ask(batches, ["one"]))
            await asyncio.sleep(0.001)
            await asyncio.gather(first, *(ask(batches, [f"{n}"]) for n in range(12)))
        return [len(batch) for batch in model.batches]

    assert asyncio.run(run()) == [1, 1, 12]


def test_a_batch_is_no_larger_than_what_is_done_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    class Slow(Echoing):
        def __call__(self, rows: Sequence[Example]) -> list[Answer]:
            clock.now += 0.01 * len(rows)
            return super().__call__(rows)

    async def run() -> list[int]:
        model = Slow()
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads, limit=Size(1_000, 100_000))
            await ask(batches, ["x"])
            await asyncio.gather(*(ask(batches, ["y"]) for _ in range(40)))
        return [len(batch) for batch in model.batches]

    sizes = asyncio.run(run())
    assert sum(sizes) == 41
    assert max(sizes) <= 8  # 0.05 s of 0.01 s a row, and what averages are worth


def test_what_a_batch_costs_before_its_first_row_does_not_keep_batches_small(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    class Costly(Echoing):
        def __call__(self, rows: Sequence[Example]) -> list[Answer]:
            clock.now += 0.04
            return super().__call__(rows)

    async def run() -> list[int]:
        model = Costly()
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads, limit=Size(1_000, 100_000))
            for count in (1, 1, 40, 40):
                await asyncio.gather(*(ask(batches, ["y"]) for _ in range(count)))
        return [len(batch) for batch in model.batches]

    sizes = asyncio.run(run())
    assert sizes[-1] == 40
    assert len(sizes) <= 10


def test_tenants_take_turns_however_much_one_of_them_asks() -> None:
    async def run() -> list[str]:
        model = Echoing()
        model.may_go.clear()
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads, limit=Size(4, 4_000))
            flood = [asyncio.create_task(ask(batches, ["f" * 200])) for _ in range(200)]
            await asyncio.sleep(0.01)
            others = [asyncio.create_task(ask(batches, ["o" * 200], "b")) for _ in range(5)]
            await asyncio.sleep(0.01)
            model.may_go.set()
            await asyncio.gather(*flood, *others)
        return [text[0] for batch in model.batches for text in batch]

    order = asyncio.run(run())
    last = max(place for place, letter in enumerate(order) if letter == "o")
    assert last <= 4 + 2 * 5 + 4, "after the batch under way, one in two"


def test_the_queue_is_bounded_and_one_tenant_cannot_fill_it() -> None:
    async def run() -> tuple[list[Any], Any, Any]:
        model = Echoing()
        model.may_go.clear()
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads, waiting=20)
            under_way = asyncio.create_task(ask(batches, ["x"]))
            await asyncio.sleep(0.01)
            first = asyncio.create_task(ask(batches, ["x"] * 5, "b"))
            await asyncio.sleep(0)
            flood = [asyncio.create_task(ask(batches, ["x"])) for _ in range(12)]
            await asyncio.sleep(0.01)
            too_many = await ask(batches, ["x"] * 8, "c")
            model.may_go.set()
            return await asyncio.gather(*flood), too_many, (await under_way, await first)

    flood, too_many, served = asyncio.run(run())
    assert sum(isinstance(each, FullError) and each.mine for each in flood) == 2
    assert isinstance(too_many, FullError)
    assert not too_many.mine
    assert served == (["x"], ["x"] * 5)


def test_a_tenant_that_filled_the_queue_while_it_was_alone_gives_room_to_another() -> None:
    async def run() -> tuple[list[Any], list[Any], int]:
        model = Echoing()
        model.may_go.clear()
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads, waiting=20)
            under_way = asyncio.create_task(ask(batches, ["x"]))
            await asyncio.sleep(0.01)
            flood = [asyncio.create_task(ask(batches, [f"{turn}", "x"])) for turn in range(10)]
            await asyncio.sleep(0)
            others = [asyncio.create_task(ask(batches, ["y"] * 3, tenant)) for tenant in "bc"]
            await asyncio.sleep(0.01)
            waiting = batches.waiting
            model.may_go.set()
            await under_way
            return await asyncio.gather(*flood), await asyncio.gather(*others), waiting

    flood, others, waiting = asyncio.run(run())
    assert others == [["y"] * 3] * 2
    assert [isinstance(each, FullError) and each.mine for each in flood] == [False] * 7 + [True] * 3
    assert waiting == 20


def test_who_went_away_leaves_room() -> None:
    async def run() -> Any:
        model = Echoing()
        model.may_go.clear()
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads, waiting=20)
            under_way = asyncio.create_task(ask(batches, ["x"]))
            await asyncio.sleep(0.01)
            gone = [asyncio.create_task(ask(batches, ["x"] * 5, "b")) for _ in range(3)]
            await asyncio.sleep(0.01)
            for each in gone:
                each.cancel()
            await asyncio.sleep(0.01)
            assert batches.waiting == 0
            later = asyncio.create_task(ask(batches, ["y"] * 20, "c"))
            await asyncio.sleep(0.01)
            model.may_go.set()
            await under_way
            answers = await later
            assert (batches.waiting, batches.idle) == (0, True)
            return answers

    assert asyncio.run(run()) == ["y"] * 20


def test_what_nobody_waits_for_is_not_computed() -> None:
    async def run() -> tuple[Any, list[list[str]]]:
        model = Echoing()
        model.may_go.clear()
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(model, threads)
            under_way = asyncio.create_task(ask(batches, ["under way"]))
            await asyncio.sleep(0.01)
            late = asyncio.create_task(ask(batches, ["late"], seconds=0.02))
            gone = asyncio.create_task(ask(batches, ["gone"]))
            await asyncio.sleep(0.05)
            gone.cancel()
            kept = asyncio.create_task(ask(batches, ["kept"]))
            await asyncio.sleep(0)
            model.may_go.set()
            assert await under_way == ["under way"]
            assert await kept == ["kept"]
            return await late, model.batches

    late, batches = asyncio.run(run())
    assert isinstance(late, TooLateError)
    assert batches == [["under way"], ["kept"]]


def test_the_time_of_a_batch_is_shared_out_and_waiting_is_told() -> None:
    async def run() -> list[Any]:
        with ThreadPoolExecutor(1) as threads:
            batches = batcher(Echoing(0.03), threads)
            deadline = asyncio.get_running_loop().time() + LATER

            async def spent(text: str) -> Any:
                return (await batches.ask([text], [len(text)], "a", deadline))[1]

            first = asyncio.create_task(spent("w" * 100))
            await asyncio.sleep(0.01)
            return await asyncio.gather(first, spent("x" * 10), spent("x" * 30))

    first, short, long = asyncio.run(run())
    assert first.waited < 0.01
    assert first.computed >= 0.03
    assert short.waited >= 0.015
    assert long.computed == pytest.approx(3 * short.computed)


def test_what_a_blamed_request_held_is_let_go_at_once() -> None:
    class Text(str):
        """A text that can be seen to go."""

    async def run() -> bool:
        with ThreadPoolExecutor(1) as threads:
            text = Text("blamed")
            gone = weakref.ref(text)
            error = await ask(batcher(Echoing(), threads), [text])
            assert isinstance(error, ExampleError)
            del text, error
            await asyncio.sleep(0.05)  # the thread that computed lets go of it a moment later
            return gone() is None

    gc.collect()
    gc.disable()  # which would find it in time, and keep large inputs until then
    try:
        assert asyncio.run(run())
    finally:
        gc.enable()
