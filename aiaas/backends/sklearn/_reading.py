"""Where an estimator of scikit-learn fits, with a note of how that ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiaas.backends.solver import solving
from aiaas.contracts import Training


@contextmanager
def fitting(training: Training) -> Iterator[None]:
    """See `solving`; whether the solver came to an end stands in the notes of the fit."""
    with solving() as solved:
        yield
    training.notes["converged"] = solved.converged
