"""What a file without a recipe is: its task, and which columns hold the text and the label, by names and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiaas import plugins
from aiaas.contracts import Batch
from aiaas.errors import UsageError

TEXTS = (
    *("text", "review", "content", "comment", "sentence", "message", "body", "question", "title", "headline"),
    *("文本", "评论", "内容", "正文", "标题"),
)
LABELS = (
    *("label", "labels", "class", "category", "target", "sentiment", "topic", "tag", "cat", "y"),
    *("标签", "类别", "分类", "情感"),
)
SPLITS = frozenset({"train", "validation", "test", "dev", "val", "valid", ""})
_TEXT = 20
"""Characters that texts have on average, and names of things have not."""
_CLASSES = 20
"""Numbers of more values than these are measured, not counted as classes."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A task, its columns by those of the data, and the column that names a split, where one does."""

    task: str
    columns: dict[str, str]
    split: str | None


def guess(rows: Batch, text: str | None = None, label: str | None = None, task: str | None = None) -> Guess:
    """What `rows`, the first ones, are taken for; what is given stays. Raises UsageError where nothing fits."""
    for option, name in (("--text", text), ("--label", label)):
        if name is not None and name not in rows:
            close = plugins.nearest(name, rows)
            there = ", ".join(map(repr, rows))
            hint = f"did you mean {close!r}?" if close else None
            raise UsageError(f"{option}: there is no column {name!r}; there are: {there}", hint=hint)
    split = next((name for name in rows if name.casefold() == "split" and name != label and _divides(rows[name])), None)
    if (task is None and _pictures(rows.get("image"))) or task == "image-classification":
        return Guess("image-classification", {"label": label} if label else {}, split)
    label = label or _named(rows, LABELS, [text, split])
    if task is None or task.startswith("text-"):
        text = text or _named(rows, TEXTS, [label, split], texts=True) or _longest(rows, [label, split])
    if task is None:
        task = ("text-classification" if label else "text-generation") if text else None
    if task is not None and task.startswith("text-"):
        return _of_texts(task, text, label, rows, split)
    target = label or next((name for name in reversed(list(rows)) if name != split), None)
    if target is None or len(rows) - (split is not None) < 2:
        raise UsageError("the file has one column only, and it holds no texts", hint="say what it is: --task NAME")
    if task is None:
        task = "tabular-regression" if _measured(rows[target]) else "tabular-classification"
    ours = "target" if task == "tabular-regression" else "label"
    return Guess(task, {ours: target} if ours != target else {}, split)


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
    columns = {"text": text} | ({"label": label} if label and labelled else {})
    return Guess(task, {ours: theirs for ours, theirs in columns.items() if ours != theirs}, split)


def _named(rows: Batch, known: Sequence[str], taken: Sequence[str | None], *, texts: bool = False) -> str | None:
    """The column that is called like one of the known names, the first of them."""
    free = {name.strip().casefold(): name for name in rows if name not in taken}
    found = (free[name] for name in known if name in free)
    return next((name for name in found if not texts or any(isinstance(value, str) for value in rows[name])), None)


def _longest(rows: Batch, taken: Sequence[str | None]) -> str | None:
    """The column of the longest texts, if they are as long as texts."""
    means: dict[str, float] = {}
    for name, values in rows.items():
        found = [len(value) for value in values if isinstance(value, str)]
        if name not in taken and found:
            means[name] = sum(found) / len(found)
    longest = max(means, key=means.__getitem__, default=None)
    return longest if longest is not None and means[longest] >= _TEXT else None


def _pictures(values: Sequence[Any] | None) -> bool:
    return bool(values) and any(isinstance(value, bytes) for value in values or ())


def _divides(values: Sequence[Any]) -> bool:
    """Whether these are names of splits."""
    return {str(value or "").strip().lower() for value in values} <= SPLITS


def _measured(values: Sequence[Any]) -> bool:
    found = {value for value in values if value is not None}
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in found)
    return bool(found) and numbers and len(found) > _CLASSES
