"""`aiaas run --sweep`: the recipe with each combination of the values that `--set` has several of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiaas.cli import output

if TYPE_CHECKING:
    from aiaas.pipeline.stages import Work
    from aiaas.pipeline.sweep import Sweep
    from aiaas.recipe import Recipe

METRICS = 3


def sweep_command(recipe: Path, words: Sequence[str], work: Work, *, json: bool) -> None:
    """Carry each point of the grid, and show them side by side; `work` is that of the first."""
    from aiaas.cli.progress import Lines
    from aiaas.cli.race import Told
    from aiaas.pipeline.sweep import sweep

    show(sweep(read_points(recipe, words), work, Told(Lines())), json=json)


def read_points(recipe: Path, words: Sequence[str]) -> dict[str, Recipe]:
    """The recipe at each point of the grid, by what the point is called. Raises RecipeError with the faults of all."""
    from aiaas import recipe as reading
    from aiaas.errors import Fault, RecipeError
    from aiaas.recipe.grid import grid

    found: dict[str, Recipe] = {}
    faults: dict[Fault, None] = {}
    for point in grid(words):
        try:
            found[point.label] = reading.read(recipe, point.overrides)
        except RecipeError as error:
            faults |= dict.fromkeys(error.faults)
    if faults:
        raise RecipeError(list(faults))
    return found


def show(done: Sweep, *, json: bool) -> None:
    """A line a point, or one object; then the failure of the first that failed, for whoever reads the status."""
    if not json:
        _table(done)
    if not done.failed:
        if json:
            output.emit_json("run", **done.as_dict())
        else:
            output.say(output.wrapped(f"held against each other: aiaas compare --group {done.group}"))
        return
    error = done.failed[0].error
    assert error is not None
    error.reached = done.as_dict()
    error.message = f"{len(done.failed)} of {len(done.runs)} points failed ({done.failed[0].label}): {error.message}"
    raise error


def _table(done: Sweep) -> None:
    there = [(each.label, each.result) for each in done.runs if each.result]
    if not there:
        return
    names = [name for name, value in there[0][1].metrics.items() if isinstance(value, float)][:METRICS]
    rows = [(label, *(result.metrics.get(name) for name in names)) for label, result in there]
    output.table("On the test rows", ("", *names), rows)
