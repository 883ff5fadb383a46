"""The way of the data from a recipe to an answer, laid out for `way.svg`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

WIDTH, HEIGHT = 172, 64
COLUMNS = [20, 222, 424, 626]
ROWS = [20, 128, 236, 344, 452]


@dataclass(frozen=True, slots=True)
class Box:
    """A stage, or what passes between two of them (`thing`), at a place of the grid."""

    name: str
    says: str
    column: int
    row: int
    thing: bool = False

    @property
    def x(self) -> int:
        return COLUMNS[self.column]

    @property
    def y(self) -> int:
        return ROWS[self.row]


BOXES = [
    Box("recipe.yaml", "checked whole, frozen", 0, 0, thing=True),
    Box("collect", "one file a kind of source", 1, 0),
    Box("rows", "Arrow, with their origin", 2, 0, thing=True),
    Box("preprocess", "steps, then the split", 3, 0),
    Box("inspect", "leaks, doubles, wrong labels", 0, 1),
    Box("train", "one file an architecture", 1, 1),
    Box("model", "examples in, scores out", 2, 1, thing=True),
    Box("splits", "train, validation, test", 3, 1, thing=True),
    Box("evaluate", "what was saved, new rows", 2, 2),
    Box("gate", "floors, and the champion", 1, 2),
    Box("report", "page, model card, parts", 0, 2),
    Box("deploy", "portable form, replayed", 1, 3),
    Box("bundle", "a digest of every file", 2, 3, thing=True),
    Box("registry", "MLflow: versions, aliases", 3, 3, thing=True),
    Box("infer", "a file in, a file out", 1, 4),
    Box("serve", "HTTP, keys, protocols", 2, 4),
    Box("answers", "the same from both", 3, 4, thing=True),
]

ARROWS = [
    ("recipe.yaml", "collect"),
    ("collect", "rows"),
    ("rows", "preprocess"),
    ("preprocess", "splits"),
    ("splits", "evaluate"),
    ("train", "model"),
    ("model", "evaluate"),
    ("evaluate", "gate"),
    ("gate", "report"),
    ("gate", "deploy"),
    ("deploy", "bundle"),
    ("bundle", "registry"),
    ("bundle", "serve"),
    ("bundle", "infer"),
    ("serve", "answers"),
]
AROUND = [("splits", "train"), ("splits", "inspect")]
"""Arrows that pass above the boxes between, from one side to the other of a row."""
BELOW = [("infer", "answers")]


def path(start: Box, end: Box) -> str:
    """An arrow between the sides of two boxes that face each other; from another row, by a bend between the rows."""
    half = HEIGHT // 2
    if start.row == end.row:
        right = end.column > start.column
        return f"M{start.x + (WIDTH if right else 0)} {start.y + half}H{end.x + (-3 if right else WIDTH + 3)}"
    between = (start.y + HEIGHT + end.y) // 2
    middle = WIDTH // 2
    return f"M{start.x + middle} {start.y + HEIGHT}V{between}H{end.x + middle}V{end.y - 3}"


def above(start: Box, end: Box) -> str:
    """From the upper edge of a box over its neighbours into the upper edge of another."""
    level = start.y - 16
    return f"M{start.x + 30} {start.y}V{level}H{end.x + WIDTH // 2}V{end.y - 3}"


def below(start: Box, end: Box) -> str:
    level = start.y + HEIGHT + 18
    return f"M{start.x + WIDTH // 2} {start.y + HEIGHT}V{level}H{end.x + WIDTH // 2}V{end.y + HEIGHT + 3}"


def drawing() -> str:
    boxes = {box.name: box for box in BOXES}
    paths = [path(boxes[a], boxes[b]) for a, b in ARROWS]
    paths += [above(boxes[a], boxes[b]) for a, b in AROUND] + [below(boxes[a], boxes[b]) for a, b in BELOW]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    size = (COLUMNS[-1] + WIDTH + 20, ROWS[-1] + HEIGHT + 36)
    return environment.get_template("way.svg.j2").render(
        boxes=BOXES, paths=paths, width=WIDTH, height=HEIGHT, size=size
    )
