"""How a text file is written: its encoding, what parts its fields, whether it has a header."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiaas.errors import DataError
from aiaas.propose import names, numerals

HEAD = 4 * 2**20
"""Bytes of a file that are looked at."""
_ROWS = 2000
_DELIMITERS = ",\t;|"
_ENCODINGS = ["utf_8", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1252", "cp1251"]
_ALIKE = {".csv": 0.8, ".tsv": 0.8, ".tab": 0.8}
"""The share of rows of one width that makes a table, where the ending says that it is one; else nearly all."""
_JSON = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_NEARLY_ALL = 0.98
_REGULAR = 4
"""Fields that sentences have not, all of them equally many, by their commas."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_SHORT = 40
_MOST_BEFORE = 10
"""Lines that may stand before a header."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a source must be told of a file, as under `collect`, and the first fields by column where it is a table."""

    entry: dict[str, Any]
    columns: list[list[str]]
    header: bool


def look(path: Path, shown: str) -> Form:
    """The form of a text file. Raises DataError where it is none, or empty."""
    raw = _head(path, shown)
    encoding = encoding_of(raw)
    if encoding is None:
        raise DataError("it is no text, and no other file of rows by its ending", where=shown, hint=HINT)
    text = raw.decode(encoding or "utf-8-sig", "ignore").lstrip("\ufeff")
    if not text.strip():
        raise DataError("the file holds nothing but white space", where=shown, hint="name a file with rows")
    said = {"encoding": encoding} if encoding and not _is_seen(raw, encoding) else {}
    if re.match(r"\s*<(!doctype|html|\?xml)\b", text, re.IGNORECASE):
        raise DataError("it is HTML or XML, and no table", where=shown, hint=HINT)
    ending = "".join(each for each in path.suffixes[-2:] if each not in (".gz", ".zst")).lower()
    if form := _of_json(text) or _JSON.get(ending):
        return Form({"format": form, **said}, [], header=True)
    if ending not in _ALIKE and _is_aligned(text):
        told = "its columns are parted by spaces, which are not read as a table"
        raise DataError(
            told, where=shown, hint="write commas, semicolons, tabs or bars between the fields, as CSV does"
        )
    table = _table(text, len(raw) < HEAD, _ALIKE.get(ending, _NEARLY_ALL), ending, shown)
    if table is None:
        if ending in _ALIKE:
            return Form({"format": ending[1:].replace("tab", "tsv"), **said}, [], header=True)
        return Form({"format": "lines", **said}, [], header=True)
    return Form({**table.entry, **said}, table.columns, table.header)


HINT = (
    "what is read: CSV, TSV, Excel (.xlsx), JSON, JSON lines, Parquet, Arrow, plain text, folders of texts or pictures"
)


def encoding_of(raw: bytes) -> str | None:
    """The encoding of some bytes, "" for UTF-8; None where they are no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if raw.count(b"\0"):
        even, odd = raw[::2].count(0), raw[1::2].count(0)
        found = "utf-16-le" if odd > 10 * even else "utf-16-be" if even > 10 * odd else None
        return found if found and max(even, odd) * 5 > len(raw) else None
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(raw) - 4:
            return _other(raw)
    return ""


def _other(raw: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(raw[: HEAD // 8], cp_isolation=_ENCODINGS).best()
    return None if best is None else best.encoding.replace("_", "-")


def _is_seen(raw: bytes, encoding: str) -> bool:
    """Whether a source sees the encoding by itself."""
    return encoding == "gb18030" or (encoding == "utf-16" and raw[:1] in (b"\xff", b"\xfe")) or encoding == "utf-8"


def _head(path: Path, shown: str) -> bytes:
    """The first bytes, unpacked, up to the end of a line."""
    import pyarrow as pa

    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            raw: bytes = stream.read(HEAD)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"the file cannot be read: {error}", where=shown, hint=HINT) from error
    if not raw:
        raise DataError("the file is empty", where=shown, hint="name a file with rows")
    return raw if len(raw) < HEAD else raw[: raw.rfind(b"\n") + 1] or raw


def _of_json(text: str) -> str | None:
    """`jsonl` where the first lines are objects, `json` where all is one value that begins like a list or object."""
    lines = [line for line in itertools.islice(io.StringIO(text), 3) if line.strip()]
    if all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
        try:
            for line in lines:
                json.loads(line)
        except ValueError:
            return None
        return "json" if len(lines) == 1 else "jsonl"
    return "json" if re.match(r"\s*(\[\s*\{|\{\s*\")", text) else None


def _is_aligned(text: str) -> bool:
    """Whether nearly all lines are numbers, for the most part, or 3:1.5, with spaces between them."""
    lines = [re.split(" +", line.strip()) for line in itertools.islice(io.StringIO(text), _ROWS) if line.strip()]
    numbers = [sum(_NUMBER.fullmatch(re.sub(r"^\d+:", "", word)) is not None for word in words) for words in lines]
    found = [2 * count > len(words) >= _REGULAR for words, count in zip(lines, numbers, strict=True)]
    return sum(found) > _NEARLY_ALL * len(found)


def _table(text: str, whole: bool, alike: float, ending: str, shown: str) -> Form | None:
    """The way to part fields in which the rows are most alike; of equal ones that which leaves no line out, the
    usual one, one that is no punctuation, one with quotes, the one that makes most fields. `whole` says that the text
    is not cut."""
    usual = "\t" if ending in (".tsv", ".tab") else "," if ending == ".csv" else None
    best: tuple[tuple[float, bool, bool, bool, bool, int], str, bool, list[list[str]], int] | None = None
    for delimiter, quotes in itertools.product(_DELIMITERS, (True, False)):
        rows, before = _rows(text, whole, delimiter, quotes)
        width, share = _width(rows)
        prose = 2 * text.count(f"{delimiter} ") > text.count(delimiter) and not (share == 1 and width >= _REGULAR)
        rank = (round(share, 2), not before, delimiter == usual, not prose, quotes, width)
        if prose and ending not in _ALIKE:
            continue  # commas in sentences
        if width >= 2 and share >= alike and (best is None or rank > best[0]):
            best = (rank, delimiter, quotes, rows, before)
    if best is None:
        return None
    (*_, width), delimiter, quotes, rows, before = best
    if len(rows[0]) != width:
        raise DataError(
            f"its first row has {len(rows[0])} fields, and most have {width}",
            where=shown,
            hint="name every column; no space may stand between a delimiter and a quotation mark",
        )
    rows = [row for row in rows if len(row) == width]
    entry: dict[str, Any] = {}
    if ending not in _ALIKE:
        entry["format"] = "tsv" if delimiter == "\t" else "csv"
        usual = "\t" if delimiter == "\t" else ","
    if delimiter != usual:
        entry["delimiter"] = delimiter
    if not quotes:
        entry["quotes"] = False
    if before:
        entry["skip_rows"] = before
    header = has_header(rows)
    if header and len(set(rows[0])) < width:  # two columns of one name
        entry |= {"names": _told_apart(rows[0]), "skip_rows": before + 1}
    columns = [list(column) for column in zip(*rows[header:], strict=True)]
    return Form(entry | numerals.marks(columns, delimiter), columns, header)


def _told_apart(names_: Sequence[str]) -> list[str]:
    """The names, a number behind those that came before."""
    found: list[str] = []
    for place, name in enumerate(names_, 1):
        found.append(name if name and name not in found else f"{name or 'column'}_{place}")
    return found


def _rows(text: str, whole: bool, delimiter: str, quotes: bool) -> tuple[list[list[str]], int]:
    """The first rows, without the lines of a title before them, and how many lines that were."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for row in itertools.islice(reader, _ROWS):
            if row:
                rows.append(row)
                ends.append(reader.line_num)
    except csv.Error:
        if whole or reader.line_num < text.count("\n"):  # what the end of the part cuts is no fault of the file
            return [], 0
    width, _ = _width(rows)
    title = next((place for place, row in enumerate(rows) if len(row) == width and all(row)), 0)
    title = next((place for place, row in enumerate(rows) if len(row) == width), 0) if title > _MOST_BEFORE else title
    if not title or title > _MOST_BEFORE or not all(_is_title(row, width) for row in rows[:title]):
        return rows, 0
    return rows[title:], ends[title - 1]


def _is_title(row: Sequence[str], width: int) -> bool:
    """Whether a row stands before the table: one field of it is filled at most."""
    return sum(bool(field.strip()) for field in row) <= 1 < width


def _width(rows: Sequence[Sequence[str]]) -> tuple[int, float]:
    if not rows:
        return 0, 0.0
    ((width, count),) = Counter(map(len, rows)).most_common(1)
    return width, count / len(rows)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: it is unlike what stands below it."""
    first, below = rows[0], rows[1:]
    if not below:
        return True
    known = (*names.TEXTS, *names.LABELS, *names.TARGETS, "id")
    if any(names.place(field, known) is not None for field in first):
        return True
    if len(set(first)) < len(first):
        return False
    for place, field in enumerate(first):
        values = [row[place].strip() for row in below if row[place].strip()]
        numbers = sum(_NUMBER.fullmatch(value) is not None for value in values)
        if values and numbers > 0.9 * len(values):
            return _NUMBER.fullmatch(field.strip()) is None
    if any(field.strip() and field in {row[place] for row in below} for place, field in enumerate(first)):
        return False
    return all(len(field) <= _SHORT and not re.search(r"[.!?。！？，]", field) for field in first)
