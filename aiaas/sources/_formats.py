"""Reads files by their format, with the same checks for every source of files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Literal, get_args

from aiaas.contracts import Batch, Origin, SourceContext
from aiaas.errors import DataError
from aiaas.pictures import ENDINGS
from aiaas.sources import (
    FileBatch,
    _archives,
    _arrow,
    _csv,
    _documents,
    _excel,
    _html,
    _idx,
    _json,
    _jsonl,
    _numpy,
    _picture_names,
    _pictures,
    _pixels,
    digest_of,
)
from aiaas.sources._found import File, digest_of_folder, parts
from aiaas.sources._params import FileParams, Format
from aiaas.workspace import atomic

_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
    **dict.fromkeys((".xlsx", ".xlsm"), "excel"),
    **dict.fromkeys((".html", ".htm"), "html"),
    ".txt": "lines",
    ".lines": "lines",
    ".npy": "npy",
    ".npz": "npz",
    **dict.fromkeys(ENDINGS, "pictures"),
}
_IDX = ("-ubyte", ".idx", ".idx3")
_DOCUMENTS = (None, "lines", "html")
"""What a file in a class folder may be called to be one text."""


def format_of(file: File, params: FileParams) -> Format | Literal["archive"]:
    """The format that the recipe gives, or that the ending says; DataError where neither does."""
    if _archives.is_archive(file.path.name):
        return "archive"
    if params.format:
        return params.format
    name = PurePosixPath(file.path.name.lower())
    if name.suffix in (".gz", ".zst"):
        name = name.with_suffix("")
    found = _ENDINGS.get(name.suffix)
    if file.label is not None and found in _DOCUMENTS:
        return "text"
    if found:
        return found
    if name.name.endswith(_IDX):
        return "idx"
    hint = f"say format: with one of {', '.join(get_args(Format))}"
    raise DataError("its ending does not say what format it has", where=file.shown, hint=hint)


def read(files: Sequence[File], params: FileParams, context: SourceContext) -> Iterator[Batch]:
    """The rows of the files in their order, of archives those of their members. Raises DataError for what cannot be
    read or changes meanwhile."""
    _verify(files, params)
    before = [(file, _state(file)) for file in files if _archives.is_archive(file.path.name)]
    with _archives.opened(files, params, context) as members:
        yield from _read(members, params, context)
    for file, state in before:
        _unchanged(file, state)


def _read(files: Sequence[File], params: FileParams, context: SourceContext) -> Iterator[Batch]:
    formats = [format_of(file, params) for file in files]
    if params.format is None and "pictures" in formats:
        files = _pictures.only(files, formats, params, context)
        formats = ["pictures"] * len(files)
    before, whole = 0, sum(_state(file)[0] for file in files)
    for format_, group in itertools.groupby(zip(formats, files, strict=True), key=lambda pair: pair[0]):
        chosen = [file for _, file in group]
        if format_ in _TOGETHER:
            yield from _TOGETHER[format_](chosen, params, context)
            before += sum(_state(file)[0] for file in chosen)
            continue
        for file in chosen:
            around = replace(context, progress=partial(_progress, context, before, whole))
            yield from _one(file, format_, params, around, alone=len(files) == 1)
            before += _state(file)[0]
            context.progress(before, whole)


def _progress(context: SourceContext, before: int, whole: int, done: int, size: int | None) -> None:
    """Tell how far one is in a file as how far one is in all of them."""
    context.progress(before + done, whole)


def origins(files: Sequence[File], params: FileParams, revision: str | None = None) -> list[Origin]:
    """Where the bytes are, of archives their own; and the folders of pictures that tables name."""
    found = [
        Origin(file.shown, file.path.stat().st_size, file.digest(), licence=params.licence, revision=revision)
        for file in parts(files)
    ]
    if params.picture_folder is None or any(_archives.is_archive(file.path.name) for file in files):
        return found
    for file in files:
        digest, count, size = digest_of_folder(_picture_names.folder_of(file, params))
        told = f"{file.shown}, {count:,} files in {params.picture_folder}"
        found.append(Origin(told, size, digest, licence=params.licence, revision=revision))
    return found


def fingerprint(files: Sequence[File], params: FileParams) -> dict[str, str]:
    """Digests by name."""
    found = {file.shown: file.digest() for file in parts(files)}
    if params.picture_folder is not None:
        for file in files:
            if not _archives.is_archive(file.path.name):
                found |= _picture_names.fingerprint(file, params)
    return found


def _verify(files: Sequence[File], params: FileParams) -> None:
    if params.sha256 is None:
        return
    found = digest_of(origins(files, params))
    if found != params.sha256:
        raise DataError(
            f"the checksum differs: expected sha256 {params.sha256}, found {found}",
            where=files[0].shown if len(files) == 1 else params.source,
            hint="fetch the right file, or pin the new one if the change is meant",
        )


def _one(file: File, format_: str, params: FileParams, context: SourceContext, alone: bool) -> Iterator[Batch]:
    before = _state(file)
    if before[0] == 0:
        if alone:
            raise DataError("the file is empty", where=file.shown)
        context.warn(f"{file.shown} is empty")
        return
    batches = _READERS[format_](file, params, context)
    if params.picture_folder is not None:
        batches = _picture_names.filled(batches, file, params, context)
    try:
        for batch in batches:
            if file.label is not None:
                size = len(next(iter(batch.values())))
                batch["label"] = [file.label] * size
            batch.split = file.split
            yield batch
    except OSError as error:
        if error.errno in atomic.FULL:
            raise  # what it unpacks to found no room
        raise DataError(f"the file cannot be read: {error}", where=file.shown) from error
    _unchanged(file, before)


def _unchanged(file: File, before: tuple[int, int, int]) -> None:
    if _state(file) != before:
        raise DataError("the file changed while it was read", where=file.shown, hint="run the same command again")


def _state(file: File) -> tuple[int, int, int]:
    try:
        now = file.path.stat()
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=file.shown) from error
    return now.st_size, now.st_mtime_ns, now.st_ino


_READERS: dict[str, Callable[[File, FileParams, SourceContext], Iterator[FileBatch]]] = {
    "lines": _documents.read_lines,
    "jsonl": _jsonl.read,
    "json": _json.read,
    "parquet": _arrow.read_parquet,
    "arrow": _arrow.read_arrow,
    "excel": _excel.read,
    "html": _html.read,
    "csv": _csv.read,
    "tsv": _csv.read,
    "idx": _idx.read,
    "npy": _numpy.read_npy,
    "npz": _numpy.read_npz,
    "pixels": _pixels.read,
}
_TOGETHER: Mapping[str, Callable[[Sequence[File], FileParams, SourceContext], Iterator[Batch]]] = {
    "text": _documents.read,
    "pictures": _pictures.read,
}
"""Formats of which a file is one row, so that a batch is made of many files."""
