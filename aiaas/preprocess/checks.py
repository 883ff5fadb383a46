"""What must hold of a split before anything is learned from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from aiaas.errors import DataError
from aiaas.preprocess.flow import Flow
from aiaas.preprocess.split import PARTS, TEST, TRAIN, VALIDATION, Parts

_SHOWN = 5


def refuse_nothing(flow: Flow, rows: int) -> None:
    """DataError when no row is left, naming the step that dropped the last ones."""
    if rows:
        return
    if not flow.collected:
        raise DataError("the sources hold no rows", where="collect", hint="look whether the paths are right")
    reached = [link for link in flow.links if link.rows_in]
    if not reached:
        raise DataError(f"all {flow.collected:,} rows are empty texts", where="collect", hint="look into the data")
    last = next(link for link in reached if link.rows_out == 0)
    raise DataError(
        f"no row is left: the step {last.name} dropped the last {last.rows_in:,}"
        + (f", {last.empty:,} of them because no text remained" if last.empty else "")
        + f" ({flow.collected:,} were collected)",
        where=f"preprocess.steps.{last.name}",
        hint="look into the data, or change the step",
    )


def refuse_one_class(names: Sequence[str], rows: int) -> None:
    if len(names) == 1:
        raise DataError(
            f"all {rows:,} rows have the label {names[0]!r}; a classifier needs at least two",
            where="collect",
            hint="add a source with another label, or name the right column: `columns: {label: THEIRS}`",
        )


def refuse_unlearned(parts: Parts, codes: NDArray[np.int32], names: Sequence[str]) -> None:
    """DataError when a label stands in validation or test and never in train."""
    learned = np.bincount(codes[parts == TRAIN], minlength=len(names)) > 0
    unlearned = [names[int(code)] for code in np.flatnonzero(~learned)]
    if unlearned:
        told = ", ".join(map(repr, unlearned[:_SHOWN])) + (" …" if len(unlearned) > _SHOWN else "")
        raise DataError(
            f"no row of train has the label {told}, though others have it",
            where="preprocess.split",
            hint="bring rows of it into train, or leave the label out",
        )


def refuse_no_train(parts: Parts) -> None:
    if not (parts == TRAIN).any():
        raise DataError("the split leaves no row to train on", where="preprocess.split", hint="name rows `train`")


def refuse_leaks(
    parts: Parts, contents: NDArray[np.uint64], deduplicates: bool, show: Callable[[Sequence[int]], list[str]]
) -> None:
    """DataError when a row of test or validation stands in train as well, or one of test in validation.

    `contents` (n, 2) are digests of the features; `show` tells what stands in some rows.
    """
    for part, other in ((TEST, TRAIN), (VALIDATION, TRAIN), (TEST, VALIDATION)):
        shared = _shared(parts, contents, part, other)
        if shared.size:
            raise DataError(
                f"{shared.size:,} of {int((parts == part).sum()):,} rows of {PARTS[part]} stand in {PARTS[other]} as "
                f"well, such as {'; '.join(show(shared[:2].tolist()))}",
                where="preprocess.split",
                hint="put deduplicate after every step that changes the rows"
                if deduplicates
                else "add the step deduplicate",
            )


def _shared(parts: Parts, contents: NDArray[np.uint64], part: int, other: int) -> NDArray[np.intp]:
    """The rows of `part` whose content stands in `other`."""
    rows, others = np.flatnonzero(parts == part), np.flatnonzero(parts == other)
    near = rows[np.isin(contents[rows, 0], contents[others, 0])]
    if not near.size:
        return near
    # 64 bits may meet by chance; the other 64 decide.
    seen = {pair.tobytes() for pair in contents[others][np.isin(contents[others, 0], contents[near, 0])]}
    return np.asarray([row for row in near if contents[row].tobytes() in seen], dtype=np.intp)
