"""The rows that are looked at: Arrow streams on disk, gone through batch by batch, and what their columns are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aiaas.contracts import Batch, Place, Task
from aiaas.errors import DataError

PARTS = ("train", "validation", "test")
SYNONYMS = {"dev": "validation", "val": "validation", "valid": "validation"}
ROWS = 4096
_SOURCE, _SPLIT = "_source", "_split"
_SHOWN, _READ = 60, 400

Role = Literal["text", "label", "target", "file", "feature"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of one split (None: they are not divided). `numbers` (n,) are their numbers in it, or, where rows know
    their source, in the source; from 1. `start` rows of the view stand before them."""

    rows: pa.RecordBatch
    part: str | None
    numbers: NDArray[np.int64]
    start: int = 0

    def lists(self, names: Sequence[str], rows: NDArray[np.int64] | None = None) -> Batch:
        """The values of some columns, of some rows where such are named."""
        taken = self.rows.select(names) if rows is None else self.rows.select(names).take(pa.array(rows))
        return {name: taken.column(name).to_pylist() for name in names}


@dataclass(frozen=True)
class View:
    """The rows in `streams`: one Arrow stream a split, or one of all rows (under None), which name their split in the
    column `divided` or not at all. `judged` is false where a label is there to judge by and is not learned. `hide` is
    what all that is shown of a row goes through."""

    streams: Mapping[str | None, Path]
    roles: Mapping[str, Role]
    labels: tuple[str, ...]
    judged: bool
    sources: tuple[str, ...] = ()
    divided: str | None = None
    hide: Callable[[str], str] = str

    def named(self, *roles: Role) -> list[str]:
        """The columns with one of these roles."""
        return [name for name, role in self.roles.items() if role in roles]

    @property
    def label(self) -> str | None:
        return next(iter(self.named("label")), None)

    @property
    def target(self) -> str | None:
        return next(iter(self.named("target")), None)

    @property
    def features(self) -> list[str]:
        return self.named("text", "file", "feature")

    @cached_property
    def schema(self) -> pa.Schema:
        with _opened(next(iter(self.streams.values()))) as reader:
            return reader.schema

    @cached_property
    def rows(self) -> int:
        """How many there are; only the headers of the batches are read."""
        count = 0
        for path in self.streams.values():
            with _opened(path) as reader:
                count += sum(batch.num_rows for batch in reader)
        return count

    def __iter__(self) -> Iterator[Piece]:
        """The rows in their order. The files are mapped: a piece costs memory while it is held."""
        start = 0
        for part, path in self.streams.items():
            for piece in self._stream(part, path):
                yield replace(piece, start=start)
                start += piece.rows.num_rows

    def _stream(self, part: str | None, path: Path) -> Iterator[Piece]:
        starts: dict[int | None, int] = dict.fromkeys([None, *range(len(self.sources))], 0)
        with _opened(path) as reader:
            for batch in reader:
                for start in range(0, batch.num_rows, ROWS):
                    rows = batch.slice(start, ROWS)
                    numbers = self._numbered(rows, starts)
                    rows = self._labelled(rows)
                    yield from [Piece(rows, part, numbers)] if self.divided is None else self._parts(rows, numbers)

    def _numbered(self, rows: pa.RecordBatch, starts: dict[int | None, int]) -> NDArray[np.int64]:
        """The numbers of the rows, counted on from `starts` by source."""
        numbers = np.empty(rows.num_rows, np.int64)
        sources = rows.column(_SOURCE).to_numpy(zero_copy_only=False) if self.sources else np.zeros(rows.num_rows)
        for source in np.unique(sources).tolist():
            places = np.flatnonzero(sources == source)
            known = int(source) if self.sources else None
            numbers[places] = starts[known] + 1 + np.arange(len(places))
            starts[known] += len(places)
        return numbers

    def _labelled(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Labels as texts, where they are kept as the places of their names."""
        if self.label is None or not self.labels:
            return rows
        place = rows.schema.get_field_index(self.label)
        names = pc.take(pa.array(self.labels, pa.string()), rows.column(place))
        return rows.set_column(place, pa.field(self.label, pa.string()), names)

    def _parts(self, rows: pa.RecordBatch, numbers: NDArray[np.int64]) -> Iterator[Piece]:
        """The rows of each split that the column `divided` names; those that name none are of no split."""
        words = [str(word).strip().lower() if word else "" for word in rows.column(self.divided).to_pylist()]
        parts = np.array([SYNONYMS.get(word, word) for word in words])
        for part in [each for each in (*PARTS, None) if len(words)]:
            places = np.flatnonzero(parts == part if part else ~np.isin(parts, PARTS))
            if places.size:
                yield Piece(rows.take(pa.array(places)), part, numbers[places])

    def at(self, rows: Sequence[int]) -> list[Place]:
        """Where rows stand that are counted from 0 through all pieces; ascending."""
        found: list[Place] = []
        for piece in self:
            if len(found) == len(rows):
                break
            stop = piece.start + piece.rows.num_rows
            found += [self.place(piece, row - piece.start) for row in rows[len(found) :] if row < stop]
        return found

    def place(self, piece: Piece, row: int) -> Place:
        """Where a row of a piece stands, and the beginning of what stands there."""
        shown = {name: piece.rows.column(name)[row].as_py() for name in self.named("text", "feature")}
        return self.bare_place(piece, row).model_copy(update={"shown": self.shown(shown)})

    def bare_place(self, piece: Piece, row: int) -> Place:
        """Where a row of a piece stands."""
        source = self.sources[piece.rows.column(_SOURCE)[row].as_py()] if self.sources else None
        return Place(split=piece.part, source=source, row=int(piece.numbers[row]))

    def shown(self, row: Mapping[str, Any]) -> str | None:
        """The beginning of a row, for a person."""
        told = ", ".join(str(value)[:_READ] for value in row.values() if value is not None)
        text = " ".join(self.hide(told[:_READ]).split())
        return (text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…") or None


def of_splits(task: Task, folder: Path, hide: Callable[[str], str] = str) -> View:
    """What `preprocess` left in a folder: a stream a split."""
    streams: dict[str | None, Path] = {part: folder / f"{part}.arrow" for part in PARTS}
    with _opened(streams["train"]) as reader:
        schema = reader.schema
    features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    roles, judged = _roles(task, schema)
    label = next((name for name, role in roles.items() if role == "label"), None)
    names = features.get(label, {}).get("names", ()) if label else ()
    return View(streams, roles, tuple(names), judged, hide=hide)


def of_collected(
    task: Task, path: Path, sources: Sequence[str], column: str | None = None, hide: Callable[[str], str] = str
) -> View:
    """What `collect` left; `column` says which split a row belongs to, where the sources do not."""
    with _opened(path) as reader:
        schema = reader.schema
        named = _SPLIT in schema.names and any(batch.column(_SPLIT).null_count < batch.num_rows for batch in reader)
    roles, judged = _roles(task, schema, column)
    known = tuple(sources) if _SOURCE in schema.names and len(sources) > 1 else ()
    return View({None: path}, roles, (), judged, known, _SPLIT if named else column, hide)


def _roles(task: Task, schema: pa.Schema, aside: str | None = None) -> tuple[dict[str, Role], bool]:
    """What each column is to the task, and whether its target is learned."""
    known = {column.name: column for column in task.COLUMNS}
    roles: dict[str, Role] = {}
    for name in schema.names:
        if name.startswith("_") or (name == aside and name not in known):
            continue
        if name in known:
            kind = known[name].kind
            roles[name] = "target" if kind == "number" else kind
        elif task.OPEN:
            roles[name] = "feature"
    judged = any(column.kind in ("label", "number") and not column.optional for column in task.COLUMNS)
    return roles, judged


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An Arrow stream, mapped. DataError where it is gone or damaged."""
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as reader:
            yield reader
    except FileNotFoundError:
        raise DataError("the rows are gone", where=str(path), hint="run the same command again") from None
    except pa.ArrowInvalid as error:
        raise DataError("the rows cannot be read", where=str(path), hint="run with a fresh --workspace") from error
