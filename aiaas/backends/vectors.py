"""Word vectors that others trained: text files of word2vec and GloVe, or an array beside a list of its words.

A file is read line by line, or mapped; only the vectors that a vocabulary needs are kept.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aiaas.errors import DataError
from aiaas.words import is_chinese

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GZIP = b"\x1f\x8b"
_LONGEST_LINE = 1 << 20
_HINT = "is it a text file of word2vec or GloVe, or a .npy file with words: beside it, and complete?"


@dataclass(frozen=True, slots=True)
class Found:
    """The vectors (n, size) of n tokens; `given` (n,) tells which of them the file has, `composed` (n,) which were put
    together from those of their characters. The others are zero."""

    vectors: NDArray[np.float32]
    given: NDArray[np.bool_]
    composed: NDArray[np.bool_]


def read(tokens: Sequence[str], source: Path, words: Path | None = None) -> Found:
    """The vectors of `tokens`. A Chinese word that the file lacks is given the mean of its characters' vectors.

    Raises DataError for a file that is damaged, and where it has none of the tokens.
    """
    wanted = dict.fromkeys(tokens)
    for token in tokens:
        if len(token) > 1 and is_chinese(token):
            wanted |= dict.fromkeys(token)
    places = {token: place for place, token in enumerate(wanted)}
    vectors, given = _of_array(source, words, places) if _is_array(source, words) else _of_text(source, places)
    composed = np.zeros(len(places), np.bool_)
    for token, place in places.items():
        if not given[place] and len(token) > 1 and is_chinese(token):
            parts = [places[each] for each in token if given[places[each]]]
            if parts:
                vectors[place] = vectors[parts].mean(axis=0)
                composed[place] = True
    rows = [places[token] for token in tokens]  # a character may be a word as well
    found = Found(vectors[rows], given[rows], composed[rows])
    if not (found.given | found.composed).any():
        raise DataError(
            f"it has a vector for none of the {len(tokens):,} tokens of the training texts, such as "
            + ", ".join(map(repr, tokens[:3])),
            where=str(source),
            hint="are they vectors of this language, and of characters or words as model.params.tokens says?",
        )
    return found


def table(found: Found, seed: int, first: int) -> NDArray[np.float32]:
    """What an embedding begins with (first + n, size): `first` rows for the numbers before the tokens, then theirs.

    What has no vector gets a random one, of the length that the vectors have on average; padding, number 0, has zeros.
    """
    known = found.given | found.composed
    spread = found.vectors[known].std()
    random = np.random.Generator(np.random.Philox(seed))
    rows = random.normal(0, spread, (first + len(known), found.vectors.shape[1])).astype(np.float32)
    rows[first:][known] = found.vectors[known]
    rows[0] = 0
    return rows


def _is_array(source: Path, words: Path | None) -> bool:
    """Whether it is an array; raises DataError where the list of words does not go with the file."""
    array = source.suffix == ".npy"
    if array and words is None:
        raise DataError("an array of vectors needs the list of its words", where=str(source), hint="give words:")
    if words is not None and not array:
        raise DataError(
            "only an array (.npy) has its words in another file", where=str(source), hint="leave out words:"
        )
    return array


# --- text files --------------------------------------------------------------------------------------------------


def _of_text(path: Path, places: Mapping[str, int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The vectors at the places of their words, and which there were. Of a word that comes twice the first counts."""
    with _opened(path) as stream:
        lines = enumerate(_lines(stream, path), 1)
        stated, size, first = _head(next(lines, (1, b""))[1], path)
        vectors, given = np.zeros((len(places), size), np.float32), np.zeros(len(places), np.bool_)
        read = 0
        for number, line in _chain(first, lines):
            read += 1
            if line.count(b" ") < size:
                raise _damaged(path, number, f"it has fewer than {size} numbers behind the word")
            word, *values = line.rsplit(b" ", size)
            place = places.get(word.decode("utf-8", "replace"))
            if place is not None and not given[place]:
                vectors[place] = _numbers(values, path, number)
                given[place] = True
        if stated is not None and read != stated:
            raise DataError(f"its first line says {stated:,} vectors, it has {read:,}", where=str(path), hint=_HINT)
    return vectors, given


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    with path.open("rb") as stream:
        head = stream.read(2)
    return gzip.open(path, "rb") if head == _GZIP else path.open("rb")


def _lines(stream: gzip.GzipFile | BufferedReader, path: Path) -> Iterator[bytes]:
    """The lines without white space at their ends; DataError where the file is cut short or binary."""
    number = 0
    try:
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            if b"\0" in line or (len(line) == _LONGEST_LINE and not line.endswith(b"\n")):
                raise _damaged(path, number, "it is no text (vectors in word2vec's binary form are not read)")
            yield line.rstrip().replace(b"\t", b" ")
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(path, number + 1, f"the compressed file is damaged or cut short ({error})") from None


def _head(line: bytes, path: Path) -> tuple[int | None, int, bytes | None]:
    """What the first line says: how many vectors there are (word2vec), their size, and the line itself where it is a
    vector already (GloVe)."""
    fields = line.split(b" ")
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        stated, size, first = int(fields[0]), int(fields[1]), None
    else:
        stated, size, first = None, len(fields) - 1, line
        _numbers(fields[1:], path, 1)
    if not 1 <= size <= 16_384:
        raise _damaged(path, 1, f"it says that a vector has {size} numbers; allowed: 1 to 16,384")
    return stated, size, first


def _chain(first: bytes | None, rest: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    if first is not None:
        yield 1, first
    yield from rest


def _numbers(values: Sequence[bytes], path: Path, number: int) -> NDArray[np.float32]:
    try:
        vector = np.array([float(value) for value in values], np.float32)
    except ValueError:
        raise _damaged(path, number, "what stands behind the word are no numbers") from None
    if not np.isfinite(vector).all():
        raise _damaged(path, number, "a number of the vector is not finite")
    return vector


def _damaged(path: Path, number: int, what: str) -> DataError:
    return DataError(f"line {number:,}: {what}", where=f"{path}:{number}", hint=_HINT)


# --- arrays ------------------------------------------------------------------------------------------------------


def _of_array(
    source: Path, words: Path | None, places: Mapping[str, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The same from an array (n, size), mapped and not read, and the words of its rows."""
    assert words is not None
    try:
        array = np.load(source, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"the array cannot be read ({error})", where=str(source), hint=_HINT) from None
    if array.ndim != 2 or array.dtype.kind != "f" or not array.shape[1]:
        raise DataError(
            f"it holds {array.dtype} of shape {array.shape}; vectors are floats of shape (words, size)",
            where=str(source),
        )
    names = _words(words)
    if len(names) != len(array):
        raise DataError(f"it names {len(names):,} words for {len(array):,} vectors", where=str(words))
    rows = np.full(len(places), -1, np.int64)
    for row, name in enumerate(names):
        place = places.get(name)
        if place is not None and rows[place] < 0:
            rows[place] = row
    given = rows >= 0
    vectors = np.zeros((len(places), array.shape[1]), np.float32)
    vectors[given] = array[rows[given]]
    if not np.isfinite(vectors).all():
        raise DataError("a vector holds a number that is not finite", where=str(source), hint=_HINT)
    return vectors, given


def _words(path: Path) -> list[str]:
    """The words of a list in any of its forms."""
    try:
        match path.suffix:
            case ".parquet":
                names: Iterable[object] = _column(path)
            case ".json":
                names = json.loads(path.read_text("utf-8"))
            case _:
                names = path.read_text("utf-8").removesuffix("\n").split("\n")
    except (ValueError, OSError) as error:
        raise DataError(f"the list of words cannot be read ({error})", where=str(path)) from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError("it is no list of words", where=str(path))
    return names


def _column(path: Path) -> list[object]:
    """The only column of text in a parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(path)
    texts = [name for name in table.column_names if pa.types.is_string(table[name].type)]
    if len(texts) != 1:
        raise DataError(f"it has {len(texts)} columns of text; one is needed", where=str(path))
    return list(table[texts[0]].to_pylist())
