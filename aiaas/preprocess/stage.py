"""The stage: steps, split, files, report."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aiaas import steps
from aiaas.contracts import Batch, Task
from aiaas.preprocess import Progress, checks, split, tables
from aiaas.preprocess.flow import Flow, Link
from aiaas.preprocess.layout import Layout, layout, with_features
from aiaas.steps._content import digests, told
from aiaas.workspace import atomic

_SHOWN = 60


class Index:
    """What is kept of each row in memory: digest of its features, class, and the part that the data names."""

    def __init__(self, columns: Layout) -> None:
        self.features, self.learned = columns.features, columns.learned
        self._columns = columns
        self._contents = bytearray()
        self._codes = array("i")
        self._named = array("b")
        self._names: dict[str, int] = {}
        self._parts: dict[tuple[str, Any], int] = {}

    def add(self, batch: Batch) -> None:
        self._contents += digests(batch, self._columns.features)
        if self._columns.label:
            names = self._names
            self._codes.extend([names.setdefault(label, len(names)) for label in batch[self._columns.label]])
        rows = len(batch[self._columns.features[0]])
        named = [split.UNNAMED] * rows
        for column in reversed(self._columns.splits):  # what a source says wins over the column that the recipe names
            found = [self._part(column, value) for value in batch[column]]
            named = [part if part != split.UNNAMED else was for part, was in zip(found, named, strict=True)]
        self._named.extend(named)

    def _part(self, column: str, value: Any) -> int:
        key = (column, value)
        if key not in self._parts:
            self._parts[key] = split.part_of(value, column)
        return self._parts[key]

    @property
    def contents(self) -> NDArray[np.uint64]:
        return np.frombuffer(self._contents, dtype="<u8").reshape(-1, 2)

    @property
    def named(self) -> split.Parts:
        return np.frombuffer(self._named, dtype=np.int8)

    def classes(self) -> tuple[list[str], NDArray[np.int32] | None]:
        """The labels, sorted, and the index of each row's; none where the task has no labels."""
        if not self._columns.label:
            return [], None
        names = sorted(self._names)
        index = np.empty(len(names), dtype=np.int32)
        for code, name in enumerate(names):
            index[self._names[name]] = code
        return names, index[np.frombuffer(self._codes, dtype=np.int32)]


def run(section: Any, seed: int, task: Task, collected: Path, out: Path, progress: Progress) -> dict[str, Any]:
    """See `aiaas.preprocess.preprocess`."""
    schema = tables.schema(collected)
    columns = layout(task, schema, section.split.column)
    links = [
        Link(each.name, each.params, steps.build(each.name, each.params, columns.features, columns.target))
        for each in section.steps
    ]
    flow = Flow(links, columns, out, _ticker(progress, tables.count(collected)))
    try:
        index = Index(columns)
        rows = flow.run(collected, index.add)
        names, codes = index.classes()
        parts = _divide(section.split, seed, flow, index, rows)
        final = with_features(columns.final, columns.label, names, schema)
        _write(rows, out, final, parts, codes, columns.label)
    finally:
        flow.remove()
    summary = _summary(flow, parts, names, codes, index, section.split)
    kept = [steps.record(link.name, link.params, link.step) for link in links if link.step.ON_REQUEST]
    atomic.write_json(out / "report.json", {**summary, "request_steps": kept})
    return summary


def _ticker(progress: Progress, total: int) -> Any:
    done: dict[str, int] = {}

    def tick(doing: str, rows: int) -> None:
        done[doing] = done.get(doing, 0) + rows
        progress(doing, done[doing], max(total, done[doing]))

    return tick


def _divide(section: Any, seed: int, flow: Flow, index: Index, rows: Path) -> split.Parts:
    """The part of each row, after every check that the split must pass."""
    contents, (names, codes) = index.contents, index.classes()
    checks.refuse_nothing(flow, len(contents))
    if index.learned:
        checks.refuse_one_class(names, len(contents))
    shares = {part: float(getattr(section, name)) for part, name in enumerate(split.PARTS)}
    strata = codes if section.stratify else None
    parts = split.divide(index.named, split.keys(contents, seed), strata, names, shares)
    checks.refuse_no_train(parts)
    checks.refuse_leaks(
        parts,
        contents,
        any(link.name == "deduplicate" for link in flow.links),
        lambda some: _show(rows, index.features, some),
    )
    if codes is not None and index.learned:
        checks.refuse_unlearned(parts, codes, names)
    return parts


def _show(path: Path, columns: Sequence[str], wanted: Sequence[int]) -> list[str]:
    """What stands in some rows of a file, shortened."""
    shown = []
    start = 0
    for batch in tables.read(path):
        for row in wanted:
            if start <= row < start + batch.num_rows:
                text = ", ".join(told(batch.column(name)[row - start].as_py()) for name in columns)
                shown.append(repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…"))
        start += batch.num_rows
    return shown


def _write(
    rows: Path, out: Path, final: pa.Schema, parts: split.Parts, codes: NDArray[np.int32] | None, label: str | None
) -> None:
    """The three files, in one more pass over the rows."""
    with ExitStack() as stack:
        streams = [stack.enter_context(tables.writer(out / f"{name}.arrow", final)) for name in split.PARTS]
        start = 0
        for batch in tables.read(rows):
            end = start + batch.num_rows
            arrays = {name: batch.column(name) for name in final.names}
            if label and codes is not None:
                arrays[label] = tables.integers(codes[start:end].astype(np.int64))
            whole = pa.record_batch([arrays[name] for name in final.names], schema=final)
            for part, stream in enumerate(streams):
                chosen = np.flatnonzero(parts[start:end] == part).astype(np.int64)
                if chosen.size:
                    stream.write_batch(whole.take(tables.integers(chosen)))
            start = end


def _summary(
    flow: Flow, parts: split.Parts, names: list[str], codes: NDArray[np.int32] | None, index: Index, section: Any
) -> dict[str, Any]:
    """What came of the rows, for a person and for the run."""
    protect = steps.protection(link.step for link in flow.links)
    told = [link.report(protect) for link in flow.links]
    summary: dict[str, Any] = {
        "rows": {"collected": flow.collected, "empty": flow.empty, "kept": len(parts)},
        "steps": told,
        "splits": {name: int((parts == part).sum()) for part, name in enumerate(split.PARTS)},
        "split": {
            "named": int((index.named != split.UNNAMED).sum()),
            "stratified": codes is not None and section.stratify,
        },
        "warnings": [each["report"]["warning"] for each in told if "warning" in each["report"]],
    }
    if codes is not None:
        counts = {
            name: np.bincount(codes[parts == part], minlength=len(names)) for part, name in enumerate(split.PARTS)
        }
        summary["labels"] = names
        summary["classes"] = {
            part: {name: int(count) for name, count in zip(names, each, strict=True)} for part, each in counts.items()
        }
    return summary
