"""Writes rows as one Arrow IPC stream, batch by batch, although the types are known only at the end.

Record batches hold a fixed number of rows, however the sources hand them over: equal rows give equal bytes. While a
column's type stays what it was, batches go into one file. When it widens (no value yet → some type, whole → real
numbers) or a column appears, a further file begins, and at the end all are written once more with the final types.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aiaas.collect.columns import OURS, Where
from aiaas.collect.types import ARROW, KINDS, Kind, changed, check_range, plain, wider
from aiaas.contracts import Batch
from aiaas.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 10_000
CHARACTERS = 32 * 2**20
"""A record batch ends at this many rows, or at the row that makes its texts this long, its files this many bytes."""


class Writer:
    """Use as a context manager: what `finish` did not complete is removed. `files` are the columns that hold files."""

    def __init__(self, path: Path, files: Collection[str] = ()) -> None:
        self.path = path
        self.files = frozenset(files)
        self.rows = 0
        self.kinds: dict[str, Kind] = {"_source": "int", "_split": "text"}
        self._buffer: Batch = {}
        self._buffered = 0
        self._characters = 0
        self._parts: list[Path] = []
        self._stack = ExitStack()
        self._open: tuple[Any, pa.Schema] | None = None
        self._columns: tuple[str, frozenset[str]] | None = None
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()
        for part in self._parts:
            part.unlink(missing_ok=True)

    def add(self, batch: Batch, where: Where) -> None:
        """Take some rows; `where` tells where they stand, for DataError when a column changes its type."""
        size = len(batch["_source"])
        columns = {name: values if name in OURS else self._typed(name, values, where) for name, values in batch.items()}
        for name in columns.keys() - self._buffer.keys():
            self._buffer[name] = [None] * self._buffered
        for name, values in self._buffer.items():
            values.extend(columns.get(name) or [None] * size)
        self._seen |= columns.keys()
        self._buffered += size
        self.rows += size
        self._characters += _characters(columns, self.kinds)
        while self._buffered >= ROWS or self._characters >= CHARACTERS:
            self._flush()

    def end_source(self, source: str) -> None:
        """All sources must have the same columns; raises DataError naming those that this one lacks or adds."""
        if self._columns is None:
            self._columns = (source, frozenset(self._seen))
        first, names = self._columns
        if names != self._seen:
            lacking, adding = sorted(names - self._seen), sorted(self._seen - names)
            told = [f"lacks {', '.join(map(repr, lacking))}"] if lacking else []
            told += [f"adds {', '.join(map(repr, adding))}"] if adding else []
            hint = "rename with columns: what is called differently"
            raise DataError(f"it {' and '.join(told)} compared with {first}", where=source, hint=hint)
        self._seen = set()

    def finish(self) -> dict[str, str]:
        """Complete the file and return the Arrow type of each column."""
        while self._buffered:
            self._flush()
        self._stack.close()
        final = self._schema(empty="text")
        if self._open and len(self._parts) == 1 and self._open[1].equals(final):
            self._parts.pop().replace(self.path)
        else:
            self._rewrite(final)
        return {name: str(final.field(name).type) for name in final.names}

    def _typed(self, name: str, values: list[Any], where: Where) -> list[Any]:
        """The values in the column's type, which is widened where they ask for it."""
        if name in self.files:
            self.kinds[name] = "file"
            return values
        types = set(map(type, values))
        if not types <= KINDS.keys():
            values = [plain(value, name, where, row) for row, value in enumerate(values)]
            types = set(map(type, values))
        known = self.kinds.get(name, "none")
        kind = known
        for found in sorted(KINDS[each] for each in types):
            both = wider(kind, found)
            if both is None:
                raise changed(name, kind, values, where, self.rows)
            kind = both
        if int in types or float in types:
            check_range(name, values, where)
        self.kinds[name] = kind
        return values

    def _schema(self, empty: Kind = "none") -> pa.Schema:
        import pyarrow as pa

        kinds = {name: self.kinds[name] for name in [*(each for each in self.kinds if each not in OURS), *OURS]}
        return pa.schema(
            [(name, pa.type_for_alias(ARROW[empty if kind == "none" else kind])) for name, kind in kinds.items()]
        )

    def _flush(self) -> None:
        """Write one record batch off the buffer."""
        import pyarrow as pa

        size = min(ROWS, self._buffered)
        if self._characters >= CHARACTERS:
            size = min(size, _cut(self._buffer, self.kinds))
        head = {name: values[:size] for name, values in self._buffer.items()}
        self._buffer = {name: values[size:] for name, values in self._buffer.items()}
        first = self.rows - self._buffered
        self._buffered -= size
        self._characters = self._characters - _characters(head, self.kinds) if self._buffered else 0
        schema = self._schema()
        arrays = [_array(head[field.name], field, first) for field in schema]
        self._writer(schema).write_batch(pa.record_batch(arrays, schema=schema))

    def _writer(self, schema: pa.Schema) -> Any:
        """The open file, or a further one where the types have changed."""
        import pyarrow as pa

        if self._open is None or not self._open[1].equals(schema):
            self._stack.close()
            part = self.path.with_name(f"{self.path.name}.{len(self._parts)}.part")
            self._parts.append(part)
            sink = self._stack.enter_context(pa.OSFile(str(part), "wb"))
            self._open = self._stack.enter_context(pa.ipc.new_stream(sink, schema)), schema
        return self._open[0]

    def _rewrite(self, final: pa.Schema) -> None:
        import pyarrow as pa

        part = self.path.with_name(f"{self.path.name}.part")
        try:
            with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_stream(sink, final) as writer:
                for each in self._parts:
                    with pa.OSFile(str(each)) as source, pa.ipc.open_stream(source) as reader:
                        for batch in reader:
                            writer.write_batch(_widened(batch, final))
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)


def _widened(batch: pa.RecordBatch, final: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    names = set(batch.schema.names)
    arrays = [
        batch.column(field.name).cast(field.type, safe=False)
        if field.name in names
        else pa.nulls(batch.num_rows, field.type)
        for field in final
    ]
    return pa.record_batch(arrays, schema=final)


def _array(values: list[Any], field: pa.Field, first: int) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_float64(field.type):  # Arrow refuses whole numbers beyond 53 bits among real ones
        values = [float(value) if isinstance(value, int) else value for value in values]
    try:
        return pa.array(values, field.type, from_pandas=True)
    except UnicodeEncodeError as error:
        row = next(row for row, value in enumerate(values) if value == error.object)
        message = f"column {field.name!r} holds half a surrogate pair, which is no character"
        raise DataError(message, where=f"row {first + row + 1} of all") from None


def _texts(batch: Batch, kinds: dict[str, Kind]) -> list[list[Any]]:
    """The columns whose values may be long: texts and files."""
    return [values for name, values in batch.items() if kinds[name] in ("text", "file") and name not in OURS]


def _characters(batch: Batch, kinds: dict[str, Kind]) -> int:
    return sum(sum(map(len, filter(None, values))) for values in _texts(batch, kinds))


def _cut(batch: Batch, kinds: dict[str, Kind]) -> int:
    """How many rows it takes for the texts to reach `CHARACTERS`."""
    texts = [values[:ROWS] for values in _texts(batch, kinds)]
    lengths = (sum(len(value or "") for value in row) for row in zip(*texts, strict=True))
    return bisect_left(list(accumulate(lengths)), CHARACTERS) + 1
