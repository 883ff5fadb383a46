"""Pictures as rows of a CSV: the pixels from left to right and top to bottom, with a label before or behind them."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch, _arrays, _encodings, _text
from aiaas.sources._bad import BadRows
from aiaas.sources._found import File

if TYPE_CHECKING:
    from aiaas.sources._params import FileParams

_HINT = ", or check shape: and label_at:"


def read(file: File, params: FileParams, context: SourceContext) -> Iterator[FileBatch]:
    """The pictures as the column `image`, and as `label` what stands where `label_at` says. A first row that holds
    names and no numbers is a header. Raises DataError for malformed rows."""
    import numpy as np

    assert params.shape is not None, "the parameters say so"
    bad = BadRows(file.shown, params, context, _HINT)
    row = 0
    for lines, labels, numbers in _blocks(file, params, bad, context):
        if bad.fatal or not lines:
            continue
        pixels = np.array(numbers, np.float64).reshape(len(lines), *params.shape)
        batch = FileBatch(
            {"image": _arrays.to_pictures(pixels, params, file.shown, row + 1)}, file.shown, row + 1, lines
        )
        if params.label_at:
            batch["label"] = _arrays.to_labels(labels, params.label_names, file.shown, row + 1)
        yield batch
        row += len(lines)
    bad.finish(row)


def _blocks(
    file: File, params: FileParams, bad: BadRows, context: SourceContext
) -> Iterator[tuple[list[int], list[Any], list[list[float]]]]:
    """Lines, labels and pixels of some rows at once; those that are malformed go to `bad`."""
    assert params.shape is not None
    step = _arrays.height((0, *params.shape), 8)
    with _text.open_text(file, _encodings.encoding_of(file, params.encoding, context.warn), newline="") as stream:
        reader = csv.reader(stream)
        try:
            while rows := [(reader.line_num, fields) for fields in itertools.islice(reader, step)]:
                yield _numbers(rows, params, bad)
        except csv.Error as error:
            raise DataError(f"not CSV: {error}", where=f"{file.shown}:{reader.line_num}") from error


def _numbers(
    rows: Sequence[tuple[int, list[str]]], params: FileParams, bad: BadRows
) -> tuple[list[int], list[Any], list[list[float]]]:
    lines: list[int] = []
    labels: list[Any] = []
    numbers: list[list[float]] = []
    for line, fields in rows:
        found = _row(fields, params) if fields else None
        if isinstance(found, str):
            if line > 1 or any(map(_is_number, fields)):
                bad.add(line, found, fields)
        elif found is not None:
            lines.append(line)
            labels.append(found[0])
            numbers.append(found[1])
    return lines, labels, numbers


def _row(fields: list[str], params: FileParams) -> tuple[Any, list[float]] | str:
    """The label and the pixels of a row, or what is wrong with it."""
    assert params.shape is not None
    width = math.prod(params.shape) + (params.label_at is not None)
    if len(fields) != width:
        return f"{len(fields)} field{'s' * (len(fields) != 1)} instead of {width}"
    label: Any = None
    if params.label_at == "first":
        label, fields = fields[0], fields[1:]
    elif params.label_at == "last":
        label, fields = fields[-1], fields[:-1]
    try:
        return int(label) if label and label.isdecimal() else label, list(map(float, fields))
    except ValueError:
        return "a pixel is no number"


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
