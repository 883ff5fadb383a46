"""How values are spread: histograms that lie over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiaas.charts.frame import Frame
from aiaas.charts.scale import Scale, ticks


@dataclass(frozen=True, slots=True)
class Area:
    """A histogram: its outline, closed for the fill and open for the line."""

    name: str
    told: str
    shade: int
    shares: list[float]
    filled: str
    line: str


@dataclass(frozen=True, slots=True)
class Steps(Frame):
    """Histograms over one axis, in pixels; `ends` are the values at its left and its right."""

    areas: list[Area]
    mark: float | None
    ends: tuple[str, str]


def steps(
    title: str,
    counts: Mapping[str, Sequence[float]],
    edges: Sequence[float],
    across: str,
    *,
    mark: float | None = None,
    width: int = 340,
    height: int = 220,
    first_shade: int = 0,
) -> Steps | None:
    """Each group's counts between the `edges` as shares of the group, so that small ones can be seen beside large ones;
    `mark` is a value to draw a line at. None where all are empty."""
    shares = {name: [each / sum(group) for each in group] for name, group in counts.items() if sum(group)}
    if not shares:
        return None
    marks = ticks(0, max(max(group) for group in shares.values()))
    x, y = Scale(edges[0], edges[-1], width), Scale(0, marks[-1], height, up=True)
    areas = []
    for number, (name, group) in enumerate(counts.items()):
        if name not in shares:
            continue
        line = f"M{x(edges[0]):g} {y(0):g}"
        for share, right in zip(shares[name], edges[1:], strict=True):
            line += f"V{y(share):g}H{x(right):g}"
        line += f"V{y(0):g}"
        areas.append(Area(name, f"{int(sum(group)):,} rows", first_shade + number, shares[name], f"{line}Z", line))
    inside = [each for each in ticks(edges[0], edges[-1], 5) if edges[0] - 1e-12 <= each <= edges[-1] + 1e-12]
    return Steps(
        title,
        across,
        "share of the rows",
        width,
        height,
        y.ticks(marks, ".0%" if all(abs(100 * each - round(100 * each)) < 1e-6 for each in marks) else ".1%"),
        x.ticks(inside, ",.6g"),
        areas,
        None if mark is None else x(mark),
        (f"{edges[0]:,.4g}", f"{edges[-1]:,.4g}"),
    )
