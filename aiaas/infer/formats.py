"""Lines → inputs: plain lines, JSON lines, CSV. What cannot be read becomes `Unreadable` in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath
from typing import Any, Literal, get_args

from aiaas import strictjson
from aiaas.contracts import Signature
from aiaas.errors import DataError, UsageError
from aiaas.infer.rows import csv_rows
from aiaas.infer.text import Line, Stream, Unreadable, blocks
from aiaas.infer.written import Written

Format = Literal["auto", "jsonl", "csv", "lines", "file"]
FORMATS: tuple[str, ...] = get_args(Format)
_ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv"}


@dataclass(frozen=True, slots=True)
class Records:
    """Inputs as `Bundle.decode` takes them, or `Unreadable`, each with the number of the line where it begins."""

    inputs: list[Any]
    lines: Sequence[int]
    unused: tuple[str, ...] = ()
    """Columns of a CSV file that are no feature of the model."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a caller knows of a stream: its format, the file's name, the characters, what columns are called besides."""

    form: str
    name: str | None
    encoding: str | None
    written: Written | None

    def records(self, stream: Stream, signature: Signature) -> tuple[str, Iterator[Records]]:
        likely = self.written.encoding if self.written else None
        return records(blocks(stream, self.encoding, likely), signature, self.form, self.name, self.written)


def records(
    blocks: Iterable[list[Line]],
    signature: Signature,
    form: str = "auto",
    name: str | None = None,
    written: Written | None = None,
) -> tuple[str, Iterator[Records]]:
    """The format and the records of `blocks`; `name` is the file's name, whose ending decides where `form` is `auto`,
    `written` how the columns of a CSV file may be called besides.

    Raises UsageError when the model cannot take this format.
    """
    ending = PurePath(name).suffix.lower() if name else ""
    if form == "auto":
        form, blocks = (_ENDINGS[ending], blocks) if ending in _ENDINGS else _sniff(blocks, signature)
    if form == "lines":
        if signature.bare is None:
            raise UsageError(
                "a plain line does not hold all that this model takes",
                hint=f"--format csv or jsonl, with the columns {', '.join(signature.features)}",
            )
        return form, _plain(blocks)
    if form == "jsonl":
        return form, _json_lines(blocks)
    if form != "csv":
        raise UsageError(f"there is no format {form!r}; allowed: {', '.join(FORMATS)}")
    written = written or Written()
    header, blocks = _peek(blocks)
    delimiter = "\t" if ending == ".tsv" else written.divides(header or "")
    return form, (Records(*each) for each in csv_rows(blocks, delimiter, signature, written))


def _sniff(blocks: Iterable[list[Line]], signature: Signature) -> tuple[str, Iterable[list[Line]]]:
    """The format that the first line with anything in it looks like, and the blocks."""
    first, blocks = _peek(blocks)
    if first is None:
        return "lines" if signature.bare else "csv", blocks
    return _looks_like(first.strip(), signature), blocks


def _peek(blocks: Iterable[list[Line]]) -> tuple[str | None, Iterable[list[Line]]]:
    """The first line with anything in it, and the blocks, none of them lost."""
    source = iter(blocks)
    seen: list[list[Line]] = []
    for block in source:
        seen.append(block)
        first = next((line for line in block if isinstance(line, str) and line.strip()), None)
        if first is not None:
            return first, chain(seen, source)
    return None, seen


def _looks_like(line: str, signature: Signature) -> str:
    if line.startswith("{") or (line.startswith(('"', "[")) and _is_json(line)):
        return "jsonl"
    return "lines" if signature.bare else "csv"


def _is_json(line: str) -> bool:
    # 「"好评"，他说」 and "[赞] 不错" are texts although they begin like JSON.
    try:
        strictjson.loads(line)
    except DataError:
        return False
    return True


def _plain(blocks: Iterable[list[Line]]) -> Iterator[Records]:
    number = 1
    for block in blocks:
        yield Records(list(block), range(number, number + len(block)))
        number += len(block)


def _json_lines(blocks: Iterable[list[Line]]) -> Iterator[Records]:
    number = 1
    for block in blocks:
        yield Records([_json(line) for line in block], range(number, number + len(block)))
        number += len(block)


def _json(line: Any) -> Any:
    if line.__class__ is Unreadable:
        return line
    try:
        return strictjson.loads(line)
    except DataError as error:
        return Unreadable(error.message if line.strip() else "the line is empty")
