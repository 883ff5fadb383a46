"""What an interrupted fit goes on from: one file, whole or not there, of everything that the next step depends on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends.course import State
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "checkpoint.npz"


def save(folder: Path, state: State, variables: Sequence[Any], best: Sequence[NDArray[Any]]) -> bool:
    """Keep `state`, the values of `variables`, and the best weights so far; the file before it is replaced.

    Nothing is kept, and False returned, when a value is not finite: the last good file stays.
    """
    values = [np.asarray(variable) for variable in variables]
    if not all(np.isfinite(value).all() for value in values if value.dtype.kind == "f"):
        return False
    arrays = {f"variable{number}": value for number, value in enumerate(values)}
    arrays |= {f"best{number}": value for number, value in enumerate(best)}
    arrays["state"] = np.frombuffer(json.dumps(asdict(state)).encode(), np.uint8)
    with atomic.open_new(folder / FILE) as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]
    return True


def load(folder: Path) -> tuple[State, list[NDArray[Any]], list[NDArray[Any]]] | None:
    """What `save` kept: state, values in the order of the variables, best weights; None where nothing is."""
    path = folder / FILE
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as archive:
        names = set(archive.files)
        state = State(**json.loads(archive["state"].tobytes()))
        values = [archive[f"variable{number}"] for number in range(sum(name.startswith("variable") for name in names))]
        best = [archive[f"best{number}"] for number in range(sum(name.startswith("best") for name in names))]
    return state, values, best
