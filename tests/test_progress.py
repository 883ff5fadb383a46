"""How far a stage is, as a person sees it."""

from __future__ import annotations

import pytest

from aiaas.cli import output
from aiaas.cli.progress import Headway


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(output, "say_over", told.append)
    return told


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_rows_speed_and_time_left(seen: list[str]) -> None:
    clock = Clock()
    show = Headway(clock)
    show("collect", 0, None, read=0, size=400_000_000)
    for _ in range(4):
        clock.time += 0.5
        show("collect", 60_000, None, read=40_000_000, size=400_000_000)
    assert seen[-1] == "collect: 60,000 rows, 20.0 MB/s, 18 s left"
    show("collect", 60_001, None, read=40_000_001, size=400_000_000)
    assert len(seen) == 5, "not redrawn at once"


def test_what_is_not_known_is_not_told(seen: list[str]) -> None:
    clock = Clock()
    show = Headway(clock)
    for rows in (0, 10, 20):
        clock.time += 2
        show("collect", rows, None)
    assert seen[-1] == "collect: 20 rows"


def test_rows_of_rows_and_long_times(seen: list[str]) -> None:
    clock = Clock()
    show = Headway(clock)
    show("clean", 0, 1_000_000)
    clock.time += 10
    show("clean", 100_000, 1_000_000)
    assert seen[-1] == "clean: 100,000 of 1,000,000 rows, 1 min 30 s left"


def test_each_source_begins_anew(seen: list[str]) -> None:
    clock = Clock()
    show = Headway(clock)
    show("collect", 0, None, read=0, size=10_000_000)
    clock.time += 10
    show("collect", 10, None, read=10_000_000, size=10_000_000)
    assert seen[-1] == "collect: 10 rows, 1.0 MB/s, 0 s left"
    show("collect", 10, None, read=0, size=20_000_000)
    clock.time += 2
    show("collect", 30, None, read=10_000_000, size=20_000_000)
    assert seen[-1] == "collect: 30 rows, 5.0 MB/s, 2 s left"
