"""How far collecting is, as a person sees it."""

from __future__ import annotations

import pytest

from aiaas.cli import output
from aiaas.cli.progress import advance_line
from aiaas.contracts import Advance
from aiaas.pipeline.pace import Pace, Speed


def told(pace: Pace, advance: Advance, now: float) -> str:
    return advance_line(advance, pace.take(advance, now))


def test_rows_speed_and_time_left_of_what_is_collected() -> None:
    pace = Pace()
    told(pace, Advance("collect", 0, 0, of_bytes=400_000_000), 100.0)
    line = told(pace, Advance("collect", 60_000, 40_000_000, of_bytes=400_000_000), 102.0)
    assert line == "collect: 60,000 rows, 20.0 MB/s, 18 s left"


def test_a_source_that_counts_no_bytes_tells_its_rows() -> None:
    pace = Pace()
    told(pace, Advance("collect", 0), 100.0)
    assert told(pace, Advance("collect", 5000), 200.0) == "collect: 5,000 rows"


def test_where_no_bytes_are_counted_the_time_left_goes_by_rows() -> None:
    pace = Pace()
    assert pace.take(Advance("inspect", 100, of_rows=1000), 100.0) == Speed()
    assert pace.take(Advance("inspect", 400, of_rows=1000), 103.0) == Speed(None, 6.0)
    assert pace.take(Advance("preprocess", 0, of_rows=1000), 104.0) == Speed()  # another stage, another pace


def test_a_passing_line_is_gone_before_data_stand_on_the_same_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.say_over("inspect: 341 of 569 rows")
    output.out("the table")
    assert capsys.readouterr() == ("the table\n", "inspect: 341 of 569 rows\r\x1b[K")
    output.out("more of it")
    assert capsys.readouterr() == ("more of it\n", "")
