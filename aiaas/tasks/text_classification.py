"""Give each text one of the labels it was trained on."""

from __future__ import annotations

from aiaas.contracts import Column
from aiaas.tasks._classification import METRICS, answer, measure
from aiaas.tasks._texts import decode, example, request

__all__ = ["COLUMNS", "METRICS", "OPEN", "answer", "decode", "example", "measure", "request"]

COLUMNS = (Column("text", "text"), Column("label", "label"))
OPEN = False
