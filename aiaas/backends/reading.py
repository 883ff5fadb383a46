"""What every fit does first and between its phases: read rows in batches, look for a stop, look at the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.contracts import Training
from aiaas.errors import DataError, Interrupted, TrainingError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray

_ROWS = 4096


def tables(train: Dataset, training: Training, at_once: int = _ROWS) -> Iterator[pa.Table]:
    """The rows in order, some thousands at a time; raises Interrupted when asked to stop."""
    for table in train.with_format("arrow").iter(at_once):
        go_on(training)
        yield table
    go_on(training)


def texts_of(
    rows: Dataset, training: Training, columns: Sequence[str] | None = None, at_once: int = _ROWS
) -> Iterator[list[Any]]:
    """The texts of all rows, `at_once` at a time: those of one column (by default the first feature), or tuples of
    those of several. Raises DataError where one is missing, and Interrupted when asked to stop."""
    names = columns or [next(iter(training.signature.features))]
    for table in tables(rows, training, at_once):
        for name in names:
            if missing := table[name].null_count:
                raise DataError(f"{missing:,} rows have no {name}", where=name, hint="leave such rows out")
        found = [table[name].to_pylist() for name in names]
        yield found[0] if len(found) == 1 else list(zip(*found, strict=True))


def tell_longer(
    longer: int, count: int, length: int, training: Training, truncation: str = "cut", where: str | None = None
) -> None:
    """A person is told how many of `count` training texts were cut. Raises DataError where `truncation` is `fail`."""
    if not longer:
        return
    what = (
        f"{longer:,} of {count:,} training texts ({longer / count:.1%}) are longer than {length:,} tokens "
        "(model.params.max_length)"
    )
    if truncation == "fail":
        raise DataError(
            what,
            where=where,
            hint="raise max_length, leave such rows out, or set model.params.truncation to cut",
        )
    training.notes["cut_texts"] = longer
    training.warn(f"{what} and were cut there")


def go_on(training: Training) -> None:
    """Raise Interrupted when a stop was asked for. Nothing needs to be kept: a fit takes seconds and begins anew."""
    if training.should_stop():
        raise Interrupted("training was stopped", hint="run the same command again")


def targets_of(rows: Dataset, training: Training) -> NDArray[Any]:
    """The target of every row (n,): labels as int64, numbers as float64. Raises DataError where one is missing."""
    name, labelled = str(training.signature.target), bool(training.signature.labels)
    values = rows.select_columns([name]).with_format("arrow")[:][name]
    if values.null_count:
        raise DataError(f"{values.null_count:,} training rows have no {name}", where=name, hint="leave such rows out")
    return np.asarray(values.to_numpy().astype(np.int64 if labelled else np.float64))


def check_classes(targets: NDArray[np.int64], training: Training, least: int = 1) -> None:
    """Raise TrainingError unless there are two classes, each with at least `least` rows."""
    names = training.signature.labels
    rows = np.bincount(targets, minlength=len(names)).tolist()
    present = [name for name, count in zip(names, rows, strict=True) if count]
    if len(present) < 2:
        raise TrainingError(
            f"the training rows hold {len(present)} of the two or more labels that are needed"
            + (f": {present[0]!r}" if present else ""),
            hint="collect rows of another label",
        )
    for name, count in zip(names, rows, strict=True):
        if count < least:
            raise TrainingError(
                f"the label {name!r} has {count} training rows; {least} or more are needed",
                hint="collect more rows of it, leave the label out, or stratify the split",
            )
