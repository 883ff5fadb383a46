"""Look at rows before anything is learned from them: what they are, and what would spoil a result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from aiaas.contracts import Advance, Finding, Place, Task
from aiaas.contracts.findings import Acceptable
from aiaas.errors import DataError

if TYPE_CHECKING:
    from aiaas.inspect.report import Report

LEVELS = ("fatal", "warning", "note")
Depth = Literal["full", "short"]
MAY_USE = ("phonenumbers",)
"""Packages without which less is found in short."""
Progress = Callable[[Advance], None]
"""Told how many rows are counted."""


def preprocessed(
    name: str, task: Task, folder: Path, seed: int, depth: Depth, progress: Progress = lambda advance: None
) -> Report:
    """What is in the splits that `preprocess` left in a folder; `name` is that of the task.

    The rows are read in batches. What costs more than to count is asked of a part of them, drawn by the seed, and the
    report says so; `short` takes a smaller part and asks less. Equal arguments, equal reports. Raises DataError.
    """
    from aiaas.inspect import look, personal, view  # brings numpy and pyarrow, which planning does without

    return look.look(view.of_splits(task, folder, personal.hider()), name, "preprocessed", seed, depth, progress)


def collected(
    name: str,
    task: Task,
    path: Path,
    sources: Sequence[str],
    seed: int,
    depth: Depth,
    column: str | None = None,
    progress: Progress = lambda advance: None,
) -> Report:
    """The same of the rows that `collect` wrote to `path`. `sources` are what their sources are called, `column` is
    the one that says which split a row belongs to."""
    from aiaas.inspect import look, personal, view

    rows = view.of_collected(task, path, sources, column, personal.hider())
    return look.look(rows, name, "collected", seed, depth, progress)


def of_left_out(report: Report, left_out: Mapping[str, int], places: Mapping[str, Sequence[Place]]) -> Report:
    """The report with what `collect` has left out, as counts by reason; `places` has some of them."""
    from aiaas.inspect import judge

    findings = [*judge.of_left_out(left_out, places), *report.findings]
    findings.sort(key=lambda each: LEVELS.index(each.level))
    return report.model_copy(update={"findings": tuple(findings)})


def accepted(findings: Sequence[Finding], accept: Collection[str]) -> tuple[Finding, ...]:
    """The findings, with a mark at those that the recipe accepts."""
    return tuple(each.model_copy(update={"accepted": each.name in accept}) for each in findings)


def enforce(findings: Sequence[Finding], where: str) -> None:
    """Raise DataError where a fatal finding is not accepted; `where` says what was looked at."""
    fatal = [each for each in findings if each.level == "fatal" and not each.accepted]
    if not fatal:
        return
    hint = fatal[0].hint
    names = [each.name for each in fatal]
    if set(names) <= set(get_args(Acceptable)):
        hint += f"; or accept it in the recipe: inspect: {{accept: [{', '.join(names)}]}}"
    raise DataError("; ".join(f"{each.name}: {each.message}" for each in fatal), where=where, hint=hint)


def brief(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as a run tells of it: without the places."""
    return {name: value for name, value in finding.items() if name != "places"}
