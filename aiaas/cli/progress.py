"""What a person sees of a run: a line a stage, then the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiaas.cli import output
from aiaas.cli.judgement import show_judgement
from aiaas.pipeline import FIRST

if TYPE_CHECKING:
    from aiaas.contracts import Advance
    from aiaas.pipeline import Result, StageResult

SHOWN_CLASSES = 12
SHOWN_SOURCES = 2
SHOWN_FINDINGS = 2
REDRAW_SECONDS = 0.1
PACE_SECONDS = 1.0
"""What a pace is told of at the earliest: before, it says little."""


class Lines:
    """A listener that says what runs, why, and what came of it."""

    def stage_begins(self, name: str, why: list[str]) -> None:
        if why != [FIRST]:
            output.say(output.wrapped(f"{name:<11}      …  {'; '.join(why[:3])}", indent=20))
        elif output.on_terminal():
            output.say_over(f"{name:<11}      …")

    def stage_ends(self, stage: StageResult) -> None:
        took = "cached" if stage.cached else f"{stage.seconds:.1f} s"
        output.say(f"{stage.name:<11} {took:>7}  {_told(stage.name, stage.summary)}".rstrip())
        if stage.name == "deploy" and "difference" in stage.summary["runtime"]:
            output.say(f"{'':<21}{_compared(stage.summary['runtime'])}")
        if stage.name == "inspect" and not stage.cached:
            for each in _serious(stage.summary)[:SHOWN_FINDINGS]:
                output.say(output.cut(f"{'':<21}{each['name']}: {each['message']}"))


def _told(name: str, summary: Any) -> str:
    """The one thing worth knowing of a stage."""
    match name:
        case "collect":
            rows = f"{summary['rows']:,} rows from {_counted(len(summary['sources']), 'source')}"
            rows += f", {summary['dropped']:,} left out" if summary["dropped"] else ""
            files = dict.fromkeys(each["files"]["told"] for each in summary["sources"] if "files" in each)
            return rows + (f": {'; '.join(files)}" if 0 < len(files) <= SHOWN_SOURCES else "")
        case "preprocess":
            sizes = summary["splits"]
            return f"train {sizes['train']:,}, validation {sizes['validation']:,}, test {sizes['test']:,}"
        case "inspect":
            return _found(_serious(summary))
        case "train":
            given = summary["notes"].items()
            notes = [f"{value:,} {name.replace('_', ' ')}" for name, value in given if type(value) is int]
            notes += [value["told"] for _, value in given if isinstance(value, dict) and "told" in value]
            return f"{summary['backend']}/{summary['architecture']}" + (f" ({', '.join(notes)})" if notes else "")
        case "evaluate":
            flat = (each for each in summary["metrics"].items() if isinstance(each[1], float))
            return ", ".join(f"{metric} {value:.4f}" for metric, value in list(flat)[:3])
        case "gate":
            return _met(summary["gates"])
        case "deploy":
            return f"bundle {summary['digest'][:12]}, {summary['bytes'] / 1e6:.1f} MB, {summary['examples']} replayed"
    return ""


def _met(gates: Any) -> str:
    if not gates:
        return "no gates"
    missed = [gate["metric"] for gate in gates if not gate["met"]]
    return f"{', '.join(missed)} NOT MET" if missed else f"{_counted(len(gates), 'gate')} met"


def _serious(summary: Any) -> list[Any]:
    """The findings that a person must know."""
    return [each for each in summary["findings"] if each["level"] != "note" and not each["accepted"]]


def _found(findings: list[Any]) -> str:
    if not findings:
        return "nothing to warn of"
    names = list(dict.fromkeys(each["name"] for each in findings))
    more = f" and {len(names) - SHOWN_CLASSES} more" if len(names) > SHOWN_CLASSES else ""
    told = ", ".join(names[:SHOWN_CLASSES]) + more
    return f"{told} (aiaas inspect tells more)"


def _compared(runtime: Any) -> str:
    """What the form of a model that was taken costs and brings."""
    int8 = runtime["precision"] == "int8"
    took = [f"{runtime[form]['milliseconds']:.2g} ms" for form in ("int8" if int8 else "portable", "native")]
    name = f"{runtime['name']} int8" if int8 else runtime["name"]
    return f"{name}: {took[0]} an example, was {took[1]}; {_lost(runtime['int8']) if int8 else _apart(runtime)}"


def _apart(runtime: Any) -> str:
    return f"scores within {runtime['difference']:.1g}"


def _lost(int8: Any) -> str:
    if "accuracy" in int8:
        rows = f"{int8['rows']:,} held-out rows"  # of the test split where nothing is kept for validation
        return f"accuracy {int8['accuracy']:.4f} on {rows}, was {int8['native_accuracy']:.4f}"
    return f"cosine {int8['mean_cosine']:.4f} with its vectors"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def show_progress() -> Callable[[Advance], None]:
    """What to call with how far a stage is: rewrites one line, on a terminal only."""
    if not output.on_terminal():
        return lambda advance: None
    pace = Pace()
    told = 0.0

    def show(advance: Advance) -> None:
        nonlocal told
        now = time.monotonic()
        line = pace.line(advance, now)
        if now - told >= REDRAW_SECONDS:
            told = now
            output.say_over(line)

    return show


class Pace:
    """How fast a stage goes, from what it was told of first: what was there already took no time. Where fewer bytes are
    told than before, what was fetched is read now, and counts anew."""

    def __init__(self) -> None:
        self._first: Advance | None = None
        self._began = 0.0
        self._last = 0

    def line(self, advance: Advance, now: float) -> str:
        """Rows, MB a second and the time that is left, as far as they are known; `now` in seconds."""
        if self._first is None or self._first.stage != advance.stage or advance.bytes < self._last:
            self._first, self._began = advance, now
        self._last = advance.bytes
        words = [f"{advance.rows:,}" + (f" of {advance.of_rows:,} rows" if advance.of_rows else " rows")]
        seconds, done = now - self._began, advance.bytes - self._first.bytes
        if seconds >= PACE_SECONDS and done > 0:
            words.append(f"{done / seconds / 1e6:.1f} MB/s")
            if advance.of_bytes:
                words.append(f"{_duration((advance.of_bytes - advance.bytes) * seconds / done)} left")
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
