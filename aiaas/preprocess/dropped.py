"""Rows that a step left out, kept aside with what stood in them, and why they went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from aiaas import steps
from aiaas.preprocess import tables
from aiaas.preprocess.rows import Rows
from aiaas.workspace.aside import schema, text_of

SCHEMA = schema()
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

    def add(
        self, link: str, step: str, rows: Rows, reasons: Mapping[int, str], protect: steps.Protection | None = None
    ) -> None:
        """Keep those at some places of `rows`, which came to the step like this. `link` names it among all steps;
        `protect` makes what stood in them fit to be kept."""
        if not reasons:
            return
        places = list(reasons)
        batch = {name: [values[place] for place in places] for name, values in rows.batch.items()}
        batch = steps.protected(batch, protect) if protect else batch
        aside = rows.aside[np.array(places, np.intp)]
        kept: dict[str, list[Any]] = {
            "source": [self._source(number) for number in aside["source"].tolist()],
            "place": [None] * len(places),
            "row": aside["row"].tolist(),
            "step": [step] * len(places),
            "reason": list(reasons.values()),
            "values": [text_of(dict(zip(batch, row, strict=True))) for row in zip(*batch.values(), strict=True)],
        }
        for name, values in kept.items():
            self._columns[name] += values
        counts = self.counts.setdefault(link, {})
        for reason, number in Counter(kept["reason"]).items():
            count(counts, reason, number)

    def _source(self, number: int) -> str | None:
        """The address of a source, None where the data does not say which."""
        if number < 0:
            return None
        return self._addresses[number] if number < len(self._addresses) else str(number)

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
