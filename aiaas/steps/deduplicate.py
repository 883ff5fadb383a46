"""Keeps the first of equal rows, and drops those whose labels contradict each other.

Equal means equal after the steps before it. A row costs some tens of bytes of memory, whatever its texts weigh.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from aiaas import contracts
from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.steps._content import digests, told

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KEEP, _DUPLICATE, _CONTRADICTION = 0, 1, 2
_SHOWN = 80
_TOLD = 20


class Params(contracts.Params):
    """What counts as equal, and what is reported."""

    columns: list[str] | None = Field(
        None, description="Rows are equal when these columns are; by default all features."
    )
    examples: int = Field(5, ge=0, le=100, description="How many contradicting rows the report shows.")


class Step:
    """Contradictions are between classes. A number as the target is part of the row: measuring twice is no mistake."""

    ON_REQUEST: ClassVar[bool] = False
    SCANS: ClassVar[bool] = True

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        unknown = sorted(set(params.columns or ()) - set(columns))
        if unknown:
            raise DataError(
                f"there is no feature column {unknown[0]!r}; allowed: {', '.join(columns)}", where="preprocess.steps"
            )
        self.columns = tuple(columns if params.columns is None else params.columns)
        self.params = params
        self._label = label
        self._names: dict[str, int] = {}
        self._verdicts = b""
        self._position = 0
        self._conflicts: dict[bytes, list[str]] = {}
        self._examples: list[dict[str, Any]] = []
        self._counts = {"duplicates": 0, "contradicting_texts": 0, "contradicting_rows": 0}

    def scan(self, batches: Iterable[Batch]) -> None:
        import numpy as np

        content = bytearray()
        codes = array("i")
        for batch in batches:
            content += digests(batch, self._key(batch))
            codes.extend(self._codes(batch))
        keys = np.frombuffer(content, dtype=np.uint64).reshape(-1, 2)
        self._judge(keys, np.frombuffer(codes, dtype=np.int32))

    def _classes(self, batch: Batch) -> bool:
        """Whether the label is a class, which can be contradicted."""
        return self._label is not None and any(isinstance(value, str) for value in batch[self._label])

    def _key(self, batch: Batch) -> tuple[str, ...]:
        number = self._label is not None and not self._classes(batch)
        return (*self.columns, self._label) if number and self._label else self.columns

    def _codes(self, batch: Batch) -> list[int]:
        if self._label is None or not self._classes(batch):
            return [0] * len(batch[self.columns[0]])
        names = self._names
        return [names.setdefault(str(value), len(names)) for value in batch[self._label]]

    def _judge(self, keys: NDArray[np.uint64], codes: NDArray[np.int32]) -> None:
        """One verdict a row: sorted by content, equal rows stand together, the first of them first."""
        import numpy as np

        order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable: the order of the data within equal rows
        ordered = keys[order]
        begins = np.ones(len(order), dtype=bool)
        begins[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
        group = np.cumsum(begins) - 1
        starts = np.flatnonzero(begins)
        verdicts = np.full(len(order), _DUPLICATE, dtype=np.uint8)
        verdicts[order[starts]] = _KEEP
        if len(self._names) > 1:
            differs = codes[order] != codes[order][starts][group]
            conflicting = np.zeros(len(starts), dtype=bool)
            conflicting[group[differs]] = True
            rows = conflicting[group]
            verdicts[order[rows]] = _CONTRADICTION
            self._remember(ordered[starts], group, order, codes, conflicting)
            self._counts["contradicting_rows"] = int(rows.sum())
            self._counts["contradicting_texts"] = int(conflicting.sum())
        self._counts["duplicates"] = int((verdicts == _DUPLICATE).sum())
        self._verdicts = verdicts.tobytes()

    def _remember(
        self,
        contents: NDArray[np.uint64],
        group: NDArray[np.intp],
        order: NDArray[np.intp],
        codes: NDArray[np.int32],
        conflicting: NDArray[np.bool_],
    ) -> None:
        """The labels of the contradictions that come first in the data, to be shown."""
        import numpy as np

        names = sorted(self._names, key=self._names.__getitem__)
        groups = np.flatnonzero(conflicting)
        starts = np.searchsorted(group, groups)
        for chosen in groups[np.argsort(order[starts], kind="stable")][: self.params.examples]:
            first, last = np.searchsorted(group, [chosen, chosen + 1])
            labels = {names[code] for code in codes[order[first:last]]}
            self._conflicts[contents[chosen].tobytes()] = sorted(labels)

    def apply(self, batch: Batch) -> Batch:
        rows = len(batch[self.columns[0]])
        verdicts = self._verdicts[self._position : self._position + rows]
        if len(verdicts) != rows:
            raise ValueError("deduplicate was given rows that it has not scanned")
        self._position += rows
        if self._conflicts and _CONTRADICTION in verdicts:
            self._show(batch, verdicts)
        if not any(verdicts):
            return batch
        kept = [place for place, verdict in enumerate(verdicts) if verdict == _KEEP]
        return {name: [values[place] for place in kept] for name, values in batch.items()}

    def _show(self, batch: Batch, verdicts: bytes) -> None:
        for place, verdict in enumerate(verdicts):
            if verdict != _CONTRADICTION or not self._conflicts:
                continue
            row = {name: batch[name][place : place + 1] for name in self.columns}
            labels = self._conflicts.pop(digests(row, self.columns), None)
            if labels:
                shown = {name: _short(values[0]) for name, values in row.items()}
                self._examples.append({"row": shown, "labels": labels})

    def report(self) -> Mapping[str, Any]:
        report: dict[str, Any] = {**self._counts, "examples": self._examples}
        if self._counts["contradicting_rows"]:
            report["warning"] = self._warning()
        return report

    def _warning(self) -> str:
        """What a person must know: rows were dropped that only they can judge."""
        texts, rows = self._counts["contradicting_texts"], self._counts["contradicting_rows"]
        such = ""
        if self._examples:
            row, labels = self._examples[0]["row"], self._examples[0]["labels"]
            shown = ", ".join(map(str, row.values()))
            shown = shown if len(shown) <= _TOLD else f"{shown[:_TOLD]}…"
            such = f", such as {shown!r} ({', '.join(labels)})"
        what = "1 example has" if texts == 1 else f"{texts:,} examples have"
        return f"{what} labels that contradict each other; their {rows:,} rows were dropped{such}"


def _short(value: Any) -> Any:
    text = told(value) if isinstance(value, str | bytes) else repr(value)
    shortened = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return value if value is None or isinstance(value, int | float) else shortened
