"""Texts: one a line, or one a file with the label of its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch, FilesBatch, _encodings, _found, _text
from aiaas.sources._bad import BadRows
from aiaas.sources._found import File

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

ROWS = 10_000
_FILES = 1000


def read_lines(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """Each line as the column `text`. Raises DataError for what is no text."""
    encoding = _encodings.encoding_of(file, params.encoding, context.warn, rough=params.on_error == "skip")
    bad = BadRows(file.shown, params, context)
    line = row = 1
    for block in _text.lines(file, encoding, context):
        for start in range(0, len(block), ROWS):
            part = block[start : start + ROWS]
            numbers: Sequence[int] = range(line, line + len(part))
            line += len(part)
            if encoding.damaged:
                part, numbers = _whole(part, numbers, encoding, bad)
            if part:
                yield FileBatch({"text": part}, file.shown, row, numbers)
            row += len(part)
    bad.finish(row - 1)


def _whole(
    lines: list[str], numbers: Sequence[int], encoding: _encodings.Encoding, bad: BadRows
) -> tuple[list[str], list[int]]:
    """The lines that are text, with their numbers; the others go to `bad`."""
    faults = [encoding.fault(text) for text in lines]
    for text, number, fault in zip(lines, numbers, faults, strict=True):
        if fault:
            bad.add(number, fault, text)
    good = [index for index, fault in enumerate(faults) if not fault]
    return [lines[index] for index in good], [numbers[index] for index in good]


def read(files: Sequence[File], params: FileParams, context: SourceContext) -> Iterator[FilesBatch]:
    """One text a file, with the label of its folder where it has one. Raises DataError for a file that is no text,
    unless `on_error: skip` leaves it out."""
    texts: list[str] = []
    held: list[File] = []
    notes: list[str] = []
    bad: list[str] = []
    first, size = 1, 0
    for index, file in enumerate(files):
        try:
            text = _document(file, params, notes.append)
        except DataError as error:
            if params.on_error == "fail":
                raise
            bad.append(f"{file.shown}: {error.message}")
            context.drop(file.shown, f"malformed: {error.message}", {"file": file.shown, "label": file.label})
        else:
            texts.append(text)
            held.append(file)
            size += len(text)
        if texts and (index + 1 == len(files) or len(texts) == _FILES or size > _text.LONGEST):
            batch = FilesBatch({"text": texts}, held, first)
            if held[0].label is not None:
                batch["label"] = [each.label for each in held]
            yield batch
            first += len(texts)
            texts, held, size = [], [], 0
    if bad:
        context.warn(f"{params.source}: {len(bad):,} files passed over: {_found.listing(bad, 3)}")
    if notes:
        context.warn(notes[0] if len(notes) == 1 else f"{notes[0]}; so it is with {len(notes) - 1} more files")


def _document(file: File, params: FileParams, warn: Callable[[str], None]) -> str:
    try:
        with _text.open_text(file, _encodings.encoding_of(file, params.encoding, warn)) as stream:
            text = stream.read(_text.LONGEST + 1)
    except OSError as error:
        raise DataError(f"the file cannot be read: {error}", where=file.shown) from error
    if len(text) > _text.LONGEST:
        raise DataError(f"the document is longer than {_text.LONGEST:,} characters", where=file.shown)
    return text
