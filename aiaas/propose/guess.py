"""What rows are taken for: their task, and which columns hold the text and the label, by names and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiaas import plugins
from aiaas.contracts import Batch
from aiaas.errors import UsageError
from aiaas.propose import names
from aiaas.propose.facts import Facts, facts, missing

_TEXT = 20
"""Characters that texts have on average, and names of things have not; a character of Chinese says more."""
_TEXT_WITHOUT_SPACES = 8
_SURELY_TEXT = 40
_CLASSES = 20
"""Numbers of more values than these are measured, not counted as classes."""
FEWEST = 5
"""Rows that a label must have."""
ENOUGH = 50
"""Rows without which little is said of how they are spread."""
_MOSTLY_THERE = 0.8
"""The share of rows in which what is asked for is known, as a rule."""
_COLUMNS_BESIDE = 3
"""Further columns from which on a table is a table although a text stands in it."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A task, its columns by those of the data, and the column that names a split, where one does."""

    task: str
    columns: dict[str, str]
    split: str | None


def guess(rows: Batch, text: str | None = None, label: str | None = None, task: str | None = None) -> Guess:
    """What `rows`, or some of them, are taken for; what is given stays. Raises UsageError where nothing fits."""
    return of_facts({name: facts(name, values) for name, values in rows.items()}, rows, text, label, task)


def of_facts(known: Mapping[str, Facts], rows: Batch, text: str | None, label: str | None, task: str | None) -> Guess:
    """The same where what the columns are is known."""
    for option, name in (("--text", text), ("--label", label)):
        if name is not None and name not in rows:
            close = plugins.nearest(name, rows)
            there = ", ".join(map(repr, rows))
            hint = f"did you mean {close!r}?" if close else None
            raise UsageError(f"{option}: there is no column {name!r}; there are: {there}", hint=hint)
    split = next((name for name in rows if name.casefold() == "split" and name != label and _divides(rows[name])), None)
    free = {name: each for name, each in known.items() if name != split}
    picture = next((name for name, each in free.items() if each.kind == "file" and name != label), None)
    if (task is None and picture is not None) or task == "image-classification":
        return _of_pictures(free, picture, label, split)
    if task is None or task.startswith("text-"):
        text = text or _text(free, label)
    label = label or likeliest(free, text)
    if label is not None and is_amount(free[label]):
        raise UsageError(
            f"{label!r} holds numbers that are written with more than digits, such as {free[label].figure!r}, "
            "and those are read as words",
            hint="write them without thousands marks, currency and unit; or name another column: --label COLUMN",
        )
    if task is None and text is not None and not _is_table(free, text, label):
        task = "text-classification" if label and not measured(free[label]) else "text-generation"
    if task is not None and task.startswith("text-"):
        return _of_texts(task, text, label, rows, split)
    if label is None or len(free) < 2:
        told = (
            "the file has one column only, and it holds no texts" if len(free) < 2 else "no column is seen to predict"
        )
        hint = "say what it is: --task NAME" if len(free) < 2 else "say which it is: --label COLUMN"
        if objects := [name for name, each in free.items() if each.kind == "other"]:
            hint += f"; what is within {', '.join(objects)} is not looked at: make columns of it"
        raise UsageError(told, hint=hint)
    if task is None:
        task = "tabular-regression" if measured(free[label]) else "tabular-classification"
    ours = "target" if task == "tabular-regression" else "label"
    return Guess(task, {ours: label} if ours != label else {}, split)


def measured(column: Facts) -> bool:
    """Whether the values are a measure, not classes that are called by numbers."""
    return column.numeric and column.distinct > _CLASSES


def is_amount(column: Facts) -> bool:
    """Whether the values would be a measure, were they not read as words."""
    return column.figure is not None and column.distinct > _CLASSES


def useful(column: Facts) -> bool:
    """Whether a column may say something of a row."""
    return not (column.names_rows or column.constant or column.kind in ("file", "other"))


def _of_pictures(known: Mapping[str, Facts], picture: str | None, label: str | None, split: str | None) -> Guess:
    columns = {"image": picture} if picture not in (None, "image") else {}
    label = label or likeliest({name: each for name, each in known.items() if name != picture}, None)
    if label not in (None, "label"):
        columns["label"] = str(label)
    return Guess("image-classification", columns, split)


def _of_texts(task: str, text: str | None, label: str | None, rows: Batch, split: str | None) -> Guess:
    if text is None:
        raise UsageError(
            f"no column of texts is seen among {', '.join(map(repr, rows))}", hint="say which it is: --text COLUMN"
        )
    labelled = any(column.kind == "label" for column in plugins.task(task).COLUMNS)
    if label is None and task == "text-classification":
        raise UsageError(
            f"no column of labels is seen among {', '.join(map(repr, rows))}", hint="say which it is: --label COLUMN"
        )
    wanted = label if label and labelled and task != "text-generation" else None
    columns = {"text": text} | ({"label": wanted} if wanted else {})
    return Guess(task, {ours: theirs for ours, theirs in columns.items() if ours != theirs}, split)


def _text(known: Mapping[str, Facts], label: str | None) -> str | None:
    """The column that is called like one of texts, else that of the longest, if they are as long as texts."""
    words = {name: each for name, each in known.items() if each.kind == "words" and name != label}
    words = {name: each for name, each in words.items() if 2 * each.present >= each.rows}
    called = {name: names.place(name, names.TEXTS) for name in words}
    for name in sorted((name for name in words if called[name] is not None), key=lambda name: called[name] or 0):
        others = [each for other, each in words.items() if other != name]
        if words[name].distinct > _CLASSES or words[name].rows <= _CLASSES or not others:
            return name
    found = {name: each for name, each in words.items() if not each.names_rows and each.distinct * 2 > each.present}
    longest = max(found, key=lambda name: found[name].length, default=None)
    return longest if longest is not None and prose(found[longest]) else None


def prose(column: Facts) -> bool:
    """Whether words are as long as texts."""
    return column.length >= (_TEXT_WITHOUT_SPACES if column.wide > 0.3 else _TEXT)


def likeliest(known: Mapping[str, Facts], text: str | None) -> str | None:
    """The column that is likeliest to be asked for: by its name, where it stands, and how many values it has."""
    order = [name for name in known if name != text]
    scores = {name: _score(known[name], place, len(order), text is not None) for place, name in enumerate(order)}
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] > 0 else None


def _score(column: Facts, place: int, columns: int, beside_text: bool) -> float:
    """How likely it is that this column is asked for; 0 where it cannot be."""
    as_class, as_number = names.place(column.name, names.LABELS), names.place(column.name, names.TARGETS)
    called = as_class is not None or (as_number is not None and (column.numeric or is_amount(column)))
    if column.kind in ("file", "other", "nothing", "date") or (column.names_rows and not called):
        return 0
    last = place == columns - 1
    if beside_text and not called and (measured(column) or _mostly_different(column)):
        return 0
    if not called and column.kind == "words" and not is_amount(column) and _scattered(column):
        return 0
    score = 0.0
    if as_class is not None:
        score += 10 - as_class / 10
    elif called:
        score += 8
    elif names.decides(column.name):
        score += 6
    score += 3 * last + (place == 0)
    if not column.constant and column.distinct <= _CLASSES:
        score += 2
    elif not last and not called:
        score -= 1
    if column.present < _MOSTLY_THERE * column.rows:
        score -= 3
    return max(score, 0.1 * last)


def _scattered(column: Facts) -> bool:
    """Whether a value has hardly a row, in the mean."""
    return FEWEST * column.distinct > column.present > ENOUGH


def _mostly_different(column: Facts) -> bool:
    """Whether the values are texts of their own, or as good as all different."""
    return column.kind == "words" and (column.length > _SURELY_TEXT or 2 * column.distinct > column.present > _CLASSES)


def _is_table(known: Mapping[str, Facts], text: str, label: str | None) -> bool:
    """Whether what stands beside a text says more than it: several columns of numbers and classes."""
    beside = [
        each for name, each in known.items() if name not in (text, label) and useful(each) and each.kind != "date"
    ]
    telling = [each for each in beside if each.numeric or each.kind == "truth" or each.distinct <= _CLASSES]
    if label is not None and measured(known[label]):
        return bool(telling)
    called = names.place(text, names.TEXTS) is not None
    return len(telling) > _COLUMNS_BESIDE * (1 + called) and known[text].length < 5 * _SURELY_TEXT


def _divides(values: Sequence[Any]) -> bool:
    """Whether these are names of splits."""
    return {"" if missing(value) else str(value).strip().lower() for value in values} <= names.SPLITS
