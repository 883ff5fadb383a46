"""Collect: every source read into one Arrow file, columns named by the task, and where each row came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiaas import plugins
from aiaas.collect.columns import Mapper
from aiaas.collect.inspect import Inspector
from aiaas.collect.writer import Writer
from aiaas.contracts import Batch, Origin, SourceContext, SourceParams, Task
from aiaas.errors import AiaasError, DataError
from aiaas.recipe import mask, reveal
from aiaas.sources import FileBatch, digest_of
from aiaas.workspace import atomic
from aiaas.workspace.aside import FILE, Aside

Progress = Callable[[int, int, int | None], None]
"""Is told the rows so far, the bytes read for them, and how many there are in all up to the end of the present source,
where that is known."""

DATA = "data.arrow"
PROVENANCE = "provenance.json"


def fingerprint(sources: Sequence[SourceParams], context: SourceContext, keep: Sequence[str] = ()) -> dict[str, Any]:
    """What decides which rows `collect` gives, as JSON without secrets: parameters, and the sources' own fingerprints.

    Raises what the sources raise when one is gone.
    """
    found: dict[str, Any] = {"kept columns": list(keep)} if keep else {}
    for index, params in enumerate(sources):
        with _masked():
            revealed = reveal(params)
            data = plugins.source(revealed.source).fingerprint(revealed, context)
        said = params.model_dump(mode="json", exclude_defaults=True)
        found[f"collect[{index}]"] = {**said, "data": _mask_all(dict(data))}
    return found


def collect(
    sources: Sequence[SourceParams],
    task: Task,
    context: SourceContext,
    out: Path,
    *,
    keep: Sequence[str] = (),
    expected: Mapping[str, Any] | None = None,
    progress: Progress = lambda rows, read, size: None,
) -> dict[str, Any]:
    """Write `data.arrow` (an Arrow IPC stream) and `provenance.json` into the folder `out`; returns the summary. Rows
    that are left out are kept in `dropped.arrow` (see `workspace.aside`).

    Columns are those of the task, any further ones where it is open, those in `keep`, and `_source` (the number of the
    source) and `_split` (its split, or null). `expected` is the fingerprint the rows must still have at the end.
    `progress` is told how far it is. Equal rows give an equal `data.arrow`. Raises DataError, RemoteError and
    MissingPackageError.
    """
    reports: list[_Report] = []
    headway: _Headway | None = None
    files = [column.name for column in task.COLUMNS if column.kind == "file"]
    with _masked(), atomic.disk_errors(out), Writer(out / DATA, files) as writer, Aside(out) as aside:
        for index, params in enumerate(sources):
            report = _Report(params, context.warn, aside)
            around = replace(context, warn=report.warn, drop=report.drop)
            headway = _Headway(writer, progress, headway.read if headway else 0)
            _read(index, reveal(params), task, around, keep, report, writer, headway)
            reports.append(report)
        columns = writer.finish()
        # What was read is compared, not what a source would read anew.
        if expected is not None and fingerprint(sources, replace(context, refresh=False), keep) != expected:
            raise DataError("a source changed while it was collected", hint="run the same command again")
        entries = [report.as_dict() for report in reports]
        document = {"schema": 1, "rows": writer.rows, "columns": columns, "sources": entries}
        document |= {"dropped": {"rows": aside.rows, "file": FILE}} if aside.rows else {}
        atomic.write_json(out / PROVENANCE, document)
    brief = [{name: value for name, value in entry.items() if name != "origins"} for entry in entries]
    return {"rows": writer.rows, "columns": columns, "dropped": aside.rows, "sources": brief}


@dataclass(slots=True)
class _Report:
    """What becomes the provenance of one source."""

    params: SourceParams
    tell: Callable[[str], None]
    aside: Aside
    rows: int = 0
    read: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    origins: Sequence[Origin] = ()
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def warn(self, message: str) -> None:
        message = mask(message)
        if message not in self.warnings:
            self.warnings.append(message)
            self.tell(message)

    def drop(self, place: str, reason: str, row: Any) -> None:
        """Keep a row aside that the source itself leaves out, and count it."""
        self.keep(place, reason, row)
        kind = reason.partition(":")[0]
        self.dropped[kind] = self.dropped.get(kind, 0) + 1

    def keep(self, place: str, reason: str, row: Any) -> None:
        """Keep a row aside."""
        self.aside.add(self.params.source, mask(place), "collect", mask(reason), row)

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": self.params.source,
            "label": self.params.label,
            "split": self.params.split,
            "when": self.when,
            "read": self.read,
            "rows": self.rows,
            "dropped": self.dropped,
            **({"files": dict(self.files)} if self.files else {}),
            "bytes": sum(origin.bytes for origin in self.origins),
            "sha256": digest_of(self.origins),
            "licence": next((origin.licence for origin in self.origins if origin.licence), None),
            "revision": mask(next((each.revision for each in self.origins if each.revision), "")) or None,
            "warnings": self.warnings,
            "origins": [_mask_all(asdict(origin)) for origin in self.origins],
        }


@dataclass(slots=True)
class _Headway:
    """How far one is in a source, told as how far one is in all: `before` are the bytes of the sources before."""

    writer: Writer
    progress: Progress
    before: int
    read: int = 0
    size: int | None = None

    def __post_init__(self) -> None:
        self.read = self.before

    def reading(self, read: int, size: int | None) -> None:
        self.read, self.size = self.before + read, None if size is None else self.before + size
        self.tell()

    def tell(self) -> None:
        self.progress(self.writer.rows, self.read, self.size)


def _read(
    index: int,
    params: SourceParams,
    task: Task,
    context: SourceContext,
    keep: Sequence[str],
    report: _Report,
    writer: Writer,
    headway: _Headway,
) -> None:
    source = plugins.source(params.source)
    mapper = Mapper(params, task, keep, report.keep)
    inspector = Inspector(params, task, report.keep if params.on_error == "skip" else lambda *row: None)
    for batch in source.read(params, replace(context, progress=headway.reading)):
        size = len(next(iter(batch.values()), ()))
        columns, where = inspector.apply(*mapper.apply(batch, _places(batch, params.source, report.read)))
        kept = len(next(iter(columns.values())))
        split = params.split or (batch.split if isinstance(batch, FileBatch) else None)
        columns |= {"_source": [index] * kept, "_split": [split] * kept}
        writer.add(columns, where)
        report.read += size
        report.rows += kept
        headway.tell()
    inspector.finish(report.rows, report.warn)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in mapper.dropped.items())
    if not report.rows:
        raise DataError(f"no rows are left of it: {reasons}" if reasons else "it holds no rows", where=params.source)
    if reasons:
        report.warn(f"{params.source}: of {report.read:,} rows, {reasons} were left out")
    report.dropped |= mapper.dropped | inspector.dropped
    report.files = inspector.report()
    writer.end_source(params.source)
    report.origins = source.origins(params, context)


def _places(batch: Batch, source: str, before: int) -> Callable[[int], str]:
    """How the place of a row of the batch is told, by its index."""
    return batch.where if isinstance(batch, FileBatch) else lambda row: f"{source}, row {before + row + 1}"


@contextmanager
def _masked() -> Iterator[None]:
    """Keep secrets out of what is told when a source fails."""
    try:
        yield
    except AiaasError as error:
        error.reword(mask)
        raise


def _mask_all(values: dict[str, Any]) -> dict[str, Any]:
    return {mask(name): mask(value) if isinstance(value, str) else value for name, value in values.items()}
