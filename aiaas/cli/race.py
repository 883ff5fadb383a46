"""`aiaas race`: several recipes on one and the same split, and which of them is best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiaas import readable
from aiaas.cli import output
from aiaas.cli.options import (
    JsonOption,
    OfflineOption,
    QuietOption,
    RefreshOption,
    WorkspaceOption,
    refuse_no_folder,
)
from aiaas.errors import AiaasError, Fault, RecipeError, UsageError

if TYPE_CHECKING:
    from aiaas.cli.progress import Lines
    from aiaas.pipeline.race import Outcome, Round
    from aiaas.recipe import Recipe


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
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page as well.", show_default=False)
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="[RECIPE:]PATH=VALUE",
            help="Override a value of every recipe, or of the one whose file is so called; repeatable.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    workspace: WorkspaceOption = None,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
) -> None:
    """Train several recipes on the rows of the first, and hold them against each other on its test rows."""
    from aiaas.cli.progress import Lines
    from aiaas.cli.stages import open_work
    from aiaas.pipeline.race import race

    output.be_quiet(quiet)
    refuse_no_folder("--html", html)
    seconds = seconds_of(budget)
    read = read_all(recipes, set_ or ())
    first = overrides_of(recipes[0], recipes, set_ or ())
    work = open_work(recipes[0], first, workspace, offline=offline, refresh=refresh, verb="race")
    outcome = race(read, work, budget=seconds, teller=Told(Lines()))
    if html and outcome.comparison:
        from aiaas.compare import page
        from aiaas.workspace import atomic

        with atomic.disk_errors(html):
            atomic.write_text(html, page(outcome.comparison))
    show(outcome, json=json)


def read_all(recipes: Sequence[Path], words: Sequence[str]) -> list[Recipe]:
    """The recipes in these files, with the words of `--set`. Raises RecipeError with the faults of all of them."""
    from aiaas import recipe as reading

    read: list[Recipe] = []
    faults: list[Fault] = []
    for each in recipes:
        try:
            read.append(reading.read(each, overrides_of(each, recipes, words)))
        except RecipeError as error:
            faults += error.faults
    if faults:
        raise RecipeError(faults)
    return read


def overrides_of(recipe: Path, recipes: Sequence[Path], words: Sequence[str]) -> list[str]:
    """The words of `--set` that are for this recipe: for it alone, as in `churn_mlp:train.epochs=3`, or for all."""
    named = {each.stem for each in recipes}
    found = []
    for word in words:
        name, colon, rest = word.partition(":")
        if colon and name in named:
            found += [rest] if name == recipe.stem else []
        else:
            found.append(word)
    return found


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

        if len(round_.scores) < 2:
            return
        output.say(f"\nround {number}: {round_.metric} of the validation rows after {written(round_.seconds)} each")
        for name, score in round_.scores.items():
            told = "goes on" if name in round_.on else "done" if name in round_.done else ""
            output.say(f"  {output.cut(name, 34):<34} {readable.figure(score):>8}  {told}".rstrip())

    def warn(self, message: str) -> None:
        output.warn(message)


def show(outcome: Outcome, *, json: bool) -> None:
    """The table, or one object; then the failure of the first that failed, for whoever reads the status."""
    if not json:
        show_outcome(outcome)
    if not outcome.failed:
        if json:
            output.emit_json("race", **outcome.as_dict())
        return
    error = outcome.failed[0].error
    assert error is not None
    error.reached = outcome.as_dict()
    names = ", ".join(each.name for each in outcome.failed)
    error.message = f"{len(outcome.failed)} of {len(outcome.finishers)} recipes failed ({names}): {error.message}"
    raise error


def show_outcome(outcome: Outcome) -> None:
    """Who was how good and at what cost, on stdout; what gates say, on stderr."""
    found = outcome.comparison
    if found:
        from aiaas.cli.comparison import show_comparison

        show_comparison(found)
    elif outcome.standing:
        alone = outcome.standing[0]
        assert alone.result is not None
        numbers = [(name, value) for name, value in alone.result.metrics.items() if isinstance(value, float)]
        output.table(f"{alone.name} on the test rows", ("metric", "value"), numbers)
    for each in outcome.standing:
        if each.missed:
            output.say(output.wrapped(f"{each.name} does not meet its gates for {', '.join(each.missed)}"))
