"""From collected rows to a clean split: steps in their order, then train, validation and test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Advance, Task

if TYPE_CHECKING:
    from aiaas.recipe.models import Preprocess

Progress = Callable[[Advance], None]
"""Told how far the whole stage is."""


def preprocess(
    section: Preprocess,
    seed: int,
    task: Task,
    collected: Path,
    out: Path,
    *,
    kept: Path | None = None,
    addresses: Sequence[str] = (),
    leaks: bool = False,
    progress: Progress = lambda advance: None,
) -> dict[str, Any]:
    """Take the rows of `collected`, an Arrow stream, through the steps and divide them; returns the summary.

    Writes into the folder `out`: `train.arrow`, `validation.arrow` and `test.arrow` (features and target, rows in the
    order of the data; shuffling belongs to whoever learns), `test_rows.npy` (for each row of test the number of the
    collected row that it was, from 1), `dropped.arrow` with the rows that were left out and why,
    and `report.json`, which also holds, as `request_steps`, what a bundle needs to take requests through the same
    steps. `addresses` are those of the sources, by their number; with `leaks`, rows of test may stand in train. In
    `kept`, a folder, stands what is done of the stage: called again after it was interrupted or killed, it goes on from
    there.

    Equal arguments, equal bytes, in however many processes and pieces. Memory grows by a byte or two a row, and by some
    tens of bytes where the split is not `stable`. Raises DataError where the data cannot carry a result: no rows or one
    class left, labels missing, too few rows of a class, rows of test that stand in train.
    """
    from aiaas.preprocess import stage  # brings numpy and pyarrow, which planning does without

    return stage.run(section, seed, task, collected, out, kept, addresses, progress, leaks=leaks)
