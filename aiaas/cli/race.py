"""`aiaas race`: several recipes on one and the same split, and which of them is best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiaas.cli import output
from aiaas.cli.options import (
    JsonOption,
    OfflineOption,
    QuietOption,
    RefreshOption,
    SetOption,
    WorkspaceOption,
)
from aiaas.errors import AiaasError, UsageError

if TYPE_CHECKING:
    from aiaas.cli.progress import Lines
    from aiaas.compare import Comparison
    from aiaas.pipeline.race import Outcome, Round

_NAME = 20
"""Columns of the name of a model, so that the table has 80."""


def race_command(
    recipes: Annotated[
        list[Path],
        typer.Argument(metavar="RECIPE...", help="Recipes of one task; the rows are the first's.", show_default=False),
    ],
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="So much training for all together, such as 20m: in slices, the better half goes on.",
            show_default=False,
        ),
    ] = None,
    set_: SetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
) -> None:
    """Train several recipes on the rows of the first, and hold them against each other on its test rows."""
    from dataclasses import replace

    from aiaas import recipe as reading
    from aiaas.cli.progress import Lines
    from aiaas.cli.stages import open_work
    from aiaas.pipeline.race import race

    output.be_quiet(quiet)
    seconds = seconds_of(budget)
    read = [reading.read(each, set_ or ()) for each in recipes]
    work = open_work(recipes[0], set_ or (), workspace, offline=offline, refresh=refresh, verb="race")
    outcome = race(read, replace(work, recipe=read[0]), budget=seconds, teller=Told(Lines()))
    show(outcome, json=json)


def seconds_of(budget: str | None) -> int | None:
    """The budget in seconds. Raises UsageError."""
    from pydantic import TypeAdapter, ValidationError

    from aiaas.backends.settings import Duration

    if budget is None:
        return None
    try:
        found: int = TypeAdapter(Duration).validate_python(budget)
    except ValidationError:
        raise UsageError(f"{budget!r} is no time", where="--budget", hint="write it as 90s, 20m or 1h30m") from None
    return found


class Told:
    """Tells a person of a race on stderr: whose turn it is, then its stages."""

    def __init__(self, listener: Lines | None) -> None:
        self.listener = listener

    def begins(self, name: str) -> None:
        output.say(f"\n{name}")

    def failed(self, name: str, error: AiaasError) -> None:
        output.say(output.wrapped(f"{name} is out, the others go on: {error.message}", indent=2))
        if error.hint:
            output.say(output.wrapped(f"  hint: {error.hint}", indent=2))

    def round(self, number: int, round_: Round) -> None:
        from aiaas.backends.settings import written

        output.say(f"\nround {number}: {round_.metric} of the validation rows after {written(round_.seconds)} each")
        for name, score in round_.scores.items():
            told = "goes on" if name in round_.on else ""
            output.say(f"  {output.cut(name, 34):<34} {'–' if score is None else f'{score:.4f}':>8}  {told}".rstrip())

    def warn(self, message: str) -> None:
        output.warn(message)


def show(outcome: Outcome, *, json: bool) -> None:
    """The table, or one object; then the failure of the first that failed, for whoever reads the status."""
    if outcome.failed:
        error = outcome.failed[0].error
        assert error is not None
        if not json:
            show_outcome(outcome)
        names = ", ".join(each.name for each in outcome.failed)
        error.message = f"{len(outcome.failed)} of {len(outcome.finishers)} recipes failed ({names}): {error.message}"
        error.reached = outcome.as_dict()
        raise error
    if json:
        output.emit_json("race", **outcome.as_dict())
    else:
        show_outcome(outcome)


def show_outcome(outcome: Outcome) -> None:
    """Who was how good and at what cost, on stdout; what gates say, on stderr."""
    found = outcome.comparison
    if found:
        _show_comparison(found)
    elif outcome.standing:
        alone = outcome.standing[0]
        assert alone.result is not None
        numbers = [(name, value) for name, value in alone.result.metrics.items() if isinstance(value, float)]
        output.table(f"{alone.name} on the test rows", ("metric", "value"), numbers)
    for each in outcome.standing:
        if each.missed:
            output.say(output.wrapped(f"{each.name} does not meet its gates for {', '.join(each.missed)}"))


def _show_comparison(found: Comparison) -> None:
    """One line a model. A mark stands before those that no other beats in the metric and all costs at once."""
    metric = found.metric
    rows = []
    for each in found.standings:
        test = each.against.get(metric)
        apart = "–" if test is None or test.difference is None else f"{test.difference:+.4f} {test.verdict}"
        costs = (_number(each.costs.training_seconds), _number(each.costs.size_mb))
        name = f"{'*' if each.front else ' '} {output.cut(each.name, _NAME)}"
        rows.append((name, each.metrics.get(metric), _span(each.intervals.get(metric)), apart, *costs))
    columns = ("model", metric, f"{100 * found.level:g} % interval", "than the first", "s", "MB")
    output.table(f"On {found.rows:,} test rows, by {metric}", columns, rows, right=(1, 4, 5))
    for note in found.notes:
        output.say(output.wrapped(f"note: {note}"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _span(interval: Sequence[float] | None) -> str:
    return "–" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
