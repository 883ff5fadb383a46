"""The mistakes that cost most, with what the model was shown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import pictures
from aiaas.contracts import Errs, Mistakes, Signature, Task
from aiaas.errors import DataError
from aiaas.evaluate.scoring import Scored
from aiaas.workspace import atomic

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

FILE = "errors.jsonl"
MOST = 20
CHARACTERS = 500
"""What is shown of a text."""
COLUMNS = 40
"""How many columns are shown of a row."""
SIDE = 160
"""Pixels of a picture's longer side."""


def write(
    folder: Path, scored: Scored, task: Task, signature: Signature, rows: Dataset, numbers: NDArray[np.int64]
) -> None:
    """A line for each of the costliest mistakes, the costliest first; no file where the task does not say what is one.

    `row` is its number in the collected data, from 1, of which `numbers` (n,) knows; `target`, `answer` and `score` are
    as the task gives them, None where it has none; `loss` is in its unit. `shown` holds the features as the model reads
    them, after all steps, and `picture` a small one as a data URI, where the example is a picture.
    """
    if not isinstance(task, Errs):
        return
    mistakes = task.mistakes(scored.targets, scored.scores, signature)
    names = _names(rows, signature)
    lines = []
    for place in costliest(mistakes):
        told = mistakes.told(place)
        named = {name: _label(told[name], names) for name in ("target", "answer")}
        line = {
            "row": int(numbers[place]),
            **named,
            "score": told["score"],
            "loss": round(float(mistakes.losses[place]), 6),
        }
        lines.append(json.dumps(line | _shown(rows[place], signature), ensure_ascii=False, allow_nan=False))
    atomic.write_text(folder / FILE, "".join(f"{line}\n" for line in lines))


def costliest(mistakes: Mistakes) -> list[int]:
    """The places of the costliest ones, of equal ones the first."""
    import numpy as np

    wrong = np.flatnonzero(~np.isnan(mistakes.losses))
    order = np.argsort(-mistakes.losses[wrong], kind="stable")[:MOST]
    return [int(place) for place in wrong[order]]


def _names(rows: Dataset, signature: Signature) -> list[str]:
    """The labels of the data where these are what rows are judged by and no model answers with them."""
    feature = rows.features.get(signature.target) if signature.target and not signature.labels else None
    return list(getattr(feature, "names", ()))


def _label(value: Any, names: list[str]) -> Any:
    return names[value] if names and isinstance(value, int) else value


def _shown(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    values = {name: row[name] for name in signature.features}
    shown = {name: _fit(value) for name, value in values.items() if not isinstance(value, bytes)}
    found: dict[str, Any] = {"shown": dict(list(shown.items())[:COLUMNS])}
    if signature.file and (picture := _picture(values[signature.file])):
        found["picture"] = picture
    return found


def _fit(value: Any) -> Any:
    """A value that JSON can hold and a page can show."""
    match value:
        case str():
            return value if len(value) <= CHARACTERS else f"{value[: CHARACTERS - 1]}…"
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
    return _fit(str(value))


def _picture(data: bytes) -> str | None:
    """A small one; none of a file that is no picture."""
    try:
        return pictures.to_uri(pictures.small(data, SIDE))
    except DataError:
        return None
