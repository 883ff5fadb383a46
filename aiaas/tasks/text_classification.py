"""Give each text, or each pair of texts, one of the labels it was trained on."""

from __future__ import annotations

from aiaas.contracts import Column
from aiaas.tasks._classification import METRICS, answer, class_statistics, measure, statistics, told
from aiaas.tasks._texts import decode, example, request

__all__ = [
    "COLUMNS", "METRICS", "OPEN", "answer", "class_statistics", "decode", "example", "measure", "request", "statistics",
    "told",
]  # fmt: skip

COLUMNS = (Column("text", "text"), Column("text_pair", "text", optional=True), Column("label", "label"))
OPEN = False
