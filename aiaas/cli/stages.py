"""The verbs that carry a recipe: run, the stage verbs, and plan."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiaas.cli import output
from aiaas.cli.ci import JunitOption, SummaryOption, told_to_ci
from aiaas.cli.events import event_file
from aiaas.cli.lock import LockedOption, LockOption, kept_to
from aiaas.cli.options import (
    EventsOption,
    JsonOption,
    OfflineOption,
    QuietOption,
    RecipeArgument,
    RefreshOption,
    SetOption,
    WorkspaceOption,
)
from aiaas.cli.sweep import several_need_sweep, sweep_command

if TYPE_CHECKING:
    from aiaas.pipeline import Planned, Result
    from aiaas.pipeline.events import Write
    from aiaas.pipeline.stages import Work

SweepOption = Annotated[
    bool,
    typer.Option(
        "--sweep", help="Take --set PATH=A,B,C as several values, and judge every combination of them in one group."
    ),
]
JUDGING = ("run", "evaluate", "deploy")
"""The verbs after which gates have been judged."""
LOCKING = ("run",)
"""The verbs that carry a recipe through all that a lock holds."""
HELP = {
    "run": "Carry RECIPE from raw data to a registered model: every stage that is not there already.",
    "collect": "Bring the rows of every source together, with their provenance.",
    "preprocess": "Clean the rows and split them, after collecting what is missing.",
    "train": "Fit the model, after the stages before it.",
    "evaluate": "Judge the model on the test split, hold it against the gates and report.",
    "deploy": "Package the model, replay its examples, register it and move its alias.",
}


def register(app: typer.Typer) -> None:
    """Add the verbs to the app, in the order of a model's life."""
    app.command("plan")(plan)
    for verb in HELP:
        app.command(verb, help=HELP[verb])(_stage_verb(verb))


def _stage_verb(verb: str) -> Callable[..., None]:
    def command(
        recipe: RecipeArgument,
        set_: SetOption = None,
        json: JsonOption = False,
        quiet: QuietOption = False,
        workspace: WorkspaceOption = None,
        offline: OfflineOption = False,
        refresh: RefreshOption = False,
        events: EventsOption = None,
        junit: JunitOption = None,
        summary: SummaryOption = None,
        lock: LockOption = False,
        locked: LockedOption = False,
        sweep: SweepOption = False,
    ) -> None:
        output.be_quiet(quiet)
        if sweep:
            _refuse_with_sweep(junit=junit, summary=summary, events=events, lock=lock, locked=locked)
            _sweep(recipe, set_ or (), workspace, json, offline, refresh)
            return
        with event_file(events, verb, recipe, json=json) as told, told_to_ci(junit, summary, recipe) as ci:
            kept = kept_to(recipe, lock=lock, locked=locked)
            with several_need_sweep(set_ or () if verb == "run" else ()):
                work = open_work(recipe, set_ or (), workspace, offline=offline, refresh=refresh, verb=verb)
            ci.name = work.recipe.name
            result = carry(verb, kept.held(work), told)
            kept.keep(work, result)
            ci.reached = result.as_dict()
        if json:
            output.emit_json(verb, **result.as_dict())

    given_to = {("junit", "summary"): JUDGING, ("lock", "locked", "sweep"): LOCKING}
    absent = [name for names, verbs in given_to.items() if verb not in verbs for name in names]
    return _without(command, *absent) if absent else command


def _refuse_with_sweep(**given: object) -> None:
    """What belongs to one run has no meaning for many."""
    from aiaas.errors import UsageError

    if chosen := next((name for name, value in given.items() if value), None):
        raise UsageError(f"--{chosen} is of one run, not of a sweep", where="--sweep", hint="leave one of both out")


def _sweep(
    recipe: Path, words: Sequence[str], workspace: Path | None, json: bool, offline: bool, refresh: bool
) -> None:
    from aiaas.recipe.grid import grid

    first = grid(words)[0]
    work = open_work(recipe, first.overrides, workspace, offline=offline, refresh=refresh, verb="run")
    sweep_command(recipe, words, work, json=json)


def _without(command: Callable[..., None], *options: str) -> Callable[..., None]:
    """The same command without some of its options."""

    @functools.wraps(command)
    def fewer(**given: Any) -> None:
        command(**given)

    whole = inspect.signature(command, eval_str=True)
    kept = [each for name, each in whole.parameters.items() if name not in options]
    fewer.__signature__ = whole.replace(parameters=kept)  # type: ignore[attr-defined]
    return fewer


def plan(
    recipe: RecipeArgument,
    set_: SetOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
) -> None:
    """Say for each stage of RECIPE: cached or to run, and why."""
    from aiaas import pipeline

    output.be_quiet(quiet or json)
    planned = pipeline.plan(open_work(recipe, set_ or (), workspace, offline=offline, refresh=refresh))
    if json:
        output.emit_json("plan", recipe=str(recipe), stages=[stage.as_dict() for stage in planned])
    else:
        for line in plan_lines(planned):
            output.out(line)


def plan_lines(planned: Sequence[Planned]) -> list[str]:
    """One line a stage, and one more for each further reason."""
    lines = []
    for stage in planned:
        first, *rest = stage.why or ("",)
        lines.append(f"{stage.name:<11} {'cached' if stage.cached else 'to run'}  {first}".rstrip())
        lines += [f"{'':<19} {reason}" for reason in rest]
    return lines


def open_work(
    recipe: Path,
    overrides: Sequence[str],
    workspace: Path | None,
    *,
    offline: bool = False,
    refresh: bool = False,
    verb: str = "run",
) -> Work:
    """The recipe read and the workspace opened, with this terminal as whom to tell. Offline, this process reaches no
    other machine from here on."""
    from aiaas import offline as network
    from aiaas import recipe as recipes
    from aiaas.cli.progress import show_progress
    from aiaas.cli.training import show_training
    from aiaas.pipeline.stages import Work
    from aiaas.workspace import Workspace

    if offline:
        network.forbid()
    return Work(
        recipes.read(recipe, overrides),
        Workspace.open(workspace),
        offline,
        refresh,
        verb,
        output.warn,
        progress=show_progress(),
        training=show_training(),
    )


def carry(verb: str, work: Work, events: Write | None = None) -> Result:
    """Run the recipe up to the verb's stage, telling a person on stderr, and `events` what happens."""
    from aiaas import pipeline
    from aiaas.cli.progress import Lines, show_result
    from aiaas.errors import GateError

    try:
        result = pipeline.run(work, "deploy" if verb == "run" else verb, Lines(), events)
    except GateError as error:
        _show_failed(error.reached)
        raise
    show_result(result)
    return result


def _show_failed(reached: dict[str, Any]) -> None:
    from aiaas.cli.judgement import show_judgement

    show_judgement(reached["metrics"], reached["gates"])
