"""Rows of what entries of `collect` read: a sample from all of them, and their number."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aiaas import plugins
from aiaas.contracts import Batch, SourceContext
from aiaas.errors import AiaasError, DataError
from aiaas.propose.form import HINT

KEPT = 20_000
"""Rows of the sample: at least so many where there are, at most twice as many."""
MOST = 1_000_000
"""Rows that are read."""
_FILE = 64
"""Bytes of a file in a row that are kept, to know it as one."""
_TITLES = 5
"""Rows that may stand above the header of a workbook."""
_SHEETS = 4
"""Sheets of a workbook that are looked at where the first holds no table."""
FEWEST = 10
"""Rows without which nothing is proposed."""
_MALFORMED = 0.2
"""The share of rows that may be left out as malformed; where there are more, it is no such table."""


@dataclass(slots=True)
class Rows:
    """Every so many-th row as columns, all of one length, and how many there are; `more` says that there are others
    behind those read. `said` is what a source must be told besides, for it to read them, `dropped` how many are
    malformed."""

    columns: Batch = field(default_factory=dict)
    count: int = 0
    more: bool = False
    said: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dropped: int = 0

    def drop(self, *_: object) -> None:
        """Count a malformed row."""
        self.dropped += 1


def read(entries: Sequence[Mapping[str, Any]]) -> Rows:
    """The rows of all entries. Where one cannot be read as it stands, what may help is tried: a title above the header
    of a workbook, another sheet of it, malformed rows left out. Raises DataError where nothing helps."""
    first: AiaasError | None = None
    few: Rows | None = None
    for said in _ways(entries):
        try:
            found = _read([{**entry, **said} for entry in entries])
        except DataError as error:
            first = first or error
            continue
        if len(found.columns) > 1 or not said:
            found.said = said
            if found.dropped > _MALFORMED * found.count:
                continue
            if found.count >= FEWEST:
                return found
            few = few or found
    if few is not None:
        return few
    assert first is not None
    first.hint = first.hint or HINT
    raise first


def _ways(entries: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    yield {}
    if str(entries[0]["source"]).lower().endswith((".xlsx", ".xlsm")):
        yield from ({"skip_rows": count} for count in range(1, _TITLES + 1))
        for sheet in range(2, _SHEETS + 1):
            yield {"sheet": sheet}
            yield from ({"sheet": sheet, "skip_rows": count} for count in range(1, _TITLES + 1))
    yield {"on_error": "skip"}


def _read(entries: Sequence[Mapping[str, Any]]) -> Rows:
    rows = Rows()
    sample = _Sample()
    with tempfile.TemporaryDirectory(prefix="aiaas-") as scratch:
        context = SourceContext(Path(), Path(scratch), offline=True, warn=rows.notes.append, drop=rows.drop)
        for entry in entries:
            source = plugins.source("files")
            params = _params(source, entry)
            given = {"label": params.label} if params.label else {}
            batches = source.read(params, context)
            for batch in batches:
                size = len(next(iter(batch.values()), ()))
                sample.add({**batch, **{name: [value] * size for name, value in given.items()}}, size)
                if sample.seen >= MOST:
                    rows.more = True
                    break
            if hasattr(batches, "close"):
                batches.close()
    rows.columns, rows.count = sample.columns, sample.seen
    return rows


def _params(source: Any, entry: Mapping[str, Any]) -> Any:
    values = {**entry, "source": str(entry["source"])}
    try:
        return source.Params.model_validate(values)
    except ValidationError as error:
        told = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise DataError(told, where=values["source"]) from None


class _Sample:
    """Keeps every row, then, whenever it holds too many, every second of those it would have kept."""

    def __init__(self) -> None:
        self.columns: Batch = {}
        self.seen = 0
        self._size = 0
        self._every = 1

    def add(self, batch: Mapping[str, Sequence[Any]], size: int) -> None:
        first = -self.seen % self._every
        kept = len(range(first, size, self._every))
        for name in [*self.columns, *(name for name in batch if name not in self.columns)]:
            held = self.columns.setdefault(name, [None] * self._size)
            values = batch.get(name)
            held.extend([None] * kept if values is None else map(_short, islice(values, first, None, self._every)))
        self.seen += size
        self._size += kept
        if self._size > 2 * KEPT:
            self.columns = {name: values[::2] for name, values in self.columns.items()}
            self._size = (self._size + 1) // 2
            self._every *= 2


def _short(value: Any) -> Any:
    """Of a file its beginning."""
    if isinstance(value, bytes):
        return value[:_FILE]
    if isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes):
        return {**value, "bytes": value["bytes"][:_FILE]}
    return value
