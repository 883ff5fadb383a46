"""Some of the rows, drawn by lot: what the costly questions are asked of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiaas.contracts import Place
from aiaas.inspect.view import Piece, View

CUT = 4_000
"""Characters of a text that are looked at: what stands behind them is not searched."""
_TEST = 4
"""At least one row in so many of a sample is of test, as far as there are such rows."""

Choice = Mapping[str | None, NDArray[np.int64]]
"""Of each split the rows that were drawn, counted from 0 in the order of the view; ascending."""


@dataclass(slots=True)
class Sample:
    """Rows in memory, without their files: the columns, and of each row the split and the place."""

    view: View
    columns: dict[str, list[Any]]
    parts: list[str | None] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    cut: int = 0
    """Texts of which only the beginning is here."""

    def __len__(self) -> int:
        return len(self.parts)

    def place(self, row: int) -> Place:
        """Where a row stands, and the beginning of what stands there."""
        shown = {name: self.columns[name][row] for name in self.view.named("text", "feature")}
        return self.places[row].model_copy(update={"shown": self.view.shown(shown)})

    def text(self, row: int, names: list[str]) -> str:
        """The texts of a row together."""
        return "\n".join(self.columns[name][row] or "" for name in names)


def draw(splits: Mapping[str | None, int], size: int, seed: int) -> Choice:
    """Up to `size` rows, each as likely as any other of its split. Equal arguments, equal rows."""
    total = sum(splits.values())
    wanted = {part: rows if total <= size else rows * size // total for part, rows in splits.items()}
    if total > size and splits.get("test"):
        wanted["test"] = max(wanted["test"], min(splits["test"], size // _TEST))
        rest = total - splits["test"]
        wanted |= {part: rows * (size - wanted["test"]) // rest for part, rows in splits.items() if part != "test"}
    lot = np.random.default_rng(seed)
    return {part: np.sort(lot.choice(splits[part], rows, replace=False)) for part, rows in wanted.items() if rows}


def chosen(view: View, choice: Choice) -> Iterator[tuple[Piece, NDArray[np.int64]]]:
    """The pieces that hold chosen rows, and which of their rows those are."""
    before = dict.fromkeys(choice, 0)
    for piece in view:
        if piece.part not in choice:
            continue
        start, wanted = before[piece.part], choice[piece.part]
        before[piece.part] = stop = start + piece.rows.num_rows
        rows = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, stop)] - start
        if rows.size:
            yield piece, rows


def take(view: View, choice: Choice) -> Sample:
    """The chosen rows."""
    names = [name for name, role in view.roles.items() if role != "file"]
    texts = view.named("text")
    sample = Sample(view, {name: [] for name in names})
    for piece, rows in chosen(view, choice):
        for name, values in piece.lists(names, rows).items():
            if name in texts:
                sample.cut += sum(len(value) > CUT for value in values if value)
                values = [value[:CUT] if value else value for value in values]
            sample.columns[name] += values
        sample.parts += [piece.part] * len(rows)
        sample.places += [view.bare_place(piece, int(row)) for row in rows]
    return sample
