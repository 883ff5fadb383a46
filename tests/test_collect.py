"""The stage `collect`: columns, types, provenance, secrets, and equal bytes for equal rows."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiaas import collect, plugins
from aiaas.collect import writer
from aiaas.contracts import Column, SourceContext, SourceParams, Task
from aiaas.errors import AiaasError, DataError, RemoteError

TEXTS = cast(Task, SimpleNamespace(COLUMNS=(Column("text", "text"), Column("label", "label")), OPEN=False))
CLASSES = cast(Task, SimpleNamespace(COLUMNS=(Column("label", "label"),), OPEN=True))
NUMBERS = cast(Task, SimpleNamespace(COLUMNS=(Column("target", "number"),), OPEN=True))


def source(address: str, **said: Any) -> SourceParams:
    return plugins.source(address).Params(source=address, **said)


class Bench:
    """A folder to write data into, and collecting from it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.warnings: list[str] = []
        self.context = SourceContext(base, base / "cache", warn=self.warnings.append)
        self.runs = 0

    def write(self, name: str, text: str) -> None:
        (self.base / name).write_text(text, "utf-8")

    def run(self, task: Task, *sources: SourceParams, **more: Any) -> dict[str, Any]:
        self.runs += 1
        self.out = self.base / f"out{self.runs}"
        self.out.mkdir()
        return collect.collect(sources, task, self.context, self.out, **more)

    def rows(self, task: Task, *sources: SourceParams, **more: Any) -> dict[str, list[Any]]:
        import pyarrow as pa

        self.run(task, *sources, **more)
        with pa.OSFile(str(self.out / "data.arrow")) as stream:
            return cast(dict[str, list[Any]], pa.ipc.open_stream(stream).read_all().to_pydict())

    def digest(self) -> str:
        return hashlib.sha256((self.out / "data.arrow").read_bytes()).hexdigest()

    def failure(self, task: Task, *sources: SourceParams, **more: Any) -> AiaasError:
        with pytest.raises(AiaasError) as caught:
            self.run(task, *sources, **more)
        assert list(self.out.iterdir()) == []
        return caught.value


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# --- columns -------------------------------------------------------------------------------------------------------


def test_a_text_task_gets_its_columns_and_no_others(bench: Bench) -> None:
    bench.write("a.csv", "review,cat,stars\ngood,1,5\nbad,0,1\n")
    bench.write("b.txt", "fine\n")
    mapped = source("a.csv", columns={"text": "review", "label": "cat"}, split="train")
    assert bench.rows(TEXTS, mapped, source("b.txt", label="1")) == {
        "text": ["good", "bad", "fine"],
        "label": ["1", "0", "1"],
        "_source": [0, 0, 1],
        "_split": ["train", "train", None],
    }


def test_the_file_is_one_that_datasets_reads(bench: Bench) -> None:
    import datasets

    bench.write("a.csv", "text,label\ngood,1\n")
    bench.run(TEXTS, source("a.csv"))
    data = datasets.Dataset.from_file(str(bench.out / "data.arrow"))
    assert data[0] == {"text": "good", "label": "1", "_source": 0, "_split": None}


def test_a_missing_column_names_those_there_are(bench: Bench) -> None:
    bench.write("a.csv", "texte,cat\ngood,1\n")
    error = bench.failure(TEXTS, source("a.csv"))
    assert isinstance(error, DataError)
    assert error.message == "there is no column 'text'; there are: 'texte', 'cat'"
    assert error.where == "a.csv"
    assert "columns: {text: texte}" in str(error.hint)
    assert "label:" in str(bench.failure(TEXTS, source("a.csv", columns={"text": "texte"})).hint)
    assert "no column 'review'" in bench.failure(TEXTS, source("a.csv", columns={"text": "review"})).message


def test_mappings_that_make_no_sense_are_refused(bench: Bench) -> None:
    bench.write("a.csv", "text,label,target\ngood,1,2\n")
    assert "which the task has not" in bench.failure(TEXTS, source("a.csv", columns={"titel": "text"})).message
    both = source("a.csv", label="x", columns={"label": "label"})
    assert "exclude each other" in bench.failure(TEXTS, both).message
    assert "this one has none" in bench.failure(NUMBERS, source("a.csv", label="x")).message
    clash = bench.failure(CLASSES, source("a.csv", columns={"target": "text"}))
    assert "'target'" in clash.message
    bench.write("b.csv", "_split,label\n1,2\n")
    assert "'_split'" in bench.failure(CLASSES, source("b.csv")).message


def test_an_open_task_keeps_every_column(bench: Bench) -> None:
    bench.write("a.csv", "n,colour,kind,x\n1,red,a,\n2,,b,0.5\n")
    assert bench.rows(CLASSES, source("a.csv", columns={"label": "kind", "size": "n"})) == {
        "label": ["a", "b"],
        "size": [1, 2],
        "colour": ["red", None],
        "x": [None, 0.5],
        "_source": [0, 0],
        "_split": [None, None],
    }


def test_a_column_to_split_by_is_kept(bench: Bench) -> None:
    bench.write("a.csv", "text,label,part,other\ngood,1,train,x\nbad,0,test,y\n")
    found = bench.rows(TEXTS, source("a.csv"), keep=["part"])
    assert list(found) == ["text", "label", "part", "_source", "_split"]
    assert found["part"] == ["train", "test"]
    assert "'fold'" in bench.failure(TEXTS, source("a.csv"), keep=["fold"]).message


def test_sources_of_differing_columns_are_refused(bench: Bench) -> None:
    bench.write("a.csv", "label,n\n1,2\n")
    bench.write("b.csv", "label,m\n1,2\n")
    error = bench.failure(CLASSES, source("a.csv"), source("b.csv"))
    assert error.message == "it lacks 'n' and adds 'm' compared with a.csv"


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
        sizes = [sum(map(len, batch["text"].to_pylist())) for batch in pa.ipc.open_stream(stream)]
    assert max(sizes) < 1000 + 700
    assert all(size >= 1000 for size in sizes[:-1])


# --- fingerprint, provenance, secrets ------------------------------------------------------------------------------


def test_the_fingerprint_is_of_content_and_parameters(bench: Bench) -> None:
    bench.write("a.csv", "text,label\ngood,1\n")
    before = collect.fingerprint([source("a.csv")], bench.context)
    assert before == collect.fingerprint([source("a.csv")], bench.context)
    assert json.loads(json.dumps(before)) == before
    assert collect.fingerprint([source("a.csv", split="test")], bench.context) != before
    assert collect.fingerprint([source("a.csv")], bench.context, keep=["x"]) != before
    bench.write("a.csv", "text,label\ngood,2\n")
    assert collect.fingerprint([source("a.csv")], bench.context) != before


def test_a_source_that_changed_since_its_fingerprint_is_refused(bench: Bench) -> None:
    bench.write("a.csv", "text,label\ngood,1\n")
    before = collect.fingerprint([source("a.csv")], bench.context)
    bench.run(TEXTS, source("a.csv"), expected=before)
    bench.write("a.csv", "text,label\nbetter,1\n")
    with pytest.raises(DataError, match="changed while it was collected"):
        bench.run(TEXTS, source("a.csv"), expected=before)


def test_provenance(bench: Bench) -> None:
    (bench.base / "a.csv").write_bytes("text,label\n好,1\n差,0\nx\n".encode("gb18030"))
    bench.run(TEXTS, source("a.csv", licence="CC0", on_error="skip"))
    document = json.loads((bench.out / "provenance.json").read_text("utf-8"))
    assert document["rows"] == 2
    (entry,) = document["sources"]
    assert entry["sha256"] == hashlib.sha256((bench.base / "a.csv").read_bytes()).hexdigest()
    assert (entry["bytes"], entry["rows"], entry["licence"]) == ((bench.base / "a.csv").stat().st_size, 2, "CC0")
    assert entry["when"].endswith("+00:00")
    assert entry["warnings"] == bench.warnings
    assert ["GB18030" in bench.warnings[0], "line 4" in bench.warnings[1]] == [True, True]
    assert [origin["location"] for origin in entry["origins"]] == ["a.csv"]


def test_secrets_are_used_and_never_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_FOLDER", "hush-hush")
    (bench.base / "hush-hush").mkdir()
    bench.write("hush-hush/a.csv", "text,label\ngood,1\nragged\n")
    params = source("${env:DATA_FOLDER}/a.csv", on_error="skip")
    told = json.dumps([collect.fingerprint([params], bench.context), bench.run(TEXTS, params), bench.warnings])
    written = (bench.out / "provenance.json").read_text("utf-8")
    assert "hush-hush" not in told + written
    assert "${env:DATA_FOLDER}/a.csv" in written
    error = bench.failure(TEXTS, source("${env:DATA_FOLDER}/b.csv"))
    assert "hush-hush" not in json.dumps(error.as_dict())


def test_progress_is_told(bench: Bench) -> None:
    bench.write("a.txt", "x\n" * 25_000)
    seen: list[int] = []
    bench.run(TEXTS, source("a.txt", label="a"), progress=seen.append)
    assert seen == [10_000, 20_000, 25_000]


def test_failures_of_a_source_keep_their_status(bench: Bench) -> None:
    assert bench.failure(TEXTS, source("a.csv", label="x")).status == 3
    assert bench.failure(TEXTS, source("package:no_such_package/a.txt", label="x")).status == 4
    bench.context = SourceContext(bench.base, bench.base / "cache", offline=True)
    assert isinstance(bench.failure(TEXTS, source("hf:someone/reviews")), RemoteError)
