"""What a person sees of a fit: one line that lives on a terminal, elsewhere a line an epoch."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping

from aiaas.cli import output
from aiaas.contracts import Progress

REDRAW_SECONDS = 0.1
BAR = range(8, 25)
"""How short and how long the bar may be, in columns."""
JUDGED = "validation_"


def show_training() -> Callable[[Progress], None]:
    """What to call with how far a fit has come."""
    return live() if output.on_terminal() else _by_epoch()


def live() -> Callable[[Progress], None]:
    """What rewrites one line on a terminal."""
    told = 0.0

    def show(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told >= REDRAW_SECONDS or progress.ended:
            told = time.monotonic()
            output.say_over(live_line(progress, shutil.get_terminal_size().columns - 1, _glyphs()))

    return show


def _by_epoch() -> Callable[[Progress], None]:
    began = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal began
        if progress.ended:
            output.say(output.wrapped(epoch_line(progress, time.monotonic() - began), indent=20))
            began = time.monotonic()

    return show


def live_line(progress: Progress, width: int, glyphs: str = "━╌") -> str:
    """Epoch, bar, step, loss and metric, speed and time left, in at most `width` columns: what matters least goes
    first where all does not fit, and the bar takes what is left."""
    head = [f"epoch {_of(progress.epoch, progress.epochs)}"] if progress.epoch else []
    step = [_of(progress.step, progress.steps)] if progress.steps else [f"step {progress.step}"]
    first, *others = _numbers(_plain(progress.metrics)) or [""]
    rate = [f"{progress.examples_per_second:,.0f}/s"] if progress.examples_per_second else []
    left = [f"{_clock(progress.seconds_left)} left"] if progress.seconds_left is not None else []
    metric = others[:1]
    tail: list[str] = []
    for words in (
        [*step, first, *metric, *rate, *left],
        [first, *metric, *rate, *left],
        [first, *metric, *left],
        [first, *left],
        left,
    ):
        tail = [word for word in words if word]
        room = width - len("  ".join([*head, *tail])) - 2
        if room >= BAR.start:
            bar = [_bar(progress, min(room, BAR.stop - 1), glyphs)] if progress.steps else []
            return "  ".join([*head, *bar, *tail])
    return "  ".join([*head, *tail])[:width]


def epoch_line(progress: Progress, seconds: float) -> str:
    """The epoch, what it took, and each metric with that of the validation rows behind it."""
    name = f"epoch {_of(progress.epoch, progress.epochs)}"
    judged = {key.removeprefix(JUDGED): value for key, value in progress.metrics.items() if key.startswith(JUDGED)}
    told: list[str] = []
    for metric in {**_plain(progress.metrics), **judged}:
        measured = progress.metrics.get(metric)
        words = metric if measured is None else f"{metric} {_number(measured)}"
        if metric in judged:
            split = "" if told else "validation "
            words += f" ({split}{_number(judged[metric])})"
        told.append(words)
    return f"{name:<11} {seconds:5.1f} s  {', '.join(told)}"


def _plain(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics of the training rows."""
    return {name: value for name, value in metrics.items() if not name.startswith(JUDGED)}


def _numbers(metrics: Mapping[str, float]) -> list[str]:
    return [f"{name} {_number(value, digits=3)}" for name, value in metrics.items()]


def _number(value: float, digits: int = 4) -> str:
    """A number whose width does not change from step to step."""
    return f"{value:.4g}" if abs(value) >= 10 else f"{value:.{digits}f}"


def _of(number: int | None, total: int | None) -> str:
    """Such as `  7/393`: as wide for the first as for the last, so that the line stands still."""
    return f"{number:>{len(str(total))}}/{total}" if total else f"{number}"


def _bar(progress: Progress, width: int, glyphs: str) -> str:
    full = round(width * min(1.0, progress.step / max(1, progress.steps or 1)))
    return glyphs[0] * full + glyphs[1] * (width - full)


def _clock(seconds: float) -> str:
    """Such as 0:42, or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _glyphs() -> str:
    """The two halves of the bar, in characters that the terminal has."""
    try:
        "━╌".encode(sys.stderr.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "=-"
    return "━╌"
