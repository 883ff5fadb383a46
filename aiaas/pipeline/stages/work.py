"""What every stage is given, and what a stage is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Advance, Progress, SourceContext
from aiaas.recipe import Recipe
from aiaas.workspace import Artefact, Draft, Workspace

if TYPE_CHECKING:
    from aiaas.pipeline.lock import Guard

Made = Mapping[str, Artefact]
"""The artefacts of the stages before, by stage."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every stage is given: the recipe, where artefacts live, and whom to tell."""

    recipe: Recipe
    workspace: Workspace
    offline: bool = False
    refresh: bool = False
    verb: str = "run"
    warn: Callable[[str], None] = lambda message: None
    report: Callable[[int, Mapping[str, float]], None] = lambda step, metrics: None
    progress: Callable[[Advance], None] = lambda advance: None
    training: Callable[[Progress], None] = lambda progress: None
    enough: Callable[[], bool] = lambda: False
    """Whether the fit that goes on is given up, asked after each report of it."""
    began: float = field(default_factory=time.time)
    looking: bool = False
    """Nothing is made now, and nothing may be fetched: only what would be done is looked at."""
    rows_base: Path | None = None
    """Where relative paths of the data start, where they are another recipe's; by default the folder of this one."""
    checkpoints: Path | None = None
    """What a fit goes on from, where that outlives what it makes; by default a folder of the fit, removed after it."""
    group: str | None = None
    """What this run belongs to, such as a race."""
    label: str | None = None
    """What it is called in its group; a run that has one is kept even where all it needs is made already."""
    guard: Guard | None = None
    """What refuses whatever is not as a lock says."""

    def source_context(self) -> SourceContext:
        """Of the files that a model reads."""
        return self._context(self.recipe.base)

    def data_context(self) -> SourceContext:
        """Of the data, and of the lists that steps read."""
        return self._context(self.rows_base or self.recipe.base)

    def _context(self, base: Path) -> SourceContext:
        return SourceContext(base, self.workspace.downloads, self.offline, self.refresh, self.warn, began=self.began)


@dataclass(frozen=True, slots=True)
class Stage:
    """`after` names the stages whose artefacts it reads."""

    name: str
    after: tuple[str, ...]
    inputs: Callable[[Work, Made], dict[str, Any]]
    make: Callable[[Work, Made, Draft], None]
