"""What the stage `collect` does to values, and that equal rows give equal bytes."""

from __future__ import annotations

import gzip
import json

import pytest
from test_collect import CLASSES, NUMBERS, TEXTS, Bench, bench, source

from aiaas.collect import writer
from aiaas.errors import DataError

__all__ = ["bench"]

# --- values --------------------------------------------------------------------------------------------------------


def test_texts_and_labels_are_strings(bench: Bench) -> None:
    bench.write("a.jsonl", '{"text": 12, "label": 1.0}\n{"text": 1.5, "label": true}\n{"text": "x", "label": 7}\n')
    found = bench.rows(TEXTS, source("a.jsonl"))
    assert found["text"] == ["12", "1.5", "x"]
    assert found["label"] == ["1", "true", "7"]
    bench.write("b.jsonl", '{"text": "x", "label": "1"}\n{"text": ["x"], "label": "1"}\n')
    error = bench.failure(TEXTS, source("b.jsonl"))
    assert "holds a list where text is wanted" in error.message
    assert error.where == "b.jsonl:2"


def test_rows_without_text_or_label_are_counted(bench: Bench) -> None:
    bench.write(
        "a.jsonl", '{"text": "x", "label": "1"}\n{"text": " \\t", "label": "1"}\n{"text": "y"}\n{"label": "1"}\n'
    )
    summary = bench.run(TEXTS, source("a.jsonl"))
    assert summary["rows"] == 1
    assert summary["sources"][0]["read"] == 4
    assert summary["sources"][0]["dropped"] == {"without text": 2, "without label": 1}
    assert bench.warnings == ["a.jsonl: of 4 rows, 2 without text, 1 without label were left out"]


def test_a_target_is_a_number_or_the_place_is_told(bench: Bench) -> None:
    bench.write("a.jsonl", '{"target": 1, "n": 1}\n{"target": "2.5", "n": 2}\n{"target": null, "n": 3}\n')
    assert bench.rows(NUMBERS, source("a.jsonl"))["target"] == [1.0, 2.5]
    bench.write("b.csv", "target,n\n1,1\n,2\ndear,3\n")
    error = bench.failure(NUMBERS, source("b.csv"))
    assert error.message == "column 'target' holds 'dear', which is no number"
    assert error.where == "b.csv:4"
    bench.write("c.csv", "target,n\n1e999,1\n")
    assert "infinite" in bench.failure(NUMBERS, source("c.csv")).message


def test_types_widen_but_do_not_change(bench: Bench) -> None:
    lines = [{"label": "a", "n": 1, "late": None}] * 15_000 + [{"label": "a", "n": 0.5, "late": "x"}] * 15_000
    bench.write("a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    found = bench.rows(CLASSES, source("a.jsonl"))
    assert found["n"] == [1.0] * 15_000 + [0.5] * 15_000
    assert found["late"] == [None] * 15_000 + ["x"] * 15_000
    bench.write("b.jsonl", "".join(json.dumps(line) + "\n" for line in [*lines, {"label": "a", "n": "many"}]))
    error = bench.failure(CLASSES, source("b.jsonl"))
    assert error.message == "column 'n' holds numbers until row 30,000, then 'many'"
    assert error.where == "b.jsonl:30001"


def test_values_that_no_column_holds_are_refused(bench: Bench) -> None:
    for value, told in (("[1]", "holds a list"), ("1" * 30, "64 bits"), ('"\\ud800"', "surrogate")):
        bench.write("a.jsonl", f'{{"label": "a", "n": {value}}}\n')
        assert told in bench.failure(CLASSES, source("a.jsonl")).message


def test_dates_and_decimals_of_parquet(bench: Bench) -> None:
    from datetime import date
    from decimal import Decimal

    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"label": ["a"], "day": [date(2026, 1, 2)], "price": [Decimal("1.50")], "x": [float("nan")]})
    parquet.write_table(table, bench.base / "a.parquet")
    found = bench.rows(CLASSES, source("a.parquet"))
    assert (found["day"], found["price"], found["x"]) == (["2026-01-02"], [1.5], [None])


@pytest.mark.parametrize("text", ["text,label\n", "text,label\n,1\n"])
def test_no_rows_are_an_error(bench: Bench, text: str) -> None:
    bench.write("a.csv", text)
    error = bench.failure(TEXTS, source("a.csv"))
    assert isinstance(error, DataError)
    assert "no rows" in error.message


# --- the same bytes ------------------------------------------------------------------------------------------------


def test_equal_rows_give_equal_bytes(bench: Bench) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    count = 25_000
    rows = {"text": [f"{n} 房间" for n in range(count)], "label": [str(n % 2) for n in range(count)]}
    parquet.write_table(pa.table(rows), bench.base / "a.parquet", row_group_size=777)
    lines = (json.dumps({"label": b, "text": a}) + "\n" for a, b in zip(*rows.values(), strict=True))
    (bench.base / "b.jsonl.gz").write_bytes(gzip.compress("".join(lines).encode()))
    digests = set()
    for name in ("a.parquet", "b.jsonl.gz", "a.parquet"):
        bench.run(TEXTS, source(name))
        digests.add(bench.digest())
    assert len(digests) == 1
    bench.write("c.csv", "text,label\n1,2\n")
    bench.run(TEXTS, source("c.csv"))
    assert bench.digest() not in digests


def test_equal_rows_give_equal_bytes_when_types_are_known_late(bench: Bench) -> None:
    count = 25_000
    early = [{"label": "a", "n": float(n), "t": "x" if n == count - 1 else None} for n in range(count)]
    late = [{**row, "n": n if n < count - 1 else float(n)} for n, row in enumerate(early)]
    for name, rows in (("early.jsonl", early), ("late.jsonl", late)):
        bench.write(name, "".join(json.dumps(row) + "\n" for row in rows))
    bench.run(CLASSES, source("early.jsonl"))
    digest = bench.digest()
    bench.run(CLASSES, source("late.jsonl"))
    assert bench.digest() == digest
    assert [path.name for path in sorted(bench.out.iterdir())] == ["data.arrow", "provenance.json"]


def test_long_texts_make_short_batches(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    monkeypatch.setattr(writer, "CHARACTERS", 1000)
    bench.write("a.txt", "".join("x" * (n % 700 + 1) + "\n" for n in range(2000)))
    found = bench.rows(TEXTS, source("a.txt", label="a"))
    assert [len(text) for text in found["text"]] == [n % 700 + 1 for n in range(2000)]
    with pa.OSFile(str(bench.out / "data.arrow")) as stream:
        batches = [batch.to_pydict() for batch in pa.ipc.open_stream(stream)]
    sizes = [sum(map(len, batch["text"] + batch["label"])) for batch in batches]
    assert max(sizes) <= 1000 + 700
    assert all(size >= 1000 for size in sizes[:-1])
