"""What a search leaves: the recipe with the best settings, and a page that shows what was tried."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

from aiaas.errors import UsageError
from aiaas.pipeline.tune.outcome import Outcome, Trial
from aiaas.pipeline.tune.page import page
from aiaas.pipeline.tune.study import place
from aiaas.recipe import Recipe
from aiaas.recipe.render import to_yaml
from aiaas.workspace import Workspace, atomic

_MARK = "written by aiaas tune"


def target(recipe: Recipe, asked: Path | None) -> Path:
    """Where the best settings are written. Raises UsageError where that cannot be, before anything is searched."""
    beside = recipe.file or recipe.base / f"{recipe.name}.yaml"
    out = asked or beside.with_name(f"{beside.stem}_tuned.yaml")
    if out.parent.resolve() != recipe.base.resolve() and any(":" not in each.source for each in recipe.collect):
        raise UsageError(
            "the recipe names files by where they are from its folder, so the tuned one must be there as well",
            where=str(out),
            hint=f"write it into {recipe.base.resolve()}",
        )
    if out.exists() and (out.is_dir() or _MARK not in out.read_text("utf-8", "replace")[:2000]):
        raise UsageError("there is something else already", where=str(out), hint="--out FILE writes elsewhere")
    if not os.access(out.parent, os.W_OK):
        raise UsageError("the folder cannot be written to", where=str(out.parent), hint="--out FILE writes elsewhere")
    return out


def write_recipe(recipe: Recipe, outcome: Outcome, out: Path) -> Path:
    """The recipe as it was written, with the best settings in their places and no search."""
    best = outcome.best
    assert best is not None
    first, second = f"# aiaas run {shlex.quote(str(out))}", f"# {_told(outcome, best)}, {_MARK}"
    atomic.write_text(out, f"{first}\n{second}\n{to_yaml(recipe.with_values(best.settings).written())}")
    return out


def write_page(outcome: Outcome, recipe: Recipe, space: Workspace) -> Path:
    """The page and, beside it, the same as JSON; both in the workspace."""
    folder = place(space, outcome.group)
    with atomic.disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    outcome.page = folder / "tune.html"
    atomic.write_text(outcome.page, page(outcome, recipe))
    atomic.write_text(folder / "tune.json", json.dumps(outcome.as_dict(), ensure_ascii=False, indent=1) + "\n")
    return outcome.page


def _told(outcome: Outcome, best: Trial) -> str:
    """How good it is, and what the recipe was before."""
    figures = []
    for place_, each in enumerate(outcome.wanted):
        was = f", was {outcome.first.values[place_]:.4g}" if outcome.first else ""
        figures.append(f"{each.name} {best.values[place_]:.4g}{was}")
    return f"{'; '.join(figures)} on {outcome.rows:,} validation rows: trial {best.number} of {len(outcome.trials)}"
