"""Curves in a terminal: eight dots to a character where there are such, else a star."""

from __future__ import annotations

from collections.abc import Sequence

from aiaas.charts import Lines, Steps

BLOCKS = "▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BRAILLE = 0x2800


def curve(plot: Lines, columns: int, lines: int, *, plain: bool = False) -> list[str]:
    """The curves of a plot, in so many columns and lines, with the ends of the axes."""
    wide, high = (1, 1) if plain else (2, 4)
    left = max(len(tick.text) for tick in plot.rows) + 1
    across, up = (columns - left) * wide, lines * high
    dots: set[tuple[int, int]] = set()
    for of in plot.curves:
        points = [(x / plot.width * (across - 1), y / plot.height * (up - 1)) for x, y in of.points]
        for first, second in zip(points, points[1:] or points, strict=False):
            dots |= _between(first, second)
    rows = [_row(dots, line, columns - left, plain) for line in range(lines)]
    names = {round(tick.at / plot.height * (lines - 1)): tick.text for tick in plot.rows}
    drawn = [f"{names.get(number, ''):>{left - 1}} {row}" for number, row in enumerate(rows)]
    begin, end = plot.columns[0].text, plot.columns[-1].text
    room = columns - left - len(begin) - len(end)
    return [*drawn, f"{'':>{left}}{begin}{plot.across[: room - 2]:^{room}}{end}"]


def _between(first: tuple[float, float], second: tuple[float, float]) -> set[tuple[int, int]]:
    """The dots of a straight line."""
    count = max(1, round(max(abs(second[0] - first[0]), abs(second[1] - first[1]))))
    return {
        (
            round(first[0] + (second[0] - first[0]) * step / count),
            round(first[1] + (second[1] - first[1]) * step / count),
        )
        for step in range(count + 1)
    }


def _row(dots: set[tuple[int, int]], line: int, columns: int, plain: bool) -> str:
    if plain:
        return "".join("*" if (column, line) in dots else " " for column in range(columns)).rstrip()
    cells = (
        sum(_DOTS[y][x] for y in range(4) for x in range(2) if (2 * column + x, 4 * line + y) in dots)
        for column in range(columns)
    )
    return "".join(chr(_BRAILLE + cell) if cell else " " for cell in cells).rstrip()


def histogram(plot: Steps, *, plain: bool = False) -> list[tuple[str, str]]:
    """The name of each group and its bars, a character each; the highest of all groups fills its line."""
    most = max(max(area.shares) for area in plot.areas)
    return [(area.name, _bars(area.shares, most, plain)) for area in plot.areas]


def _bars(shares: Sequence[float], most: float, plain: bool) -> str:
    glyphs = "_.-:=+*#" if plain else BLOCKS
    return "".join(" " if share <= 0 else glyphs[min(7, int(share / most * 7.999))] for share in shares)


def bar(places: Sequence[float], columns: int, *, plain: bool = False) -> str:
    """An interval on a line: where it begins, its value and where it ends, from 0 to 1; nothing without."""
    if not places:
        return ""
    first, middle, last = (round(each * (columns - 1)) for each in places)
    line, dot = ("-", "o") if plain else ("─", "●")
    drawn = [line if first <= column <= last else " " for column in range(columns)]
    drawn[middle] = dot
    return "".join(drawn).rstrip()
