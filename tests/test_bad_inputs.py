"""Sources that are damaged, lie, change or are far too large: each is told with its place, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_collect import CLASSES, TEXTS, Bench, bench, source
from test_disk import PRIVATE_MOUNT, mounts_allowed

from aiaas.sources import files

__all__ = ["bench"]

MEASURE = """
import resource, sys
from pathlib import Path
import pyarrow
from aiaas.contracts import SourceContext
from aiaas.errors import AiaasError
from aiaas.sources import files

base = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    list(files.read(files.Params(source=sys.argv[2]), SourceContext(base, base / "cache")))
except AiaasError as error:
    print(error.where, error.message, sep="|")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt", "q.csv"])
def test_100_mb_on_one_line(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as stream:
        stream.write(b'text,label\ngood,1\n"' if name == "q.csv" else b"text,label\ngood,1\n")
        for _ in range(100):
            stream.write(b"x" * 2**20)
    words = [sys.executable, "-c", MEASURE, str(tmp_path), name]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    told, kilobytes = done.stdout.splitlines()
    assert told == f"{name}:3|line 3 is longer than 16,777,216 characters"
    assert int(kilobytes) < 150_000


def test_a_quoted_field_without_end_is_refused_within_a_limit(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as stream:
        stream.write(b'text,label\n"')
        for _ in range(60):
            stream.write(b"word word word\n" * 70_000)
    words = [sys.executable, "-c", MEASURE, str(tmp_path), "a.csv"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    told, kilobytes = done.stdout.splitlines()
    assert told == "a.csv:2|a quotation mark that opens in line 2 is never closed"
    assert int(kilobytes) < 200_000


def test_a_column_that_changes_its_type_at_row_900_000(bench: Bench) -> None:
    lines = '{"label":"a","n":1}\n' * 900_000
    bench.write("a.jsonl", lines + '{"label":"a","n":"many"}\n')
    error = bench.failure(CLASSES, source("a.jsonl"))
    assert error.message == "column 'n' holds numbers until row 900,000, then 'many'"
    assert error.where == "a.jsonl:900001"
    bench.write("b.csv", "label,n\n" + "a,1\n" * 900_000 + "a,many\n")
    bench.run(CLASSES, source("b.csv"))
    assert bench.warnings == [
        "b.csv: column 'n' is kept as text, for line 900002 holds 'many'; before it stand 900,000 numbers"
    ]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_nested_10_000_deep(bench: Bench, opening: str) -> None:
    deep = opening * 10_000 + "1" + {"[": "]", '{"a":': "}"}[opening] * 10_000
    bench.write("a.jsonl", f'{{"text": "good", "label": "1"}}\n{{"text": {deep}, "label": "1"}}\n')
    error = bench.failure(TEXTS, source("a.jsonl"))
    assert error.message == "1 malformed row: line 2: JSON nested too deeply"
    summary = bench.run(TEXTS, source("a.jsonl", on_error="skip"))
    assert (summary["rows"], summary["dropped"]) == (1, 1)


def test_nul_bytes_and_mixed_encodings_are_told_with_their_line(bench: Bench) -> None:
    good = "text,label\n" + "房间很干净,1\n" * 20
    (bench.base / "a.csv").write_bytes(good.encode() + b"ba\0d,0\n")
    error = bench.failure(TEXTS, source("a.csv"))
    assert (error.where, "NUL" in error.message) == ("a.csv:22", True)
    (bench.base / "b.csv").write_bytes(good.encode() + "早餐一般,0\n".encode("gb18030"))
    error = bench.failure(TEXTS, source("b.csv"))
    assert (error.where, "mixes encodings" in error.message) == ("b.csv:22", True)
    (bench.base / "c.csv").write_bytes(good.encode("gb18030") + b"\xff\xff,0\n")
    assert bench.failure(TEXTS, source("c.csv")).where is not None


LINES = {"csv": "{text},1", "jsonl": '{{"text": "{text}", "label": "1"}}', "txt": "{text}"}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("ending", LINES)
def test_a_few_damaged_lines_may_be_left_out_and_are_kept_aside(bench: Bench, ending: str, encoding: str) -> None:
    texts = [f"{n} 房间很干净" for n in range(200)]
    lines = [LINES[ending].format(text=text).encode(encoding) for text in texts]
    lines[50] = lines[50].replace(b"50", b"5\0")
    lines[120] = lines[120].replace(b"120", b"\xff\xfe")
    head = [b"text,label"] if ending == "csv" else []
    name = f"a.{ending}"
    (bench.base / name).write_bytes(b"\n".join([*head, *lines]))
    said: dict[str, Any] = {"label": "1", "format": "lines"} if ending == "txt" else {}
    error = bench.failure(TEXTS, source(name, **said))
    assert "on_error: skip" in str(error.hint)
    found = bench.rows(TEXTS, source(name, on_error="skip", **said))
    assert found["text"] == [text for n, text in enumerate(texts) if n not in (50, 120)]
    first, second = (f"{name}:{n + len(head) + 1}" for n in (50, 120))
    kept = bench.dropped()
    assert [(row["place"], row["reason"]) for row in kept] == [
        (first, "malformed: a NUL byte"),
        (second, f"malformed: bytes that are not {encoding.upper()}"),
    ]
    assert "房间很干净" in kept[0]["values"]
    assert any("2 malformed rows passed over, 198 kept" in each for each in bench.warnings)


def test_what_is_no_text_is_not_taken_for_text_with_damaged_lines(bench: Bench) -> None:
    for name, data in {
        "a.csv": bytes(range(256)) * 100,
        "b.csv": "text,label\ngood,1\n".encode("utf-16-le") * 50,
        "c.csv": b"text,label\n" + "très bien,1\n".encode("cp1252") * 50,
    }.items():
        (bench.base / name).write_bytes(data)
        assert bench.failure(TEXTS, source(name, on_error="skip")).where
    (bench.base / "d.csv").write_bytes(b"text,label\n" + "房间,1\n".encode() * 50 + b"x" * 17 * 2**20 + b"\xff")
    assert "is longer than" in bench.failure(TEXTS, source("d.csv", on_error="skip")).message


def test_a_document_that_is_no_text_may_be_left_out(bench: Bench) -> None:
    for label in ("pos", "neg"):
        for number in range(5):
            bench.write(f"mail/{label}/{number}.txt", f"{label} {number}")
    (bench.base / "mail" / "pos" / "2.txt").write_bytes(b"\0\1\2")
    bench.write("mail/pos/3.txt", "")
    assert bench.failure(TEXTS, source("mail")).where == "mail/pos/2.txt:1"
    bench.run(TEXTS, source("mail", on_error="skip"))
    assert [row["place"] for row in bench.dropped()] == ["mail/pos/2.txt", "mail/pos/3.txt"]


def test_a_file_that_changes_while_it_is_read(bench: Bench) -> None:
    bench.write("a.csv", "text,label\n" + "good,1\n" * 30_000)
    batches = files.read(files.Params(source="a.csv"), bench.context)
    next(batches)
    bench.write("a.csv", "text,label\n" + "bad,0\n" * 40_000)
    with pytest.raises(Exception, match=r"changed while it was read|never closed|malformed"):
        list(batches)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.parquet", b"PAR1" + b"x" * 500 + b"PAR1"),
        ("a.parquet", b"\x89PNG no table"),
        ("a.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\3abc"),
        ("a.csv.gz", b"text,label\ngood,1\n"),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfd broken"),
        ("a.xlsx", b"<html>please log in</html>"),
        ("a.zip", b"<html>please log in</html>"),
        ("a.arrow", b"<html>please log in</html>"),
        ("a.jsonl", b"<html>please log in</html>\n"),
        ("a.npz", b"PK\3\4 broken"),
    ],
)
def test_files_that_lie_about_their_type(bench: Bench, name: str, data: bytes) -> None:
    (bench.base / name).write_bytes(data)
    error = bench.failure(TEXTS, source(name))
    assert error.status == 3
    assert str(error.where).startswith(name)


def test_rows_dropped_at_the_end_of_a_failing_source_leave_no_file(bench: Bench) -> None:
    bench.write("a.csv", "text,label\n,1\ngood,1\n")
    bench.write("b.jsonl", '{"text": ["x"], "label": 1}\n')
    bench.failure(TEXTS, source("a.csv"), source("b.jsonl"))


RECIPE = """\
schema: 1
name: tiny
task: text-classification
collect:
  - {source: data.tar.gz, on_error: skip}
model: {backend: sklearn, architecture: naive_bayes}
"""


@pytest.mark.skipif(not mounts_allowed(), reason="no mount namespaces for this user here")
@pytest.mark.parametrize("kilobytes", [60, 200, 500, 900])
def test_a_disk_that_fills_while_an_archive_is_unpacked(project: Path, kilobytes: int) -> None:
    import tarfile

    lines = "".join(f"{n} 房间很干净,{n % 2}\n" if n % 9 else f"{n} ragged\n" for n in range(20_000))
    (project / "data.csv").write_text(f"text,label\n{lines}", "utf-8")
    with tarfile.open(project / "data.tar.gz", "w:gz") as archive:
        archive.add(project / "data.csv", "data.csv")
    (project / "archive.yaml").write_text(RECIPE)
    (project / "small").mkdir()
    collect = f"AIAAS_TRACKING=off {sys.executable} -m aiaas collect archive.yaml --workspace small --json"
    script = f"""
        mount -t tmpfs -o size={kilobytes}k none small || exit 99
        {collect}; echo "first $?" >&2
        ls -A small/downloads small/tmp >&2
        mount -o remount,size=64m small || exit 99
        {collect}; echo "second $?" >&2
    """
    words = [*PRIVATE_MOUNT, "bash", "-c", script]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    assert "first 3" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert "unpacked-" not in done.stderr
    assert "second 0" in done.stderr, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["error"]["message"] == "the disk is full"
    assert second["stages"][0]["name"] == "collect"


def test_ten_more_that_nobody_asked_for(bench: Bench) -> None:
    cases: dict[str, Any] = {
        "bom.csv": "\ufefftext,label\ngood,1\n",
        "cr.csv": "text,label\rgood,1\r",
        "blank.csv": "\n\n\ntext,label\n\n\ngood,1\n\n",
        "tab.tsv": "text\tlabel\ngood, very\t1\n",
        "wide.csv": "text,label," + ",".join(f"c{n}" for n in range(5000)) + "\ngood,1" + ",0" * 5000 + "\n",
        "crlf.jsonl": '{"text": "good", "label": 1}\r\n\r\n',
    }
    for name, text in cases.items():
        (bench.base / name).write_bytes(text.encode())
        assert bench.rows(TEXTS, source(name))["label"] == ["1"], name
    for name, text, told in (
        ("header.csv", '"text,label\ngood,1\n', "never closed"),
        ("key.jsonl", '{"text": "a", "label": 1}\n{"text": "a"', "not JSON"),
        ("list.jsonl", "[1, 2]\n", "a JSON list, not an object"),
        ("nan.jsonl", '{"text": "a", "label": NaN}\n', "NaN is not JSON"),
    ):
        bench.write(name, text)
        assert told in bench.failure(TEXTS, source(name)).message, name
