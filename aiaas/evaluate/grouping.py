"""Which slice each test row is in: names (n,), by length, language, source, or the values of a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature, Task
from aiaas.evaluate.origin import SOURCE, Origin

if TYPE_CHECKING:
    from datasets import Dataset

MISSING, OTHER = "(missing)", "(other)"
MOST = 12
"""Slices of one kind at most: what is rarer goes together."""
_PARTS = 4
"""Numbers are cut into so many parts with as many rows each."""


def grouped(
    name: str, rows: Dataset, task: Task, signature: Signature, origin: Origin, addresses: Sequence[str]
) -> list[str]:
    """The slice of each row. Raises DataError for a column that was not collected."""
    match name:
        case "length":
            return by_number([float(sum(map(len, texts))) for texts in _texts(rows, task, signature)])
        case "language":
            from aiaas import languages

            joined = [" ".join(texts) for texts in _texts(rows, task, signature)]
            return by_value([code for code, _ in languages.detect(joined)])
        case "source":
            return by_value([_address(number, addresses) for number in origin.column(SOURCE)])
    return by_column(origin.column(name))


def _texts(rows: Dataset, task: Task, signature: Signature) -> list[tuple[str, ...]]:
    """The texts of each row, as the model reads them."""
    names = [each.name for each in task.COLUMNS if each.kind == "text" and each.name in signature.features]
    columns = [rows[name][:] for name in names]
    return [tuple(text or "" for text in row) for row in zip(*columns, strict=True)]


def _address(number: int | None, addresses: Sequence[str]) -> str:
    if number is None or number < 0:
        return MISSING
    return addresses[number] if number < len(addresses) else f"source {number}"


def by_column(values: Sequence[Any]) -> list[str]:
    """By quartile where every value is a number, or a text that says one, and there are more than a few; else by
    value."""
    numbers = [_number(value) for value in values]
    given = [number for number, value in zip(numbers, values, strict=True) if not _is_missing(value)]
    if None not in given and len(set(given)) > MOST:
        return by_number(numbers)
    return by_value([MISSING if _is_missing(value) else _said(value) for value in values])


def _is_missing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _said(value: Any) -> str:
    if isinstance(value, bytes):
        return f"a file of {len(value):,} bytes"
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    return text if len(text) <= 60 else f"{text[:59]}…"


def by_value(values: Sequence[str]) -> list[str]:
    """By value; those that are not among the most frequent ones together."""
    counts = Counter(values)
    if len(counts) <= MOST:
        return list(values)
    frequent = {value for value, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[: MOST - 1]}
    return [value if value in frequent else OTHER for value in values]


def by_number(values: Sequence[float | None]) -> list[str]:
    """By quartile of the numbers that are there: the slices are called by their first and last number. Equal numbers
    stay together, so of many equal ones there are fewer and larger slices."""
    import numpy as np

    known = np.array([value for value in values if value is not None])
    if not known.size:
        return [MISSING] * len(values)
    cuts = np.unique(np.quantile(known, np.arange(1, _PARTS) / _PARTS, method="inverted_cdf"))
    parts = np.searchsorted(cuts, known)  # a number that is a cut belongs to the part that it ends
    names = {part: _span(known[parts == part]) for part in np.unique(parts).tolist()}
    return [MISSING if value is None else names[int(np.searchsorted(cuts, value))] for value in values]


def _span(values: Any) -> str:
    first, last = (f"{value:.6g}" for value in (values.min(), values.max()))
    return first if first == last else f"{first} to {last}"


def in_order(names: Sequence[str]) -> Mapping[str, int]:
    """The slices of one kind with their rows: numbers from small to large, else the largest first, rests last."""
    counts = Counter(names)

    def place(name: str) -> tuple[bool, float, int, str]:
        first = _number(name.split(" to ")[0])
        return name in (MISSING, OTHER), float("inf") if first is None else first, -counts[name], name

    return {name: counts[name] for name in sorted(counts, key=place)}
