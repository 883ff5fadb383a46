"""The line that says how far a stage is."""

from __future__ import annotations

from aiaas.cli import progress
from aiaas.contracts import Advance
from aiaas.pipeline import pace


class Pace:
    """What a person reads on the way."""

    def __init__(self) -> None:
        self._pace = pace.Pace()

    def line(self, advance: Advance, now: float) -> str:
        return progress.advance_line(advance, self._pace.take(advance, now))


def test_rows_bytes_a_second_and_the_time_that_is_left() -> None:
    shown = Pace()
    total = {"of_rows": 5_000_000, "of_bytes": 1_000_000_000}
    assert shown.line(Advance("preprocess", 0, 0, **total), 10.0) == "preprocess: 0 of 5,000,000 rows"
    half = Advance("preprocess", 2_500_000, 500_000_000, **total)
    assert shown.line(half, 20.0) == "preprocess: 2,500,000 of 5,000,000 rows, 50.0 MB/s, 10 s left"


def test_what_was_there_already_took_no_time() -> None:
    shown = Pace()
    shown.line(Advance("preprocess", 80, 800_000_000, 100, 1_000_000_000), 0.0)
    later = Advance("preprocess", 90, 900_000_000, 100, 1_000_000_000)
    assert shown.line(later, 100.0).endswith("1.0 MB/s, 1 min left")


def test_what_is_not_known_is_not_said() -> None:
    shown = Pace()
    assert shown.line(Advance("collect", 10), 0.0) == "collect: 10 rows"
    assert shown.line(Advance("collect", 20_000), 60.0) == "collect: 20,000 rows"


def test_another_stage_begins_anew() -> None:
    shown = Pace()
    shown.line(Advance("collect", 10, 1_000_000), 0.0)
    assert shown.line(Advance("preprocess", 1, 5_000_000), 5.0) == "preprocess: 1 rows"
    assert shown.line(Advance("preprocess", 2, 9_000_000), 7.0) == "preprocess: 2 rows, 2.0 MB/s"


def test_what_was_fetched_is_read_at_a_pace_of_its_own() -> None:
    shown = Pace()
    shown.line(Advance("collect", 0, 0, of_bytes=100_000_000), 0.0)
    shown.line(Advance("collect", 0, 100_000_000, of_bytes=100_000_000), 100.0)
    shown.line(Advance("collect", 10, 1_000_000, of_bytes=100_000_000), 100.1)
    told = shown.line(Advance("collect", 900, 51_000_000, of_bytes=100_000_000), 101.1)
    assert told == "collect: 900 rows, 50.0 MB/s, 1 s left"
