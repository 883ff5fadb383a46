"""The confusion matrix as a picture: an SVG that needs nothing but a viewer."""

from __future__ import annotations

from collections.abc import Sequence

_CELL = 56
_CHARACTER = 9  # a wide guess of a character's width; Chinese ones are twice as wide


def confusion_svg(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """Rows are the true classes, columns the predicted ones; the shade is the share of the row."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aiaas.evaluate", "templates"), autoescape=True, undefined=StrictUndefined
    )
    shown = [label if len(label) <= 24 else f"{label[:23]}…" for label in labels]
    margin = 40 + max(_width(label) for label in shown)
    cells = [
        {
            "x": margin + column * _CELL,
            "y": margin + row * _CELL,
            "count": count,
            "share": round(count / max(1, sum(counts)), 3),
        }
        for row, counts in enumerate(matrix)
        for column, count in enumerate(counts)
    ]
    side = margin + _CELL * len(shown) + 16
    return environment.get_template("confusion.svg.j2").render(
        cells=cells, labels=shown, margin=margin, cell=_CELL, side=side
    )


def _width(label: str) -> int:
    return sum(_CHARACTER * (2 if ord(character) > 0x2E80 else 1) for character in label)
