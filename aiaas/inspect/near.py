"""Rows that are nearly equal, by pairs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiaas.contracts import Place
from aiaas.inspect.report import Near
from aiaas.inspect.sample import Sample
from aiaas.near import Sketcher, pairs

SIMILARITY = 0.8
"""The share of their runs of characters that nearly equal texts have in common."""
_SHOWN = 20
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of places in a sample of `rows` rows: of one that is nearly equal to an earlier one (`within`), and of one
    of test with one of train (`across`), `test` rows of which were compared."""

    rows: int
    test: int
    within: Sequence[tuple[int, int]]
    across: Sequence[tuple[int, int]]

    def counts(self) -> Near:
        return Near(
            rows=self.rows,
            alike=len({one for one, _ in self.within}),
            test=self.test,
            shared=len({one for one, _ in self.across}),
        )

    def first(self, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Of each row one pair, as many as are shown."""
        return sorted({one: (one, other) for one, other in reversed(pairs)}.values())[:_SHOWN]


def of_texts(sample: Sample, names: list[str]) -> Pairs:
    """Rows whose texts are nearly equal; those that are equal to the letter are counted elsewhere."""
    texts = [sample.text(row, names) for row in range(len(sample))]
    within: list[tuple[int, int]] = []
    across: list[tuple[int, int]] = []
    for first, second in _pairs(texts):
        if texts[first] == texts[second]:
            continue
        within.append((second, first))
        parts = {sample.parts[first]: first, sample.parts[second]: second}
        if "test" in parts and "train" in parts:
            across.append((parts["test"], parts["train"]))
    divided = "train" in sample.parts
    return Pairs(len(sample), len(sample.of("test")) if divided else 0, within, across)


def _pairs(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    sketcher = Sketcher(SIMILARITY)
    sketches = (sketcher.sketch(texts[start : start + _AT_ONCE]) for start in range(0, len(texts), _AT_ONCE))
    with tempfile.TemporaryDirectory(prefix="aiaas-") as scratch:
        for found in pairs(sketches, sketcher.threshold, Path(scratch)):
            yield from zip(found["first"].tolist(), found["second"].tolist(), strict=True)


def beside(place: Place, other: Place) -> Place:
    """The place of a row, and of the one that it is nearly equal to."""
    where = " ".join(each for each in (other.source or other.split, f"row {other.row}") if each)
    return place.model_copy(update={"shown": f"{place.shown or ''} ≈ {where}".strip()})
