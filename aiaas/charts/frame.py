"""What a plot over two axes stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from aiaas.charts.scale import Tick

LEFT, TOP, RIGHT, BOTTOM = 50, 26, 14, 40
"""Room around the plot for its words."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Title, axes and their marks, in pixels; `width` and `height` are those of the plot without the words."""

    left: ClassVar[int] = LEFT
    top: ClassVar[int] = TOP
    title: str
    across: str
    up: str
    width: int
    height: int
    rows: list[Tick]
    columns: list[Tick]

    @property
    def full_width(self) -> int:
        return LEFT + self.width + RIGHT

    @property
    def full_height(self) -> int:
        return TOP + self.height + BOTTOM
