"""The columns of a table: those that say the same in every row, that number the rows, or that give the target away."""

from __future__ import annotations

import re
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiaas.inspect.report import Facts
from aiaas.inspect.sample import Sample
from aiaas.inspect.view import View

FEWEST = 50
"""Rows below which a column may tell the target by chance."""
MANY = 1_000
"""Rows from which on it is no longer likely that an honest measure parts the classes so well."""
_GIVEN_AWAY = 0.999
_CLASS = 5
"""Rows of a class without which it is not asked for."""
_NAMED = re.compile(r"(^|_)(id|uuid|guid|no|number|key)$|编号|序号|工号|单号", re.IGNORECASE)


class Leak(NamedTuple):
    """A column that gives the target away. It is `certain` of one that only names the target in other words, and in
    many rows: in few a good measure may do so too, as the petals of some flowers do."""

    name: str
    certain: bool


def constant(facts: tuple[Facts, ...]) -> list[str]:
    """Feature columns with one value in all rows, or none at all."""
    return [each.name for each in facts if each.role == "feature" and each.distinct is not None and each.distinct < 2]


def numbering(view: View, sample: Sample) -> list[str]:
    """Feature columns that have another value in every row, and say nothing but which row it is: words, or whole
    numbers that count on or are called so."""
    found = []
    for name in view.named("feature"):
        values = [value for value in sample.columns[name] if value is not None]
        if len(values) < FEWEST or len(set(values)) < len(values):
            continue
        whole = all(isinstance(value, int) for value in values)
        steps = np.diff(np.sort(np.array(values))) if whole else np.array([])
        counts_on = whole and len(sample) == view.rows and bool((steps == 1).all())
        if isinstance(values[0], str) or counts_on or (whole and _NAMED.search(name)):
            found.append(name)
    return found


def giving_away(view: View, sample: Sample, seed: int) -> list[Leak]:
    """Feature columns from which alone the target is known: of a class by the row whose value is nearest, of a number
    by the order of the values."""
    target = view.label or view.target
    names = view.named("feature")
    if target is None or not view.judged or not names:
        return []
    # Of equal rows one, else any column knows the label of a row from the row that repeats it; in an order of their
    # own, else a file that is sorted by class tells it wherever values are equal.
    rows = list(dict(zip(zip(*(sample.columns[name] for name in names), strict=True), count(), strict=False)).values())
    np.random.default_rng(seed).shuffle(rows)
    if len(rows) < FEWEST:
        return []
    asked = [sample.columns[target][row] for row in rows]
    found = []
    for name in names:
        values = [sample.columns[name][row] for row in rows]
        given = _ordered(_codes(values), asked) if view.target else _nearest(_codes(values), asked, _words(values))
        if given >= _GIVEN_AWAY:
            found.append(Leak(name, len(rows) >= MANY or _coded(values, asked)))
    return found


def _words(values: list[Any]) -> bool:
    return any(isinstance(value, str | bool) for value in values)


def _coded(values: list[Any], target: list[Any]) -> bool:
    """Whether the column holds names, or not many more values than there are classes."""
    return _words(values) or len(set(values)) <= 2 * len(set(target))


def _codes(values: list[Any]) -> NDArray[np.float64]:
    """Numbers as they are, words as numbers of their own; what is missing is a value like any other."""
    if _words(values):
        known: dict[Any, int] = {}
        return np.array([known.setdefault(value, len(known)) for value in values], np.float64)
    return np.array([np.inf if value is None else value for value in values], np.float64)


def _nearest(values: NDArray[np.float64], labels: list[Any], words: bool) -> float:
    """The share of each class, in the mean, whose rows have the label of the row that is nearest by this value alone;
    of words one that is equal."""
    _, codes, counts = np.unique([str(label) for label in labels], return_inverse=True, return_counts=True)
    order = np.argsort(values, kind="stable")
    sorted_values, sorted_codes = values[order], codes[order]
    gaps = np.full(len(values) + 1, np.inf)
    with np.errstate(invalid="ignore"):
        inner = np.diff(sorted_values)
    gaps[1:-1] = np.where(np.isnan(inner), 0, inner)  # two that are missing are equal
    below = gaps[:-1] <= gaps[1:]
    neighbour = np.where(below, np.roll(sorted_codes, 1), np.roll(sorted_codes, -1))
    right = neighbour == sorted_codes
    if words:
        right &= np.minimum(gaps[:-1], gaps[1:]) == 0
    frequent = np.flatnonzero(counts >= _CLASS)
    if len(frequent) < 2:
        return 0.0
    return float(np.mean([right[sorted_codes == code].mean() for code in frequent]))


def _ordered(values: NDArray[np.float64], target: list[Any]) -> float:
    """How far the target goes up or down with the value: Spearman's correlation, without its sign."""
    known = np.isfinite(values)
    if known.sum() < FEWEST:
        return 0.0
    one, other = _ranks(values[known]), _ranks(np.array(target, np.float64)[known])
    if not one.std() or not other.std():
        return 0.0
    return float(abs(np.corrcoef(one, other)[0, 1]))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, of equal values the mean one."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((counts.cumsum() - (counts - 1) / 2)[group], np.float64)
