"""What a bundle costs to ask and to keep, and what it answers: found out in a process with nothing else in it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.children import Child
from aiaas.compare.subjects import Costs
from aiaas.contracts import Signature
from aiaas.errors import AiaasError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.bundle import Located
    from aiaas.compare.ground import Ground


@dataclass(frozen=True, slots=True)
class Measured:
    """`scores` (n, outputs) of the rows in the order of the ground's labels, None where they were not asked for."""

    signature: Signature
    scores: NDArray[np.float32] | None
    costs: Costs


def measured(located: Located, ground: Ground, *, scores: bool) -> Measured:
    """Load the bundle in a process of its own, time it on rows of the ground, and ask it for all of them where `scores`
    is true. Raises what loading and asking raise."""
    child = Child("aiaas.compare.process", {})
    try:
        child.connection.send_bytes(pickle.dumps(sys.path))
        child.connection.send_bytes(pickle.dumps((located, ground, scores)))
        kind, said = child.connection.recv()
    except (EOFError, ConnectionError):
        raise AiaasError(
            f"the process that asked {located.name} ended without an answer",
            where=str(located.path),
            hint="it may have had too little memory",
        ) from None
    finally:
        child.end()
    if kind is Measured:
        found: Measured = said
        return found
    raise kind(said["message"], where=said["where"], hint=said["hint"])


def latency(seconds: Sequence[float]) -> tuple[float | None, float | None]:
    """The median and the 95th percentile of some times, in milliseconds; None of none."""
    import numpy as np

    if not seconds:
        return None, None
    median, most = np.quantile(seconds, [0.5, 0.95])
    return round(float(median) * 1e3, 4), round(float(most) * 1e3, 4)


def megabytes(folder: Path) -> float:
    """What the files of a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def said_of(error: BaseException) -> tuple[type[AiaasError], dict[str, Any]]:
    """An error as it goes from one process to the other: one of ours by its class, others by what they say."""
    if not isinstance(error, AiaasError):
        told = {"message": f"the model fails: {type(error).__name__}: {error}", "where": None, "hint": None}
        return AiaasError, told
    ours = (each for each in type(error).__mro__ if each.__module__ == AiaasError.__module__)
    kind = next(each for each in ours if "__init__" not in vars(each) or each is AiaasError)
    return kind, {"message": error.message, "where": error.where, "hint": error.hint}
