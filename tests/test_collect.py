"""The stage `collect`: columns, types, provenance, secrets, and equal bytes for equal rows."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiaas import collect, plugins
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
        (self.base / name).parent.mkdir(parents=True, exist_ok=True)
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

    def dropped(self) -> list[dict[str, str]]:
        """What was left out of the last run."""
        import pyarrow as pa

        with pa.OSFile(str(self.out / "dropped.arrow")) as stream:
            return cast(list[dict[str, str]], pa.ipc.open_stream(stream).read_all().to_pylist())

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


def test_fields_that_are_parted_by_another_sign_are_told(bench: Bench) -> None:
    bench.write("a.csv", "text;label\ngood;1\n")
    error = bench.failure(TEXTS, source("a.csv"))
    assert error.message == "there is no column 'text'; there is only 'text;label'"
    assert error.hint == 'the fields seem to be parted by another sign: say delimiter: ";"'
    assert bench.rows(TEXTS, source("a.csv", delimiter=";"))["text"] == ["good"]


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


def test_columns_are_left_out_by_their_names(bench: Bench) -> None:
    bench.write("a.csv", "n,colour,kind\n1,red,a\n2,,b\n")
    found = bench.rows(CLASSES, source("a.csv", columns={"label": "kind"}, without=["n"]))
    assert list(found) == ["label", "colour", "_source", "_split"]
    missing = bench.failure(CLASSES, source("a.csv", columns={"label": "kind"}, without=["m"]))
    assert missing.message == "there is no column 'm'; there are: 'n', 'colour', 'kind'"
    both = bench.failure(CLASSES, source("a.csv", columns={"label": "kind"}, without=["kind"]))
    assert "takes 'kind', and without: leaves it out" in both.message


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
    seen: list[tuple[int, int, int | None]] = []
    bench.run(TEXTS, source("a.txt", label="a"), progress=lambda *told: seen.append(told))
    assert sorted({rows for rows, _, _ in seen}) == [0, 10_000, 20_000, 25_000]
    assert seen[-1] == (25_000, 50_000, 50_000)
    done = [read for _, read, _ in seen]
    assert done == sorted(done), "it never goes back"
    assert all(size == 50_000 for _, _, size in seen)


def test_progress_over_files_and_both_passes_of_csv(bench: Bench) -> None:
    for name in ("a.csv", "b.csv"):
        bench.write(name, "text,label\n" + "x,1\n" * 60_000)
    seen: list[tuple[int, int, int | None]] = []
    bench.run(TEXTS, source("*.csv"), progress=lambda *told: seen.append(told))
    done = [read for _, read, _ in seen]
    whole = 2 * (11 + 240_000)
    assert done == sorted(done)
    assert (seen[-1][1:], done[0] < whole // 8) == ((whole, whole), True)


# --- what is left out ----------------------------------------------------------------------------------------------


def aside(bench: Bench) -> list[dict[str, Any]]:
    import pyarrow as pa

    with pa.OSFile(str(bench.out / "dropped.arrow")) as stream:
        found = pa.ipc.open_stream(stream).read_all().to_pylist()
    return [{**row, "values": json.loads(row["values"])} for row in found]


def test_rows_left_out_are_kept_aside(bench: Bench) -> None:
    bench.write("a.csv", 'text,label\ngood,1\nx\n"y"z,1\n,2\nfine,\nbad,0\n')
    summary = bench.run(TEXTS, source("a.csv", on_error="skip"))
    assert aside(bench) == [
        {"source": "a.csv", "place": f"a.csv:{line}", "row": None, "step": "collect", "reason": reason, "values": row}
        for line, reason, row in (
            (3, "malformed: 1 field instead of 2", ["x"]),
            (4, "malformed: ',' expected after '\"'", '"y"z,1'),
            (5, "without text", {"text": None, "label": 2}),
            (6, "without label", {"text": "fine", "label": None}),
        )
    ]
    entry = summary["sources"][0]
    assert (summary["dropped"], entry["rows"]) == (4, 2)
    assert entry["dropped"] == {"malformed": 2, "without text": 1, "without label": 1}
    document = json.loads((bench.out / "provenance.json").read_text("utf-8"))
    assert document["dropped"] == {"rows": 4, "file": "dropped.arrow"}


def test_nothing_is_kept_where_nothing_went(bench: Bench) -> None:
    bench.write("a.csv", "text,label\ngood,1\n")
    assert bench.run(TEXTS, source("a.csv"))["dropped"] == 0
    assert {path.name for path in bench.out.iterdir()} == {"data.arrow", "provenance.json"}


def test_what_rows_left_out_held_is_kept_whatever_it_is(bench: Bench) -> None:
    bench.write("a.jsonl", '{"text": "x", "label": "1"}\n{"text": "\\ud800", "n": [1, {"a": 1e400}]}\nnot json \x01\n')
    bench.run(TEXTS, source("a.jsonl", on_error="skip"))
    by_line = {row["place"]: row["values"] for row in aside(bench)}
    assert by_line == {
        "a.jsonl:2": {"text": "\ud800", "label": None, "n": [1, {"a": "inf"}]},
        "a.jsonl:3": "not json \x01",
    }


def test_the_split_of_the_data_is_kept_unless_the_recipe_says_another(bench: Bench) -> None:
    import datasets

    rows = {"text": ["a", "b"], "label": ["1", "2"]}
    parts = {name: datasets.Dataset.from_dict(rows) for name in ("train", "test")}
    datasets.DatasetDict(parts).save_to_disk(str(bench.base / "d"))
    assert bench.rows(TEXTS, source("d"))["_split"] == ["train", "train", "test", "test"]
    assert bench.rows(TEXTS, source("d", split="test"))["_split"] == ["test"] * 4


def test_failures_of_a_source_keep_their_status(bench: Bench) -> None:
    assert bench.failure(TEXTS, source("a.csv", label="x")).status == 3
    assert bench.failure(TEXTS, source("package:no_such_package/a.txt", label="x")).status == 4
    bench.context = SourceContext(bench.base, bench.base / "cache", offline=True)
    assert isinstance(bench.failure(TEXTS, source("hf:someone/reviews")), RemoteError)
