"""Where a solver of scikit-learn fits: on one thread, and noting whether it came to an end."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Solved:
    """Whether the solver came to an end; known after the block."""

    converged: bool = True


@contextmanager
def solving() -> Iterator[Solved]:
    """Where an estimator fits: on one BLAS thread, and noting whether its solver came to an end instead of letting
    the warning out.

    With more threads the solvers' small steps mostly wait for each other, and the order of the sums, so the weights,
    would depend on the number of cores.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    solved = Solved()
    with threadpool_limits(limits=1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield solved
    ours = [each for each in caught if issubclass(each.category, ConvergenceWarning)]
    for each in caught:
        if each not in ours:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    solved.converged = not ours
