"""Give each row of a table one of the labels it was trained on."""

from __future__ import annotations

from aiaas.contracts import Column
from aiaas.tasks._classification import METRICS, answer, class_statistics, measure, statistics, told
from aiaas.tasks._rows import decode, example, request

__all__ = [
    "COLUMNS", "METRICS", "OPEN", "answer", "class_statistics", "decode", "example", "measure", "request", "statistics",
    "told",
]  # fmt: skip

COLUMNS = (Column("label", "label"),)
OPEN = True
