"""Rows that are nearly equal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiaas.contracts import Place
from aiaas.inspect.report import Near
from aiaas.inspect.sample import CUT, Choice, chosen
from aiaas.inspect.view import PARTS, View
from aiaas.near import Sketcher, pairs
from aiaas.steps._content import digests

SIMILARITY = 0.8
"""The share of their runs of characters that nearly equal texts have in common."""
_SHOWN = 20
_NONE = -1

Found = NDArray[np.int64]
"""(n,): of each row another one, -1 where there is none."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Of each of some rows the earlier one that it is nearly equal to (`within`), and of each of test one of train
    (`across`). `parts` (n,) are the numbers of their splits, -1 where they have none."""

    parts: NDArray[np.int8]
    within: Found
    across: Found

    def counts(self, splits: Mapping[str | None, int]) -> Near:
        """`splits` are the rows of each, of which these may be a part."""
        divided = "train" in splits
        return Near(
            rows=len(self.parts),
            alike=int((self.within != _NONE).sum()),
            test=int((self.parts == PARTS.index("test")).sum()) if divided else 0,
            train=int((self.parts == PARTS.index("train")).sum()) if divided else 0,
            of_train=splits.get("train", 0),
            shared=int((self.across != _NONE).sum()),
        )


def first(found: Found) -> list[tuple[int, int]]:
    """Some of the rows that are like another one, with it."""
    return [(int(row), int(found[row])) for row in np.flatnonzero(found != _NONE)[:_SHOWN]]


def alike(parts: NDArray[np.int8], found: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> Alike:
    """From pairs, as two arrays of rows of which the first stands before the second; of each row one is kept."""
    within, across = np.full(len(parts), _NONE, np.int64), np.full(len(parts), _NONE, np.int64)
    train, test = PARTS.index("train"), PARTS.index("test")
    for one, other in found:
        _keep(within, other, one)
        for here, there in ((one, other), (other, one)):
            leaks = (parts[here] == test) & (parts[there] == train)
            _keep(across, here[leaks], there[leaks])
    return Alike(parts, within, across)


def _keep(found: Found, rows: NDArray[Any], others: NDArray[Any]) -> None:
    """The first of the `others` for each of the rows that have none yet."""
    rows, places = np.unique(rows, return_index=True)
    new = found[rows] == _NONE
    found[rows[new]] = others[places[new]]


def numbered(part: str | None) -> int:
    """The number of a split."""
    return PARTS.index(part) if part else _NONE


def of_texts(view: View, choice: Choice, progress: Callable[[int], None]) -> tuple[Alike, NDArray[np.int64]]:
    """The chosen rows whose texts are nearly equal, and where these rows stand, counted from 0 through the view; what
    is equal to the letter is counted elsewhere. Of each row some bytes are held, the rest is on disk meanwhile."""
    count = sum(map(len, choice.values()))
    parts, rows, contents = np.empty(count, np.int8), np.empty(count, np.int64), np.empty(count, np.uint64)
    names, sketcher = view.named("text"), Sketcher(SIMILARITY)

    def sketches() -> Iterator[dict[str, NDArray[Any]]]:
        done = 0
        for piece, taken in chosen(view, choice):
            texts = {name: [text or "" for text in column] for name, column in piece.lists(names, taken).items()}
            here = slice(done, done := done + len(taken))
            parts[here], rows[here] = numbered(piece.part), piece.start + taken
            contents[here] = np.frombuffer(digests(texts, names), np.uint64)[::2]
            yield sketcher.sketch(["\n".join(row)[:CUT] for row in zip(*texts.values(), strict=True)])
            progress(done)

    def unequal(found: Iterable[NDArray[np.void]]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        for each in found:
            one, other = each["first"], each["second"]
            apart = contents[one] != contents[other]
            yield one[apart], other[apart]

    with tempfile.TemporaryDirectory(prefix="aiaas-") as scratch:
        return alike(parts, unequal(pairs(sketches(), SIMILARITY, Path(scratch)))), rows


def beside(place: Place, other: Place) -> Place:
    """The place of a row, and of the one that it is nearly equal to."""
    where = " ".join(each for each in (other.source or other.split, f"row {other.row:,}") if each)
    return place.model_copy(update={"shown": f"≈ {where}" + (f": {place.shown}" if place.shown else "")})
