"""What every fit of this backend does first and between its phases: read rows in batches, look for a stop."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from aiaas.contracts import Training
from aiaas.errors import Interrupted, TrainingError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray

_ROWS = 4096


def tables(train: Dataset, training: Training) -> Iterator[pa.Table]:
    """The rows in order, some thousands at a time; raises Interrupted when asked to stop."""
    for table in train.with_format("arrow").iter(_ROWS):
        go_on(training)
        yield table
    go_on(training)


def go_on(training: Training) -> None:
    """Raise Interrupted when a stop was asked for. Nothing needs to be kept: a fit takes seconds and begins anew."""
    if training.should_stop():
        raise Interrupted("training was stopped", hint="run the same command again")


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


@contextmanager
def fitting(training: Training) -> Iterator[None]:
    """Where an estimator fits: on one BLAS thread, and noting whether its solver came to an end instead of letting
    the warning out.

    With more threads the solvers' small steps mostly wait for each other, and the order of the sums, so the weights,
    would depend on the number of cores.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield
    ours = [each for each in caught if issubclass(each.category, ConvergenceWarning)]
    for each in caught:
        if each not in ours:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    training.notes["converged"] = not ours
