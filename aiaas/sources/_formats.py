"""Reads files by their format, with the same checks for every source of files."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from aiaas.contracts import Batch, Origin, SourceContext
from aiaas.errors import DataError
from aiaas.pictures import ENDINGS
from aiaas.sources import FileBatch, _csv, _idx, _numpy, _pictures, _pixels, _text
from aiaas.sources._bad import BadRows
from aiaas.sources._found import File, parts
from aiaas.sources._params import FileParams, Format

ROWS = 10_000
"""Rows of a batch, at most."""

_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "lines",
    ".lines": "lines",
    ".npy": "npy",
    ".npz": "npz",
    **dict.fromkeys(ENDINGS, "pictures"),
}
_IDX = ("-ubyte", ".idx", ".idx3")


def format_of(file: File, params: FileParams) -> Format:
    """The format that the recipe gives, or that the ending says; DataError where neither does."""
    if params.format:
        return params.format
    name = PurePosixPath(file.path.name.lower())
    if name.suffix in (".gz", ".zst"):
        name = name.with_suffix("")
    found = _ENDINGS.get(name.suffix)
    if file.label is not None and found in (None, "lines"):
        return "text"
    if found:
        return found
    if name.name.endswith(_IDX):
        return "idx"
    raise DataError(
        "its ending does not say what format it has",
        where=file.shown,
        hint=f"say format: with one of {', '.join(get_args(Format))}",
    )


def read(files: Sequence[File], params: FileParams, context: SourceContext) -> Iterator[Batch]:
    """The rows of the files in their order. Raises DataError for what cannot be read or changes meanwhile."""
    _verify(files, params)
    formats = [format_of(file, params) for file in files]
    if params.format is None and "pictures" in formats:
        files = _pictures.only(files, formats, params, context)
        formats = ["pictures"] * len(files)
    for format_, group in itertools.groupby(zip(formats, files, strict=True), key=lambda pair: pair[0]):
        chosen = [file for _, file in group]
        if format_ in _TOGETHER:
            yield from _TOGETHER[format_](chosen, params, context)
            continue
        for file in chosen:
            yield from _one(file, format_, params, context, alone=len(files) == 1)


def origins(files: Sequence[File], params: FileParams, revision: str | None = None) -> list[Origin]:
    return [
        Origin(file.shown, file.path.stat().st_size, file.digest(), licence=params.licence, revision=revision)
        for file in parts(files)
    ]


def fingerprint(files: Sequence[File]) -> dict[str, str]:
    """Digests by name."""
    return {file.shown: file.digest() for file in parts(files)}


def _verify(files: Sequence[File], params: FileParams) -> None:
    if params.sha256 is None:
        return
    if len(files) != 1:
        raise DataError(f"sha256 pins one file, but these are {len(files)}", where=params.source)
    found = files[0].digest()
    if found != params.sha256:
        raise DataError(
            f"the checksum differs: expected sha256 {params.sha256}, found {found}",
            where=files[0].shown,
            hint="fetch the right file, or pin the new one if the change is meant",
        )


def _one(file: File, format_: Format, params: FileParams, context: SourceContext, alone: bool) -> Iterator[Batch]:
    before = _state(file)
    if before[0] == 0:
        if alone:
            raise DataError("the file is empty", where=file.shown)
        context.warn(f"{file.shown} is empty")
        return
    try:
        for batch in _READERS[format_](file, params, context):
            if file.label is not None:
                size = len(next(iter(batch.values())))
                batch["label"] = [file.label] * size
            yield batch
    except OSError as error:
        raise DataError(f"the file cannot be read: {error}", where=file.shown) from error
    if _state(file) != before:
        raise DataError("the file changed while it was read", where=file.shown, hint="run the same command again")


def _state(file: File) -> tuple[int, int, int]:
    try:
        now = file.path.stat()
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=file.shown) from error
    return now.st_size, now.st_mtime_ns, now.st_ino


def _lines(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    row = 1
    for block in _text.lines(file, _text.encoding_of(file, params.encoding, context.warn)):
        for start in range(0, len(block), ROWS):
            part = block[start : start + ROWS]
            yield FileBatch({"text": part}, file.shown, row, range(row, row + len(part)))
            row += len(part)


def _documents(files: Sequence[File], params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """One text a file, with the label of its folder where it has one."""
    texts: list[str] = []
    notes: list[str] = []
    start = size = 0
    for index, file in enumerate(files):
        texts.append(text := _document(file, params, notes.append))
        size += len(text)
        if index + 1 == len(files) or len(texts) == ROWS // 10 or size > _text.LONGEST:
            batch = FileBatch({"text": texts}, params.source, start + 1)
            labels = [each.label for each in files[start : index + 1]]
            if labels[0] is not None:
                batch["label"] = labels
            yield batch
            texts, start, size = [], index + 1, 0
    if notes:
        context.warn(notes[0] if len(notes) == 1 else f"{notes[0]}; so it is with {len(notes) - 1} more files")


def _document(file: File, params: FileParams, warn: Callable[[str], None]) -> str:
    try:
        with _text.open_text(file, _text.encoding_of(file, params.encoding, warn)) as stream:
            text = stream.read(_text.LONGEST + 1)
    except OSError as error:
        raise DataError(f"the file cannot be read: {error}", where=file.shown) from error
    if len(text) > _text.LONGEST:
        raise DataError(f"the document is longer than {_text.LONGEST:,} characters", where=file.shown)
    return text


def _jsonl(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    bad = BadRows(file, params.on_error)
    line = row = 0
    for block in _text.lines(file, _text.encoding_of(file, params.encoding, context.warn)):
        rows: list[Mapping[str, Any]] = []
        numbers: list[int] = []
        for text in block:
            line += 1
            if not text or text.isspace():
                continue
            found = _object(text)
            if isinstance(found, dict):
                rows.append(found)
                numbers.append(line)
            else:
                bad.add(line, found)
        for start in range(0, 0 if bad.fatal else len(rows), ROWS):
            part = rows[start : start + ROWS]
            yield FileBatch(_columns(part), file.shown, row + 1, numbers[start : start + ROWS])
            row += len(part)
    bad.finish(row, context.warn)


def _object(text: str) -> dict[str, Any] | str:
    """The object on a line, or why there is none."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        return "JSON nested too deeply"
    except ValueError as error:
        return f"not JSON: {error}"
    return value if isinstance(value, dict) else f"a JSON {type(value).__name__}, not an object"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _columns(rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Rows as columns, in the order in which keys are met; a key that a row lacks is null there."""
    names = dict.fromkeys(itertools.chain.from_iterable(rows))
    return {name: [row.get(name) for row in rows] for name in names}


def _parquet(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    import pyarrow as pa
    from pyarrow import parquet

    row = 1
    try:
        with _plain(file.path, context) as path, parquet.ParquetFile(path) as table:
            meta = table.metadata
            total = sum(meta.row_group(index).total_byte_size for index in range(meta.num_row_groups))
            size = max(1, min(ROWS, _text.LONGEST * 2 * max(meta.num_rows, 1) // max(total, 1)))
            for batch in table.iter_batches(batch_size=size):
                yield FileBatch(batch.to_pydict(), file.shown, row)
                row += batch.num_rows
    except pa.ArrowException as error:
        raise DataError(f"it cannot be read as parquet: {error}", where=file.shown) from error


@contextmanager
def _plain(path: Path, context: SourceContext) -> Iterator[Path]:
    """The file, or what it decompresses to: parquet is read from its end, so a stream will not do."""
    if path.suffix.lower() not in (".gz", ".zst"):
        yield path
        return
    import pyarrow as pa

    context.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=context.cache, suffix=".parquet") as out:
        with pa.input_stream(str(path), compression="detect") as compressed:
            shutil.copyfileobj(compressed, out)
        out.flush()
        yield Path(out.name)


_READERS = {
    "lines": _lines,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "csv": _csv.read,
    "tsv": _csv.read,
    "idx": _idx.read,
    "npy": _numpy.read_npy,
    "npz": _numpy.read_npz,
    "pixels": _pixels.read,
}
_TOGETHER = {"text": _documents, "pictures": _pictures.read}
"""Formats of which a file is one row, so that a batch is made of many files."""
