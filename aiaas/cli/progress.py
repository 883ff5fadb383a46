"""What a person sees of a run: a line a stage, then the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from aiaas.cli import output
from aiaas.cli.judgement import show_judgement
from aiaas.pipeline import FIRST, telling
from aiaas.pipeline.pace import Pace, Speed

if TYPE_CHECKING:
    from aiaas.contracts import Advance
    from aiaas.pipeline import Result, StageResult

SHOWN_CLASSES = 12
REDRAW_SECONDS = 0.1


class Lines:
    """A listener that says what runs, why, and what came of it."""

    def stage_begins(self, name: str, why: list[str]) -> None:
        if why != [FIRST]:
            output.say(output.wrapped(f"{name:<11}      …  {'; '.join(why[:3])}", indent=20))
        elif output.on_terminal():
            output.say_over(f"{name:<11}      …")

    def stage_ends(self, stage: StageResult) -> None:
        for line in stage_lines(stage.name, stage.cached, stage.seconds, telling.told(stage)):
            output.say(line)


def stage_lines(name: str, cached: bool, seconds: float, told: Sequence[str]) -> list[str]:
    """What a person reads of a stage that is over: one line, and one more for each further thing told of it."""
    first, *rest = told or ("",)
    lines = [f"{name:<11} {'cached' if cached else f'{seconds:.1f} s':>7}  {first}".rstrip()]
    rest = [f"{'':<21}{each}" for each in rest]
    return lines + ([output.cut(line) for line in rest] if name == "inspect" else rest)


def show_progress() -> Callable[[Advance], None]:
    """What to call with how far a stage is: rewrites one line, on a terminal only."""
    if not output.on_terminal():
        return lambda advance: None
    pace = Pace()
    told = 0.0

    def show(advance: Advance) -> None:
        nonlocal told
        now = time.monotonic()
        speed = pace.take(advance, now)
        if now - told >= REDRAW_SECONDS:
            told = now
            output.say_over(advance_line(advance, speed))

    return show


def advance_line(advance: Advance, speed: Speed) -> str:
    """Rows, MB a second and the time that is left, as far as they are known."""
    words = [f"{advance.rows:,}" + (f" of {advance.of_rows:,} rows" if advance.of_rows else " rows")]
    if speed.bytes_per_second is not None:
        words.append(f"{speed.bytes_per_second / 1e6:.1f} MB/s")
    if speed.seconds_left is not None:
        words.append(f"{_duration(speed.seconds_left)} left")
    return f"{advance.stage}: {', '.join(words)}"


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def show_result(result: Result) -> None:
    """How the model was judged, on stderr, and where it is."""
    if result.metrics:
        show_judgement(result.metrics, result.gates)
    if result.model:
        name, version, alias = (result.model[key] for key in ("name", "version", "alias"))
        output.say(f"registered {name}/{version} as {name}@{alias}")
    output.say(f"done in {result.seconds:.1f} s")
