"""Texts: one a line, or one a file with the label of its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch, _text
from aiaas.sources._found import File

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

ROWS = 10_000
_FILES = 1000


def read_lines(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """Each line as the column `text`."""
    row = 1
    for block in _text.lines(file, _text.encoding_of(file, params.encoding, context.warn), context):
        for start in range(0, len(block), ROWS):
            part = block[start : start + ROWS]
            yield FileBatch({"text": part}, file.shown, row, range(row, row + len(part)))
            row += len(part)


def read(files: Sequence[File], params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """One text a file, with the label of its folder where it has one."""
    texts: list[str] = []
    notes: list[str] = []
    start = size = 0
    for index, file in enumerate(files):
        texts.append(text := _document(file, params, notes.append))
        size += len(text)
        if index + 1 == len(files) or len(texts) == _FILES or size > _text.LONGEST:
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
