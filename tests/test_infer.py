"""infer: every line is answered in its place, whatever it holds."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from typing import Any

import pytest

from aiaas import infer
from aiaas.errors import DataError, UsageError
from aiaas.infer import text
from aiaas.infer.formats import records
from aiaas.infer.written import MISSING, Written, of_recipe
from aiaas.numerals import Numerals
from tests.echo import Echo

TABLE = {"name": "string", "size": "int64", "weight": "float64", "ripe": "bool"}


def run(data: bytes, model: Any = None, **how: Any) -> tuple[list[Any], infer.Summary]:
    out = io.BytesIO()
    summary = infer.infer(model or Echo(), io.BytesIO(data), out, **how)
    return [json.loads(line) for line in out.getvalue().decode().splitlines()], summary


def lengths(answers: list[Any]) -> list[int]:
    return [each["length"] for each in answers]


def messages(answers: list[Any]) -> dict[int, str]:
    return {each["error"]["line"]: each["error"]["message"] for each in answers if "error" in each}


def test_plain_lines_are_texts() -> None:
    answers, summary = run("好\n很好\r\n\n太好了".encode())
    assert lengths(answers) == [1, 2, 0, 3]
    assert (summary.rows, summary.errors, summary.format) == (4, 0, "lines")
    summary.check()


def test_only_newlines_end_a_line() -> None:
    answers, _ = run("a\u2028b\x0bc\x85d\n\x1c\n".encode())
    assert lengths(answers) == [7, 1]


def test_order_over_many_batches() -> None:
    answers, summary = run("".join(f"{'x' * (i % 97)}\n" for i in range(5000)).encode(), batch=64)
    assert lengths(answers) == [i % 97 for i in range(5000)]
    assert summary.rows == 5000


def test_batches_are_bounded() -> None:
    model = Echo()
    run(b"x\n" * 2500, model)
    assert model.batches == [1024, 1024, 452]


@pytest.mark.parametrize("first", ['{"text": "ab"}', '"ab"'])
def test_json_lines_are_recognised(first: str) -> None:
    answers, summary = run(f'\n{first}\n{{"text": "很好"}}\n'.encode())
    assert summary.format == "jsonl"
    assert lengths(answers[1:]) == [2, 2]
    assert messages(answers) == {1: "the line is empty"}


@pytest.mark.parametrize("line", ["“好评”，他说", '"好评"，他说', "[赞] 不错"])
def test_a_text_that_begins_like_json_is_a_text(line: str) -> None:
    answers, summary = run(line.encode())
    assert summary.format == "lines"
    assert lengths(answers) == [len(line)]


def test_bad_json_lines_cost_themselves_only() -> None:
    deep = "[" * 100_000
    big = "9" * 5000
    lines = ['"a"', "{", "NaN", "1e999", deep, big, '"\\ud800"', '"\\ud83d\\ude00"', "7", '"refuse"', '"a" "b"', '"z"']
    answers, summary = run("\n".join(lines).encode(), format="jsonl")
    assert [each.get("length") for each in answers] == [1, *[None] * 6, 1, None, None, None, 1]
    found = messages(answers)
    assert found[2] == "not JSON: expecting property name enclosed in double quotes (column 2)"
    assert found[3] == "NaN is not JSON"
    assert found[4] == found[6] == "a number is too large"
    assert found[5] == "nested deeper than 32 levels"
    assert "surrogate" in found[7]
    assert found[9] == "an input must be a string"
    assert summary.errors == 9
    with pytest.raises(DataError, match="9 of 12 lines could not be answered") as caught:
        summary.check()
    assert caught.value.where == "line 2"
    assert answers[1]["error"]["code"] == "data"


def test_a_refused_batch_is_halved() -> None:
    lines = [f"text {i}" for i in range(100)]
    lines[17] = lines[80] = "poison"
    answers, summary = run("\n".join(lines).encode())
    assert messages(answers) == {18: "a text is poisoned", 81: "a text is poisoned"}
    assert summary.errors == 2
    assert [each["last"] for each in answers if "last" in each] == [t[-1] for t in lines if t != "poison"]


def test_an_answer_that_json_cannot_hold_is_an_error() -> None:
    answers, summary = run(b"a\nnan\nb\n")
    assert messages(answers) == {2: "the model's answer is not a finite number"}
    assert summary.errors == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings_are_found(encoding: str, ending: str) -> None:
    texts = ["plain", "房间很干净", "服务也好𠀀", ""]
    answers, summary = run("".join(t + ending for t in texts).encode(encoding))
    assert lengths(answers) == [len(t) for t in texts]
    assert summary.errors == 0


def test_a_damaged_line_does_not_change_the_encoding() -> None:
    lines = ["房间很干净".encode(), b"caf\xe9", "服务".encode(), "干净".encode("gb18030")]
    answers, _ = run(b"\n".join(lines))
    assert [each.get("length") for each in answers] == [5, None, 2, None]
    assert messages(answers) == {2: "byte 4 of the line is not UTF-8", 4: "byte 1 of the line is not UTF-8"}


def test_an_encoding_may_be_given() -> None:
    data = "干净".encode("gb18030")
    assert messages(run(data, encoding="utf-8")[0]) == {1: "byte 1 of the line is not UTF-8"}
    assert lengths(run(data, encoding="gb18030")[0]) == [2]


def test_latin_1_is_not_taken_for_chinese() -> None:
    answers, summary = run("Müller große Übung\nplain\nétat là\n".encode("latin-1"))
    assert summary.errors == 2
    assert messages(answers) == {1: "byte 2 of the line is not UTF-8", 3: "byte 1 of the line is not UTF-8"}


@pytest.mark.parametrize("data", ["房间".encode("utf-16"), gzip.compress(b"a\n", mtime=0), b"PK\x03\x04", b"PAR1"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="the input is") as caught:
        run(data)
    assert caught.value.hint is not None


def test_empty_input() -> None:
    assert run(b"")[1].rows == 0
    assert run(b"\xef\xbb\xbf")[1].rows == 0
    assert run(b"", Echo(TABLE))[1].rows == 0


def test_a_line_beyond_the_limit_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BLOCK", 1 << 10)
    monkeypatch.setattr(text, "LINE_LIMIT", 1 << 20)
    answers, _ = run(b"a\n" + b"x" * (3 << 20) + b"\nbb\nccc")
    assert [each.get("length") for each in answers] == [1, None, 2, 3]
    assert messages(answers) == {2: "the line is longer than 1 MiB"}


def test_lines_are_whole_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "".join(f'{i},"甲\n乙 {i}"\r\n' for i in range(200))
    for size in (1, 7, 64):
        monkeypatch.setattr(text, "BLOCK", size)
        answers, _ = run(("id,text\r\n" + data).encode(), format="csv")
        assert [each["length"] for each in answers] == [4 + len(str(i)) for i in range(200)]


def test_csv_of_texts() -> None:
    data = 'label,text\npos,"好, 很好"\nneg,"two\nlines"\n\nragged\npos,x\n'
    answers, summary = run(data.encode(), name="reviews.CSV")
    assert summary.format == "csv"
    assert [each.get("length") for each in answers] == [5, 9, None, None, 1]
    assert messages(answers) == {5: "the line is empty", 6: "1 cells, the header has 2"}


def test_csv_rows_are_typed() -> None:
    data = "weight,size,ripe,name,label\n1.5,3,true,a,x\n,,,,\nnan,3.0,0,b,y\nheavy,inf,maybe,c,z\n1_0,１,NA,007,\n"
    answers, summary = run(data.encode(), Echo(TABLE))
    assert summary.unused == ("label",)
    assert [each["row"] for each in answers] == [
        {"name": "a", "size": 3, "weight": 1.5, "ripe": True},
        {"name": None, "size": None, "weight": None, "ripe": None},
        {"name": "b", "size": 3.0, "weight": None, "ripe": False},
        {"name": "c", "size": "inf", "weight": "heavy", "ripe": "maybe"},
        {"name": "007", "size": "１", "weight": "1_0", "ripe": None},
    ]


def test_tsv() -> None:
    answers, _ = run(b"text\tid\na,b\t1\n", name="x.tsv")
    assert lengths(answers) == [3]


def test_a_stray_quote_costs_its_own_line() -> None:
    data = 'text,id\na,1\n"open,2\nbb,3\nccc,4\n"x"y,5\ndddd,6\n'
    answers, _ = run(data.encode(), format="csv")
    assert [each.get("length") for each in answers] == [1, None, 2, 3, None, 4]
    assert set(messages(answers)) == {3, 6}


def test_csv_with_bytes_that_are_no_text() -> None:
    answers, _ = run(b"text,id\n\xe5\xa5\xbd,1\ncaf\xe9,2\nx,3\n", format="csv")
    assert [each.get("length") for each in answers] == [1, None, 1]
    assert messages(answers) == {3: "byte 4 of the line is not UTF-8"}


@pytest.mark.parametrize(
    ("header", "message"), [("review,label", "none of the model's columns"), ("text,text", "more than once")]
)
def test_a_header_that_does_not_fit(header: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        run(f"{header}\na,b\n".encode(), format="csv")


def test_a_file_is_read_as_the_one_that_was_learned_from() -> None:
    written = Written({"评论": "text", "size_cm": "size", "other": "weight"}, MISSING | {"-"})
    answers, summary = run("id,评论\n1,好\n".encode(), format="csv", written=written)
    assert [each["length"] for each in answers] == [1]
    assert summary.unused == ("id",)
    assert [each["length"] for each in run("text,评论\na,好的\n".encode(), format="csv", written=written)[0]] == [1]
    answers, summary = run(b"size_cm,weight,other\n-,2,3\n", Echo(TABLE), format="csv", written=written)
    assert summary.unused == ("other",)
    european = Written(delimiter=";", numerals=Numerals(",", "."))
    semicolons = run(b"size;weight\n1;2.342,5\n", Echo(TABLE), format="csv", written=european)[0]
    assert semicolons == run(b"size,weight\n1,2342.5\n", Echo(TABLE), format="csv", written=european)[0]
    assert semicolons == run(b'{"size": 1, "weight": 2342.5}\n', Echo(TABLE))[0]
    assert answers[0] == run(b'{"size": null, "weight": 2}\n', Echo(TABLE))[0][0]
    latin = Written(encoding="cp1252")
    for encoding in ("cp1252", "utf-8"):  # characters of UTF-8 are seen, whatever was learned from
        assert run("text\nSüden\n".encode(encoding), format="csv", written=latin)[0][0]["length"] == 5


def test_a_recipe_says_how_its_rows_are_written() -> None:
    said = of_recipe(
        "collect:\n- {source: a.csv, columns: {text: 评论}, missing: ['', '-'], delimiter: ;, decimal: ','"
        ", thousands: ., encoding: cp1252}\n"
        "- {source: b.csv, columns: null, missing: null, delimiter: null}\n"
    )
    assert said == Written({"评论": "text"}, MISSING | {"-"}, ";", Numerals(",", "."), "cp1252")
    assert of_recipe("collect: [{source: a.csv, encoding: utf-16}]").encoding is None
    assert of_recipe("collect: [{source: a.csv, delimiter: ;}, {source: b.csv, delimiter: '|'}]").delimiter == ","


def test_tables_default_to_csv_and_take_json() -> None:
    assert run(b"size,weight\n1,2\n", Echo(TABLE))[1].format == "csv"
    assert run(b'{"size": 1}\n', Echo(TABLE))[1].format == "jsonl"
    with pytest.raises(UsageError, match="does not hold all that"):
        run(b"a\n", Echo(TABLE), format="lines")
    with pytest.raises(UsageError, match="no format"):
        run(b"a\n", format="xml")


def test_what_stands_ready_is_answered_at_once() -> None:
    """A producer that waits for the answer before it writes the next line is not left waiting."""
    ours, theirs = os.pipe()
    back, forth = os.pipe()
    with (
        os.fdopen(ours, "rb") as source,
        os.fdopen(forth, "wb") as sink,
        os.fdopen(theirs, "wb", 0) as say,
        os.fdopen(back, "rb") as hear,
    ):
        worker = threading.Thread(target=infer.infer, args=(Echo(), source, sink))
        worker.start()
        for size in (1, 5, 3):
            say.write(b"x" * size + b"\n")
            assert json.loads(hear.readline())["length"] == size
        say.close()
        worker.join()


def test_memory_does_not_grow_with_the_input() -> None:
    class Endless(io.RawIOBase):
        left = 100

        def read1(self, size: int) -> bytes:
            self.left -= 1
            return b"a line of some length, to be counted\n" * 1000 if self.left >= 0 else b""

    class Nowhere(io.RawIOBase):
        def write(self, data: Any) -> int:
            return len(data)

    tracemalloc.start()
    try:
        summary = infer.infer(Echo(), Endless(), Nowhere())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert summary.rows == 100_000  # their answers alone would be 50 MB
    assert peak < 3_000_000


def test_records_say_where_each_begins() -> None:
    _, parts = records([["text,id", '"a', 'b",1', "c,2"]], Echo().signature, "csv")
    assert [(part.inputs, list(part.lines)) for part in parts] == [(["a\nb", "c"], [2, 4])]


def test_nothing_heavy_is_imported() -> None:
    heavy = ("fastapi", "uvicorn", "httpx", "numpy")
    code = f"import sys, aiaas.infer, aiaas.serve; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
