"""`aiaas tune`: which settings of a recipe are best on its validation rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.options import (
    JsonOption,
    OfflineOption,
    QuietOption,
    RecipeArgument,
    RefreshOption,
    SetOption,
    WorkspaceOption,
)

if TYPE_CHECKING:
    from aiaas.cli.progress import Lines
    from aiaas.pipeline.tune import Outcome, Trial
    from aiaas.pipeline.tune.study import Begun

SHOWN = 5
"""Trials in the table at the end."""


def tune_command(
    recipe: RecipeArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where the recipe with the best settings is written.  [default: RECIPE_tuned.yaml]",
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
    """Try the settings that RECIPE names under `tune`, judge them on its validation rows, and write it anew with the
    best ones; status 5 where every trial failed.

    Interrupted or killed, the same command goes on; started several times at once, all share the trials.
    """
    from aiaas.cli.progress import Lines
    from aiaas.cli.stages import open_work
    from aiaas.pipeline.tune import tune

    output.be_quiet(quiet)
    work = open_work(recipe, set_ or (), workspace, offline=offline, refresh=refresh, verb="tune")
    outcome = tune(work, out=out, teller=Told(Lines()))
    if json:
        output.emit_json("tune", **outcome.as_dict())
    else:
        show_outcome(outcome)


class Told:
    """Tells a person of a search on stderr: the stages that all trials share, then a line a trial."""

    def __init__(self, listener: Lines | None) -> None:
        self.listener = listener
        self._best: int | None = None

    def begins(self, trial: Begun, outcome: Outcome) -> None:
        if trial.adopted:
            output.say(f"trial {trial.number} was interrupted, and is gone on with")
        elif output.on_terminal():
            output.say_over(f"trial {trial.number} of {outcome.limit}  {settings(trial.values)}")

    def ended(self, trial: Trial, outcome: Outcome) -> None:
        output.say(output.cut(self.line(trial, outcome)))

    def line(self, trial: Trial, outcome: Outcome) -> str:
        """What came of it, and with what settings; whether it is the best by now."""
        from aiaas.readable import figure

        best = outcome.best
        mark = " "
        if best and best.number != self._best:
            self._best = best.number
            mark = "*" if best.number == trial.number else " "
        if trial.state == "done":
            pairs = zip(outcome.wanted, trial.values, strict=True)
            came = ", ".join(f"{each.name} {figure(value)}" for each, value in pairs)
        else:
            came = "given up halfway" if trial.state == "pruned" else f"failed: {trial.error}"
        return f"{mark} trial {trial.number:<4} {trial.seconds or 0:6.1f} s  {came}  {settings(trial.settings)}"


def settings(values: dict[str, Any]) -> str:
    """The values by the last part of their paths, which is enough to know them by."""
    from aiaas.pipeline.tune.page import value

    return ", ".join(f"{name.rpartition('.')[2]} {value(each)}" for name, each in values.items())


def show_outcome(outcome: Outcome) -> None:
    """The best trials on stdout; what matters and where it was written on stderr."""
    from aiaas.readable import figure

    if outcome.best:
        heads = ("trial", *(each.name for each in outcome.wanted), "settings")
        rows = [(each.number, *map(figure, each.values), settings(each.settings)) for each in _shown(outcome)]
        output.table(f"Best of {len(outcome.trials)} trials, on {outcome.rows:,} validation rows", heads, rows)
    if outcome.importance:
        parts = (f"{name} {share:.0%}" for name, share in outcome.importance.items())
        output.say(output.wrapped(f"what matters: {', '.join(parts)}"))
    if running := outcome.count("running"):
        output.say(f"{running} of the trials go on in other processes")
    if outcome.file:
        output.say(output.wrapped(f"best settings: {outcome.file}; what was tried: {outcome.page}"))
    output.say(f"done in {outcome.seconds:.1f} s")


def _shown(outcome: Outcome) -> list[Trial]:
    """The front, then who comes next; the recipe as it was in any case."""
    main = outcome.wanted[0]
    front = outcome.front
    rest = sorted(outcome.done, key=lambda each: each.values[0], reverse=main.better == "higher")
    found = [*front, *(each for each in rest if each not in front)][: max(SHOWN, len(front))]
    return found + ([outcome.first] if outcome.first and outcome.first not in found else [])
