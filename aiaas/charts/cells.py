"""Counts in cells whose shade says how many: a matrix of classes, or how two numbers go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiaas.charts.scale import Scale, Tick, short, ticks, width

NUMBERED = 24
"""Classes up to which a cell is large enough for its number."""
_LABEL = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell in pixels; `dark` where the shade calls for light words."""

    x: float
    y: float
    shade: float
    told: str
    title: str
    dark: bool


@dataclass(frozen=True, slots=True)
class Cells:
    """The plot, in pixels; `numeric` where the axes are numbers and not classes."""

    title: str
    across: str
    up: str
    width: float
    height: float
    left: float
    top: float
    cell: tuple[float, float]
    cells: list[Cell]
    rows: list[Tick] = field(default_factory=list)
    columns: list[Tick] = field(default_factory=list)
    turned: bool = False
    numeric: bool = False
    guide: str | None = None


def matrix(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> Cells:
    """True classes in rows, answers in columns; the shade is the share of the row, so that rare classes show as well.
    Of many classes cells have no numbers, and labels only where they can be read."""
    many = len(labels) > NUMBERED
    roomy = 52.0 if len(labels) <= 6 else 42.0 if len(labels) <= 12 else 30.0
    size = max(4.0, round(560 / len(labels), 1)) if many else roomy
    names = [short(label, _LABEL) for label in labels]
    longest = max(map(width, names))
    left = 40.0 + 7.5 * longest if size >= 12 else 40.0
    turned = max(map(width, names)) * 7.5 > size - 4
    top = 34.0 + (7.5 * longest if turned else 16.0) if size >= 12 else 34.0
    cells = []
    for row, line in enumerate(counts):
        whole = sum(line)
        for column, count in enumerate(line):
            if not count and many:
                continue
            share = count / whole if whole else 0.0
            told = f"{count:,}" if count and not many else ""
            title = f"{labels[row]} answered as {labels[column]}: {count:,} of {whole:,}"
            x, y = round(left + column * size, 1), round(top + row * size, 1)
            cells.append(Cell(x, y, round(share, 3), told, title, share > 0.5))
    readable = names if size >= 12 else []
    return Cells(
        "Confusion matrix: true classes in rows, answers in columns",
        "answered as",
        "true class",
        left + size * len(labels) + 16,
        top + size * len(labels) + 12,
        left,
        top,
        (size, size),
        cells,
        [Tick(round(top + (place + 0.5) * size, 1), name) for place, name in enumerate(readable)],
        [Tick(round(left + (place + 0.5) * size, 1), name) for place, name in enumerate(readable)],
        turned,
    )


def density(
    title: str,
    counts: Sequence[Sequence[float]],
    across: tuple[str, float, float],
    up: tuple[str, float, float],
    size: tuple[int, int] = (340, 220),
) -> Cells:
    """How many rows lie where: `counts[row][column]` from the bottom up; each axis has a name and its ends. The line
    runs where both numbers are equal."""
    left, top = 60.0, 26.0
    step = (size[0] / len(counts[0]), size[1] / len(counts))
    most = max(max(line) for line in counts) or 1
    x, y = Scale(across[1], across[2], size[0]), Scale(up[1], up[2], size[1], up=True)
    cells = [
        Cell(
            round(left + column * step[0], 1),
            round(top + size[1] - (row + 1) * step[1], 1),
            round(0.15 + 0.85 * (count / most) ** 0.5, 3),
            "",
            f"{int(count):,} rows",
            False,
        )
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if count
    ]
    low, high = max(across[1], up[1]), min(across[2], up[2])
    guide = f"M{left + x(low):g} {top + y(low):g}L{left + x(high):g} {top + y(high):g}" if high > low else None

    def marks(scale: Scale, begin: float) -> list[Tick]:
        inside = [each for each in ticks(scale.low, scale.high) if scale.low <= each <= scale.high]
        return [Tick(round(begin + tick.at, 1), tick.text) for tick in scale.ticks(inside)]

    return Cells(
        title,
        across[0],
        up[0],
        left + size[0] + 14,
        top + size[1] + 40,
        left,
        top,
        (round(step[0] + 0.3, 2), round(step[1] + 0.3, 2)),
        cells,
        marks(y, top),
        marks(x, left),
        numeric=True,
        guide=guide,
    )
