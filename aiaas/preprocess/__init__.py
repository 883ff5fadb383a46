"""From collected rows to a clean split: steps in their order, then train, validation and test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Task

if TYPE_CHECKING:
    from aiaas.recipe.models import Preprocess

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many rows of it are done, and of how many."""


def preprocess(
    section: Preprocess,
    seed: int,
    task: Task,
    collected: Path,
    out: Path,
    progress: Progress = lambda doing, done, total: None,
) -> dict[str, Any]:
    """Take the rows of `collected`, an Arrow stream, through the steps and divide them; returns the summary.

    Writes `train.arrow`, `validation.arrow` and `test.arrow` into the folder `out` (features and target, rows in the
    order of the data; shuffling belongs to whoever learns) and `report.json`, which also holds, as `request_steps`,
    what a bundle needs to take requests through the same steps. Equal arguments, equal bytes. Memory grows by some
    tens of bytes a row, not with what stands in it. Raises DataError where the data cannot carry a result: no rows or
    one class left, labels missing, too few rows of a class to stratify, rows of test that stand in train.
    """
    from aiaas.preprocess import stage  # brings numpy and pyarrow, which planning does without

    return stage.run(section, seed, task, collected, out, progress)
