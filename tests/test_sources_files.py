"""The source `files`: finding files, compression, encodings, lines and documents."""

from __future__ import annotations

import codecs
import gzip
import os
import re
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pydantic import ValidationError

from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import _text, digest_of, files
from aiaas.sources._found import File, expand

CHINESE = "房间很干净，服务也好\n早餐一般，位置不错\n"


def context(base: Path, warnings: list[str] | None = None) -> SourceContext:
    return SourceContext(base, base / "cache", warn=(warnings if warnings is not None else []).append)


def rows(base: Path, source: str, warnings: list[str] | None = None, **params: Any) -> dict[str, list[Any]]:
    """All rows of a source as one batch."""
    found: dict[str, list[Any]] = {}
    for batch in files.read(files.Params(source=source, **params), context(base, warnings)):
        assert len({len(values) for values in batch.values()}) == 1
        for name, values in batch.items():
            found.setdefault(name, []).extend(values)
    return found


def failure(base: Path, source: str, **params: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        rows(base, source, **params)
    return caught.value


# --- which files ---------------------------------------------------------------------------------------------------


def test_a_missing_file_is_told_with_near_names(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reviews.csv").write_text("a\n1\n")
    error = failure(tmp_path, "data/review.csv")
    assert error.where == "data/review.csv"
    assert "'reviews.csv'" in str(error.hint)
    assert "'data'" in str(failure(tmp_path, "dta/reviews.csv").hint)
    assert "there is in data: reviews.csv" in str(failure(tmp_path, "data/zzz.parquet").hint)


def test_a_pattern_reads_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n")
    (tmp_path / ".hidden.txt").write_text("x\n")
    assert rows(tmp_path, "*.txt") == {"text": ["a", "b", "c"]}
    assert rows(Path("/"), f"{tmp_path}/[ab].txt") == {"text": ["a", "b"]}
    assert rows(Path("/"), f"file://{tmp_path}/a.txt") == {"text": ["a"]}
    assert "no file matches" in failure(tmp_path, "*.csv").message


def test_a_name_with_a_wildcard_in_it_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "what[1].txt").write_text("x\n")
    assert rows(tmp_path, "what[1].txt") == {"text": ["x"]}


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.txt").write_text("x\n")
    assert rows(Path("/"), "~/a.txt") == {"text": ["x"]}


def test_class_folders_give_documents_with_labels(tmp_path: Path) -> None:
    for label in ("sport", "film"):
        (tmp_path / label / "deep").mkdir(parents=True)
        (tmp_path / label / "1.txt").write_text(f"{label} one\nsecond line\n")
        (tmp_path / label / "deep" / "2").write_text(f"{label} two")
        (tmp_path / label / ".DS_Store").write_bytes(b"\0")
    found = rows(tmp_path.parent, tmp_path.name)
    assert found["text"] == ["film one\nsecond line\n", "film two", "sport one\nsecond line\n", "sport two"]
    assert found["label"] == ["film", "film", "sport", "sport"]


def test_class_folders_of_tables_give_their_rows(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    assert rows(tmp_path.parent, tmp_path.name) == {"text": ["one", "two"], "label": ["a", "a"]}


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    assert "/*.csv" in str(failure(tmp_path.parent, tmp_path.name).hint)
    (tmp_path / "empty").mkdir()
    assert "class folder empty" in failure(tmp_path.parent, tmp_path.name).message


def test_an_unknown_ending_asks_for_the_format(tmp_path: Path) -> None:
    (tmp_path / "x.data").write_text("one\n")
    assert "format:" in str(failure(tmp_path, "x.data").hint)
    assert rows(tmp_path, "x.data", format="lines") == {"text": ["one"]}
    assert rows(tmp_path, "x.data", format="text") == {"text": ["one\n"]}


@pytest.mark.parametrize("text", ['[{"a": 1}, {"b": "x"}]', '{"n": 2, "list": [{"a": 1}, {"b": "x"}], "of": [3]}'])
def test_a_list_of_objects_is_a_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert rows(tmp_path, "a.json") == {"a": [1, None], "b": [None, "x"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "an empty list"),
        ("7", "a JSON int"),
        ('{"a": [{"b": 1}], "c": [{"d": 1}]}', "holds no list"),
        ('[{"a": 1}', "no JSON"),
        ('{"a": 1}\n{"a": 2}\n', "Extra data"),
        ('[{"a": NaN}]', "NaN is not JSON"),
        ("[" * 100_000, "nested too deeply|no JSON"),
        ('[{"a": 1}, 2, "x"]', "2 of 3 items are no objects: item 2: a JSON int; item 3: a JSON str"),
    ],
)
def test_json_that_is_no_table(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert re.search(told, failure(tmp_path, "a.json").message)


def test_items_of_a_list_that_are_no_objects_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": 1}, 2]')
    assert rows(tmp_path, "a.json", on_error="skip") == {"a": [1]}


def test_an_address_nobody_answers_to_is_said(tmp_path: Path) -> None:
    assert "no source" in failure(tmp_path, "gopher://host/x.csv").message


def test_an_empty_file_is_refused_alone_and_told_among_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.txt").write_text("x\n")
    assert failure(tmp_path, "a.txt").message == "the file is empty"
    warnings: list[str] = []
    assert rows(tmp_path, "*.txt", warnings) == {"text": ["x"]}
    assert warnings == ["a.txt is empty"]


def test_a_pinned_digest_must_fit(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n")
    digest = files.fingerprint(files.Params(source="a.txt"), context(tmp_path))["a.txt"]
    assert rows(tmp_path, "a.txt", sha256=digest.upper()) == {"text": ["x"]}
    error = failure(tmp_path, "a.txt", sha256="0" * 64)
    assert digest in error.message
    assert "0" * 64 in error.message
    (tmp_path / "b.txt").write_text("y\n")
    both = digest_of(files.origins(files.Params(source="*.txt"), context(tmp_path)))
    assert rows(tmp_path, "*.txt", sha256=both) == {"text": ["x", "y"]}
    (tmp_path / "b.txt").rename(tmp_path / "c.txt")
    assert "checksum differs" in failure(tmp_path, "*.txt", sha256=both).message


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n" * 400_000)
    reading = files.read(files.Params(source="a.txt"), context(tmp_path))
    next(reading)
    (tmp_path / "a.txt").write_text("y\n" * 300_000)
    with pytest.raises(DataError, match="changed while it was read"):
        list(reading)


# --- compression ---------------------------------------------------------------------------------------------------


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.csv")
    with pytest.raises(DataError, match="no file but a pipe"):
        expand("rows.csv", tmp_path, "rows.csv")


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory") as raised:
        File(tmp_path, "rows.csv").digest()
    assert raised.value.where == "rows.csv"


def test_compressed_files_are_read(tmp_path: Path) -> None:
    raw = CHINESE.encode()
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(raw) + gzip.compress(raw))
    (tmp_path / "b.txt.zst").write_bytes(zstandard.compress(raw) + zstandard.compress(raw))
    (tmp_path / "c.txt").write_bytes(gzip.compress(raw * 2))  # what the bytes say counts, not the name
    for name in ("a.txt.gz", "b.txt.zst", "c.txt"):
        assert rows(tmp_path, name) == {"text": CHINESE.splitlines() * 2}


def test_damaged_archives_are_told(tmp_path: Path) -> None:
    text = "".join(f"{number} 房间很干净\n" for number in range(20_000)).encode()
    for name, packed in (("a.txt.gz", gzip.compress(text)), ("b.txt.zst", zstandard.compress(text))):
        (tmp_path / name).write_bytes(packed[: len(packed) // 2])
        error = failure(tmp_path, name)
        assert "cannot be read" in error.message
        assert error.where == name
    (tmp_path / "c.txt.gz").write_text("plain")
    assert "named as gzip" in failure(tmp_path, "c.txt.gz").message


# --- encodings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        CHINESE.encode(),
        codecs.BOM_UTF8 + CHINESE.encode(),
        CHINESE.encode("utf-16"),
        codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"),
        CHINESE.encode("utf-32"),
        CHINESE.encode("gb18030"),
        CHINESE.replace("\n", "\r\n").encode(),
        CHINESE.rstrip("\n").encode(),
    ],
    ids=["utf8", "utf8-bom", "utf16", "utf16-be", "utf32", "gb18030", "crlf", "no-last-newline"],
)
def test_encodings_are_found(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(raw)
    warnings: list[str] = []
    assert rows(tmp_path, "a.txt", warnings) == {"text": CHINESE.splitlines()}
    assert warnings == (["a.txt is not UTF-8; it is read as GB18030"] if raw == CHINESE.encode("gb18030") else [])


def test_an_encoding_is_found_when_only_the_end_of_a_large_file_tells(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"plain\n" * 500_000 + CHINESE.encode("gb18030"))
    assert rows(tmp_path, "a.txt")["text"][-2:] == CHINESE.splitlines()


def test_an_encoding_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("été à la plage\n".encode("latin-1"))
    (tmp_path / "b.txt").write_bytes("空氣很好\n".encode("big5"))
    (tmp_path / "c.txt").write_bytes(codecs.BOM_UTF8 + "好\n".encode())
    assert rows(tmp_path, "a.txt", encoding="latin-1") == {"text": ["été à la plage"]}
    assert rows(tmp_path, "b.txt", encoding="BIG5") == {"text": ["空氣很好"]}
    assert rows(tmp_path, "c.txt", encoding="utf-8") == {"text": ["好"]}
    with pytest.raises(ValidationError, match="no encoding 'utf-9'"):
        files.Params(source="a.txt", encoding="utf-9")
    with pytest.raises(ValidationError, match="no encoding 'hex'"):
        files.Params(source="a.txt", encoding="hex")


def test_traditional_characters_in_gb18030_are_found(tmp_path: Path) -> None:
    text = "這間飯店的服務態度非常親切，房間寬敞乾淨\n"
    (tmp_path / "a.txt").write_bytes(text.encode("gb18030"))
    assert rows(tmp_path, "a.txt") == {"text": [text.strip()]}


def test_another_encoding_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("plain\nun été à la plage, déjà vu\n".encode("latin-1"))
    error = failure(tmp_path, "a.txt")
    assert "byte 9 (line 2) is not UTF-8" in error.message
    assert "encoding:" in str(error.hint)
    assert error.where == "a.txt:2"
    (tmp_path / "b.txt").write_bytes(CHINESE.encode("gb18030"))
    assert "byte 0 (line 1) is not UTF-8" in failure(tmp_path, "b.txt", encoding="utf-8").message


@pytest.mark.parametrize("filler", [0, 3_000_000])
def test_mixed_encodings_are_told_with_the_byte(tmp_path: Path, filler: int) -> None:
    head = "房间很干净，服务也好\n".encode() + b"a" * filler + b"\n"
    (tmp_path / "a.txt").write_bytes(head + "早餐一般\n".encode("gb18030"))
    message = failure(tmp_path, "a.txt").message
    assert f"byte {len(head)} (line 3)" in message
    assert "mixes encodings" in message


def test_nul_bytes_are_told_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\nth\0ree\n")
    error = failure(tmp_path, "a.txt")
    assert "line 3 holds a NUL byte" in error.message
    assert error.where == "a.txt:3"


def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"short\n" + b"x" * (_text.LONGEST + 1) + b"\nshort\n")
    assert "line 2 is longer than" in failure(tmp_path, "a.txt").message
    (tmp_path / "b.csv").write_bytes(b"a,b\n1," + b"x" * (_text.LONGEST + 10))
    assert "line 2 is longer than" in failure(tmp_path, "b.csv").message
    (tmp_path / "c.txt").write_bytes((b"x" * (_text.LONGEST - 1) + b"\n") * 2)
    assert [len(text) for text in rows(tmp_path, "c.txt")["text"]] == [_text.LONGEST - 1] * 2


def test_batches_are_of_a_size_and_know_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"{number}\n" for number in range(25_000)))
    batches = list(files.read(files.Params(source="a.txt"), context(tmp_path)))
    assert max(len(batch["text"]) for batch in batches) <= 10_000
    last = batches[-1]
    assert last.where(len(last["text"]) - 1) == "a.txt:25000"  # type: ignore[attr-defined]
