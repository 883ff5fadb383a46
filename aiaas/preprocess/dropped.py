"""Rows that a step left out, kept aside with what stood in them, and why they went."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from aiaas.preprocess import tables
from aiaas.preprocess.rows import Rows

SCHEMA = pa.schema(
    [
        ("source", pa.string()),  # the address of the source
        ("row", pa.int64()),  # its number in the collected data, from 1
        ("step", pa.string()),
        ("reason", pa.string()),
        ("values", pa.string()),  # JSON: the row as it came to the step, a file by its size and digest
    ]
)
FILE = "dropped.arrow"
EMPTY = "no text is left"
MOST = 100
"""Different reasons that are counted of a step. Steps have a few; the rows are all kept in any case."""
OTHER = "other reasons"


class Dropped:
    """The rows that went on the way of one segment."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
        self.counts: dict[str, dict[str, int]] = {}
        """By step and reason."""

    def __len__(self) -> int:
        return len(self._columns["row"])

    def add(self, link: str, step: str, rows: Rows, reasons: Mapping[int, str]) -> None:
        """Keep those at some places of `rows`, which came to the step like this. `link` names it among all steps."""
        if not reasons:
            return
        columns, batch = self._columns, rows.batch
        counts = self.counts.setdefault(link, {})
        for place, reason in reasons.items():
            source = int(rows.aside["source"][place])
            known = 0 <= source < len(self._addresses)
            columns["source"].append(self._addresses[source] if known else None if source < 0 else str(source))
            columns["row"].append(int(rows.aside["row"][place]))
            columns["step"].append(step)
            columns["reason"].append(reason)
            columns["values"].append(_told({name: values[place] for name, values in batch.items()}))
            count(counts, reason, 1)

    def batch(self) -> pa.RecordBatch:
        return tables.to_arrow(self._columns, SCHEMA)


def count(counts: dict[str, int], reason: str, rows: int) -> None:
    """Count rows by their reason, as long as there are not too many."""
    name = reason if reason in counts or len(counts) < MOST else OTHER
    counts[name] = counts.get(name, 0) + rows


def join(pieces: Iterable[Path], out: Path) -> int:
    """One file of those of all segments, in their order; returns how many rows."""
    rows = 0
    with tables.writer(out, SCHEMA) as stream:
        for piece in pieces:
            for batch in tables.read(piece):
                rows += batch.num_rows
                stream.write_batch(batch)
    return rows


def _told(row: Mapping[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:  # JSON has no such number
        odd = (name for name, value in row.items() if isinstance(value, float) and not math.isfinite(value))
        return json.dumps({**row, **{name: str(row[name]) for name in odd}}, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": len(value), "sha256": sha256(value).hexdigest()}
    return str(value)
