"""Keeps the first of equal rows, and drops those whose labels contradict each other.

Equal means equal after the steps before it. The step itself holds a byte a row, whatever its texts weigh; what it
sorts goes to disk where there are many.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from aiaas import contracts
from aiaas.contracts import Batch, Sifted, sift
from aiaas.steps import _buckets
from aiaas.steps._columns import chosen
from aiaas.steps._content import KEPT, SIZE, digests, fingerprints, shortened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.contracts.steps import Survey

_KEEP, _DUPLICATE, _CONTRADICTION, _SHOWN_CONTRADICTION = range(4)
_REASONS = (None, "equal to a row before it", *["its label contradicts that of an equal row"] * 2)
_TOLD = 20
_LABELS_SHOWN = 10


class Params(contracts.Params):
    """What counts as equal, and what is reported."""

    columns: list[str] | None = Field(
        None, description="Rows are equal when these columns are; by default all features."
    )
    examples: int = Field(5, ge=0, le=100, description="How many contradicting rows the report shows.")


class Step:
    """Contradictions are between classes. A number as the target is part of the row: measuring twice is no mistake."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "all"
    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params = params
        self._label = label
        self._verdicts: NDArray[np.uint8] | None = None
        self._examples: list[dict[str, Any]] = []
        self._counts = {"duplicates": 0, "contradicting_texts": 0, "contradicting_rows": 0}

    # --- what is equal

    def survey(self, batch: Batch) -> Survey:
        """`contents` (n, 2): 128 bits that are equal where rows are; `labels` (n,): 64 bits of the class, or 0."""
        import numpy as np

        classes = self._classes(batch)
        key = self.columns if classes or self._label is None else (*self.columns, self._label)
        contents = np.frombuffer(fingerprints(batch, key), dtype="<u8").reshape(-1, 2)
        if not classes or self._label is None:
            return {"contents": contents, "labels": np.zeros(len(contents), np.uint64)}
        known = {value: digests({"": [value]}, [""]) for value in set(batch[self._label])}
        labels = np.frombuffer(b"".join([known[value] for value in batch[self._label]]), dtype="<u8")
        return {"contents": contents, "labels": labels.reshape(-1, SIZE // 8)[:, 0]}

    def _classes(self, batch: Batch) -> bool:
        """Whether the label is a class, which can be contradicted."""
        return self._label is not None and any(isinstance(value, str) for value in batch[self._label])

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        import numpy as np

        count = sum(len(survey["labels"]) for survey in surveys)
        self._verdicts = np.full(count, _KEEP, np.uint8)
        rows = _buckets.records((survey["contents"], survey["labels"]) for survey in surveys)
        first: list[tuple[int, list[int]]] = []  # of contradictions that come first in the data
        groups = _buckets.Groups(rows, count, scratch)
        for group in groups:
            first = heapq.nsmallest(self.params.examples, [*first, *self._judge_sorted(group)])
        for pairs in groups.repeated():
            contradicted = self._verdicts[pairs["first"]] == _CONTRADICTION
            self._verdicts[pairs["row"]] = np.where(contradicted, _CONTRADICTION, _DUPLICATE)
        for _, shown in first:
            self._verdicts[shown] = _SHOWN_CONTRADICTION
        self._counts["duplicates"] = int((self._verdicts == _DUPLICATE).sum())
        self._counts["contradicting_rows"] = int((self._verdicts >= _CONTRADICTION).sum())

    def _judge_sorted(self, rows: NDArray[np.void]) -> list[tuple[int, list[int]]]:
        """Judge rows among which equal ones stand together, the first of them first. Returns of the contradictions that
        come first a row of each label."""
        import numpy as np

        assert self._verdicts is not None
        begins = _buckets.begins(rows)
        group = np.cumsum(begins) - 1
        starts = np.flatnonzero(begins)
        self._verdicts[rows["row"][~begins]] = _DUPLICATE
        conflicting = np.zeros(len(starts), dtype=bool)
        conflicting[group[rows["label"] != rows["label"][starts][group]]] = True
        self._verdicts[rows["row"][conflicting[group]]] = _CONTRADICTION
        self._counts["contradicting_texts"] += int(conflicting.sum())
        groups = np.flatnonzero(conflicting)
        groups = groups[np.argsort(rows["row"][starts[groups]])][: self.params.examples]
        ends = np.append(starts, len(rows))
        return [_first_of_each_label(rows[starts[each] : ends[each + 1]]) for each in groups]

    def verdicts(self, start: int, stop: int) -> NDArray[np.uint8]:
        assert self._verdicts is not None
        return self._verdicts[start:stop]

    # --- what becomes of the rows

    def apply(self, batch: Batch) -> Batch | Sifted:
        raise TypeError("deduplicate judges rows by what was concluded of all")

    def judge(self, batch: Batch, verdicts: NDArray[np.uint8]) -> Batch | Sifted:
        if not verdicts.any():
            return batch
        for place in (verdicts == _SHOWN_CONTRADICTION).nonzero()[0].tolist():
            row = {name: batch[name][place : place + 1] for name in self.columns}
            self._examples.append(
                {
                    "row": {name: shortened(values[0], KEPT) for name, values in row.items()},
                    "label": batch[self._label or ""][place],
                    "content": digests(row, self.columns).hex(),
                }
            )
        return sift(batch, [_REASONS[verdict] for verdict in verdicts.tolist()])

    def report(self) -> Mapping[str, Any]:
        return {**self._counts, "examples": self._examples}

    def summarise(self, report: Mapping[str, Any]) -> Mapping[str, Any]:
        """The examples one a contradiction, with all its labels, and a warning where there are any."""
        together: dict[str, dict[str, Any]] = {}
        for each in report["examples"]:
            row = {name: shortened(value) for name, value in each["row"].items()}
            kept = together.setdefault(each["content"], {"row": row, "labels": []})
            kept["labels"].append(each["label"])
        examples = [{**each, "labels": sorted(each["labels"])} for each in together.values()]
        told = {**report, "examples": examples}
        return {**told, "warning": _warning(told)} if told["contradicting_rows"] else told


def _first_of_each_label(rows: NDArray[np.void]) -> tuple[int, list[int]]:
    """The first of some equal rows, and one of each label."""
    import numpy as np

    _, first = np.unique(rows["label"], return_index=True)
    return int(rows["row"][0]), sorted(rows["row"][first].tolist())[:_LABELS_SHOWN]


def _warning(report: Mapping[str, Any]) -> str:
    """What a person must know: rows were dropped that only they can judge."""
    texts, rows = report["contradicting_texts"], report["contradicting_rows"]
    such = ""
    if report["examples"]:
        row, labels = report["examples"][0]["row"], report["examples"][0]["labels"]
        shown = ", ".join(map(str, row.values()))
        shown = shown if len(shown) <= _TOLD else f"{shown[:_TOLD]}…"
        such = f", such as {shown!r} ({', '.join(labels)})"
    what = "1 example has" if texts == 1 else f"{texts:,} examples have"
    return f"{what} labels that contradict each other; their {rows:,} rows were dropped{such}"
