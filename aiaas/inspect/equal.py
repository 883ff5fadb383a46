"""Rows that are equal: repeated, contradicting each other, or in two splits.

A row is a digest of its features. Where there are more rows than are to be kept, those whose digest is small are kept:
a row and all that equal it are then kept, or none of them, so that what is counted among them holds of all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aiaas.inspect.report import Equal
from aiaas.inspect.view import PARTS, Piece, View
from aiaas.steps._content import digests

KEPT = 2_000_000
"""Rows that are kept, some 40 bytes each."""

_RECORD = np.dtype([("high", "<u8"), ("low", "<u8"), ("label", "<i4"), ("part", "<i1"), ("row", "<i8")])


class Rows:
    """Give it every piece; then ask what is equal. Rows are counted through the whole view, from 0."""

    def __init__(self, view: View, kept: int = KEPT) -> None:
        self._view = view
        # A number as the target is part of the row: measuring twice is no mistake.
        self._columns = [*view.features, *([view.target] if view.target else [])]
        self._labels: dict[str | None, int] = {}
        self._pieces: list[NDArray[np.void]] = []
        self._kept, self._most = 0, kept
        self._below: int | None = None

    def add(self, piece: Piece) -> None:
        rows = piece.rows.num_rows
        found = np.empty(rows, _RECORD)
        contents = np.frombuffer(digests(piece.lists(self._columns), self._columns), "<u8").reshape(-1, 2)
        found["high"], found["low"] = contents[:, 0], contents[:, 1]
        found["label"] = self._codes(piece)
        found["part"] = PARTS.index(piece.part) if piece.part else -1
        found["row"] = np.arange(piece.start, piece.start + rows)
        self._keep(found)

    def _codes(self, piece: Piece) -> list[int] | int:
        if self._view.label is None:
            return 0
        known = self._labels
        return [known.setdefault(label, len(known)) for label in piece.rows.column(self._view.label).to_pylist()]

    def _keep(self, found: NDArray[np.void]) -> None:
        if self._below is not None:
            found = found[found["high"] < self._below]
        self._pieces.append(found)
        self._kept += len(found)
        while self._kept > self._most:
            self._below = (self._below or 2**64) // 2
            self._pieces = [piece[piece["high"] < self._below] for piece in self._pieces]
            self._kept = sum(map(len, self._pieces))

    def found(self) -> tuple[Equal, list[NDArray[np.int64]]]:
        """The counts; and the rows that repeat another one, those that contradict one, and those of test that stand in
        train, each ascending."""
        rows = np.concatenate([np.empty(0, _RECORD), *self._pieces])
        rows = rows[np.lexsort((rows["row"], rows["low"], rows["high"]))]
        begins = np.ones(len(rows), bool)
        begins[1:] = (rows["high"][1:] != rows["high"][:-1]) | (rows["low"][1:] != rows["low"][:-1])
        group = begins.cumsum() - 1
        repeated = ~begins
        contradicts = np.zeros(len(rows), bool)
        if self._view.label and self._view.judged:
            first = rows["label"][begins][group]
            contradicts = np.isin(group, group[rows["label"] != first])
        trained = np.isin(group, group[rows["part"] == 0])
        shared = {part: trained & (rows["part"] == code) for code, part in enumerate(PARTS) if code}
        counts = Equal(
            rows=len(rows),
            repeated=int(repeated.sum()),
            contradicting=int(contradicts.sum()),
            shared={part: int(each.sum()) for part, each in shared.items() if (rows["part"] >= 0).any()},
        )
        return counts, [np.sort(rows["row"][each]) for each in (repeated, contradicts, shared["test"])]
