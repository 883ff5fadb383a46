"""How the numbers of a table are written: what parts their fractions, and their thousands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any


def marks(columns: Sequence[Sequence[str]], delimiter: str) -> dict[str, Any]:
    """What a source must be told of the numbers: `decimal` where it is a comma, `thousands` where something parts them.
    Nothing where the columns contradict each other, or 1.234 may be either."""
    values = [[value.strip() for value in column if value.strip()] for column in columns]
    commas = any(_are_fractions(column, ",") for column in values)
    for decimal, thousands in ((",", "."), (".", ",")):
        sure = commas if decimal == "," else delimiter == ","
        grouped = any(_are_grouped(column, decimal, thousands, sure) for column in values)
        if grouped and not any(_are_fractions(column, thousands) for column in values):
            return {"thousands": thousands} | ({"decimal": ","} if decimal == "," else {})
    some = {mark: any(_have(column, mark) for column in values) for mark in ",."}
    return {"decimal": ","} if some[","] and not some["."] and delimiter != "," else {}


def _are_grouped(column: Sequence[str], decimal: str, thousands: str, sure: bool) -> bool:
    """Whether all are numbers, and of some the thousands are parted. Unless that is `sure`, 1.234 may be a fraction,
    and only 1.234.567 and 1.234,5 are not."""
    part, point = re.escape(thousands), re.escape(decimal)
    number = re.compile(rf"[+-]?(?:[1-9]\d{{0,2}}(?:{part}\d{{3}})+|\d{{1,3}})(?:{point}\d+)?")
    large = [value for value in column if thousands in value]
    if not large or not all(map(number.fullmatch, column)):
        return False
    return sure or any(decimal in value or value.count(thousands) > 1 for value in large)


def _are_fractions(column: Sequence[str], mark: str) -> bool:
    """Whether all have a fraction behind this mark, and not all may be thousands."""
    return _have(column, mark) and not all(re.fullmatch(r"[+-]?[1-9]\d{0,2}\D\d{3}", value) for value in column)


def _have(column: Sequence[str], mark: str) -> bool:
    """Whether all are digits with this mark among them."""
    return bool(column) and all(re.fullmatch(rf"[+-]?\d+{re.escape(mark)}\d+", value) for value in column)
