"""What becomes of each column and of the labels: what is left out, kept together, or made numbers of, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.propose import names
from aiaas.propose.facts import Facts, called_id, missing, settles
from aiaas.propose.guess import ENOUGH, FEWEST, Guess, prose

_SETTLED = 0.999
_LONG = 60
_FEW_WORDS = 100
_SHOWN = 5
"""Columns that an error names."""
_PARTS = ["year", "month", "weekday"]


@dataclass(slots=True)
class Decided:
    """`without` has the reason of each column left out; `dates` how those are written that are made numbers of; `rare`
    the labels with too few rows."""

    target: str | None
    labels: Counter[str] = field(default_factory=Counter)
    without: dict[str, str] = field(default_factory=dict)
    dates: dict[str, str | None] = field(default_factory=dict)
    group: str | None = None
    rare: list[str] = field(default_factory=list)


def decide(guess: Guess, rows: Batch, known: Mapping[str, Facts]) -> Decided:
    """What becomes of the columns. Raises DataError for labels of which nothing can be learned."""
    tabular = guess.task.startswith("tabular-")
    ours = "target" if guess.task == "tabular-regression" else "label"
    target = guess.columns.get(ours, ours if ours in rows else None)
    decided = Decided(target)
    if guess.task.endswith("-classification") and target is not None:
        decided.labels = labels(rows[target], target, known[target])
        total = sum(decided.labels.values())
        rare = [name for name, count in decided.labels.items() if count < FEWEST]
        if len(decided.labels) - len(rare) >= 2 and total >= ENOUGH:
            decided.rare = rare
    taken = {target, guess.split, *guess.columns.values(), "text", "image"} if not tabular else {target, guess.split}
    others = {name: each for name, each in known.items() if name not in taken}
    decided.group = next((name for name, each in others.items() if _groups(each)), None)
    if tabular:
        for name, each in others.items():
            if name == decided.group:
                continue
            why = _useless(each) or _gives_away(each, rows, guess, target)
            if why:
                decided.without[name] = why
            elif each.kind == "date":
                decided.dates[name] = each.form
        if not len(others) - len(decided.without) - (decided.group is not None):
            told = [f"{name} {why}" for name, why in decided.without.items()]
            more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
            raise DataError(
                f"no column is left to learn from: {'; '.join(told[:_SHOWN])}{more}",
                hint="say which column is predicted: --label COLUMN; or bring columns that say something of a row",
            )
    return decided


def steps_for_dates(decided: Decided) -> list[dict[str, Any]]:
    """The step `encode` for each way in which dates are written."""
    steps = []
    for form in dict.fromkeys(decided.dates.values()):
        columns = [name for name, each in decided.dates.items() if each == form]
        said = {"columns": columns, "method": "date", "parts": _PARTS}
        steps.append({"encode": said | ({"format": form} if form else {})})
    return steps


def labels(values: Sequence[Any], name: str, column: Facts) -> Counter[str]:
    """The labels with their rows. Raises DataError where there is one only, or all differ."""
    counts = Counter(_written(value) for value in values if not missing(value))
    if not counts:
        raise DataError(f"the column {name!r} holds no label", hint="say which column it is: --label COLUMN")
    if len(counts) == 1:
        told = f"all {sum(counts.values()):,} rows have the label {next(iter(counts))!r} in {name!r}"
        raise DataError(f"{told}; a classifier needs two at least", hint="add rows of another, or say --label COLUMN")
    total = sum(counts.values())
    mostly_rare = total >= ENOUGH and 2 * sum(count for count in counts.values() if count < FEWEST) > total
    if column.all_different or mostly_rare:
        raise DataError(
            f"most rows have a label of their own, or nearly so, in {name!r}: {len(counts):,} in {total:,} rows",
            hint="say which column holds the label, --label COLUMN; or that a number is predicted, "
            "--task tabular-regression",
        )
    return counts


def _written(value: Any) -> str:
    """As collect writes a label."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _groups(column: Facts) -> bool:
    """Whether a column says whom a row belongs to, and several rows belong to one; the subject of a mail is a text."""
    several = 1.5 * column.distinct <= column.present
    called = names.whose(column.name) and column.kind != "number" and not prose(column)
    return called and column.distinct >= 20 and several


def _useless(column: Facts) -> str | None:
    """Why a column says nothing of a row; None where it may."""
    if column.kind in ("file", "other"):
        return "holds no plain values"
    if column.kind == "nothing":
        return "is empty"
    if column.constant:
        return "is the same in every row"
    if column.names_rows or (column.kind == "whole" and called_id(column.name) and _mostly_different(column)):
        return "names the row only"
    if column.figure is not None and _mostly_different(column):
        return f"holds numbers written with more than digits, such as {column.figure}"
    if column.kind == "words" and _mostly_different(column):
        return "has another text in nearly every row"
    if column.kind == "words" and column.length > _LONG:
        return "is a text"
    return None


def _mostly_different(column: Facts) -> bool:
    return column.distinct > _FEW_WORDS and 2 * column.distinct > column.present


def _gives_away(column: Facts, rows: Batch, guess: Guess, target: str | None) -> str | None:
    """Why a column is no feature: it is the label, or the target, in other words."""
    if target is None or column.rows < ENOUGH or column.kind == "date":
        return None
    pairs = [
        pair for pair in zip(rows[column.name], rows[target], strict=True) if not missing(pair[0]) | missing(pair[1])
    ]
    if len(pairs) < ENOUGH:
        return None
    values, targets = zip(*pairs, strict=True)
    if guess.task == "tabular-regression":
        return "follows the target exactly" if column.numeric and _ordered(values, targets) >= _SETTLED else None
    coded = column.distinct <= 2 * len(set(map(str, targets)))
    words = column.kind == "words" and 2 * column.distinct <= column.present
    chance = Counter(map(str, targets)).most_common(1)[0][1] / len(targets)
    if (coded or words) and chance < _SETTLED and settles(values, targets) >= _SETTLED:
        return "tells the label by itself"
    return None


def _ordered(values: Sequence[Any], targets: Sequence[Any]) -> float:
    """How far the target goes up or down with the value: the correlation of their ranks, without its sign."""
    import numpy as np

    try:
        one, other = (np.unique(np.array(each, np.float64), return_inverse=True)[1] for each in (values, targets))
    except (TypeError, ValueError):
        return 0.0
    return float(abs(np.corrcoef(one, other)[0, 1])) if one.any() and other.any() else 0.0
