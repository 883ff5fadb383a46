"""The preprocess stage: real Arrow files in, real Arrow files out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from aiaas import steps
from aiaas.contracts import Advance, Column, Task
from aiaas.errors import DataError
from aiaas.preprocess import preprocess, split
from aiaas.recipe.split import TimeSplit

TEXT: Any = SimpleNamespace(COLUMNS=(Column("text", "text"), Column("label", "label")), OPEN=False)
TABLE: Any = SimpleNamespace(COLUMNS=(Column("label", "label"),), OPEN=True)
NUMBER: Any = SimpleNamespace(COLUMNS=(Column("target", "number"),), OPEN=True)
PARTS = ("train", "validation", "test")


@dataclass
class Cut:
    train: float = 0.7
    validation: float = 0.1
    test: float = 0.2
    stratify: bool = True
    column: str | None = None
    stable: bool = False
    group: str | None = None
    time: TimeSplit | None = None
    folds: int | None = None
    fold: int | None = None


@dataclass
class Section:
    steps: Sequence[Any] = ()
    split: Cut = field(default_factory=Cut)


def section(*names: str, params: dict[str, Any] | None = None, **cut: Any) -> Any:
    return Section([SimpleNamespace(name=name, params=params or {}) for name in names], Cut(**cut))


def write(
    path: Path, columns: dict[str, list[Any]], types: dict[str, pa.DataType] | None = None, size: int = 7
) -> Path:
    table = pa.table({name: pa.array(values, type=(types or {}).get(name)) for name, values in columns.items()})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=size)
    return path


def reviews(count: int, labels: str = "ab") -> dict[str, list[Any]]:
    return {"text": [f"review {n}" for n in range(count)], "label": [labels[n % len(labels)] for n in range(count)]}


class Stage:
    """Runs the stage on columns and reads back what it wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = 0

    def __call__(self, columns: dict[str, list[Any]], what: Any, task: Task = TEXT, seed: int = 0, **how: Any) -> Any:
        self.runs += 1
        self.out = self.folder / f"out{self.runs}"
        self.out.mkdir()
        self.collected = write(self.folder / f"data{self.runs}.arrow", columns, **how)
        return preprocess(what, seed, task, self.collected, self.out)

    def rows(self, part: str) -> Dataset:
        return Dataset.from_file(str(self.out / f"{part}.arrow"))

    def column(self, name: str) -> dict[str, list[Any]]:
        return {part: list(self.rows(part)[name]) for part in PARTS}

    def refused(self, columns: dict[str, list[Any]], what: Any, task: Task = TEXT, **how: Any) -> DataError:
        with pytest.raises(DataError) as caught:
            self(columns, what, task, **how)
        assert caught.value.status == 3
        assert caught.value.where
        assert caught.value.hint
        assert not list(self.out.glob(".rows*"))
        return caught.value


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


class TestFiles:
    def test_writes_datasets_that_huggingface_reads(self, stage: Stage) -> None:
        summary = stage(reviews(100), section("clean", "deduplicate"))
        train = stage.rows("train")
        assert train.features["label"].names == ["a", "b"]
        assert str(train.features["text"].dtype) == "string"
        assert [len(stage.rows(part)) for part in PARTS] == [70, 10, 20] == list(summary["splits"].values())
        first = train[0]
        assert first["text"].startswith("review")
        assert train.features["label"].int2str(first["label"]) == "ab"[int(first["text"].split()[1]) % 2]
        assert sorted(path.name for path in stage.out.iterdir()) == [
            "dropped.arrow", "report.json", "test.arrow", "test_rows.npy", "train.arrow", "validation.arrow"
        ]  # fmt: skip

    def test_equal_input_equal_bytes(self, stage: Stage) -> None:
        files = []
        for _ in range(2):
            stage(reviews(60), section("clean", "deduplicate"))
            files.append({path.name: path.read_bytes() for path in stage.out.iterdir()})
        assert files[0] == files[1]

    def test_keeps_types_and_order_of_columns(self, stage: Stage) -> None:
        columns = {
            "b": [float(n) for n in range(40)],
            "label": ["x", "y"] * 20,
            "a": [None if n % 3 == 0 else n for n in range(40)],
            "c": [n % 2 == 0 for n in range(40)],
            "_source": [0] * 40,
            "_split": [None] * 40,
        }
        stage(columns, section("clean", "deduplicate"), TABLE, types={"a": pa.int32(), "_split": pa.string()})
        features = stage.rows("train").features
        assert list(features) == ["b", "label", "a", "c"]
        assert [str(features[name].dtype) for name in "bac"] == ["float64", "int32", "bool"]
        assert sum(value is None for part in PARTS for value in stage.rows(part)["a"]) == 14

    def test_rows_keep_their_order(self, stage: Stage) -> None:
        stage(reviews(50), section())
        for texts in stage.column("text").values():
            numbers = [int(text.split()[1]) for text in texts]
            assert numbers == sorted(numbers)

    def test_a_part_may_be_empty(self, stage: Stage) -> None:
        stage(reviews(20), section(train=0.8, validation=0.0, test=0.2))
        assert len(stage.rows("validation")) == 0
        assert stage.rows("validation").features["label"].names == ["a", "b"]

    def test_says_how_far_it_is(self, tmp_path: Path) -> None:
        told: list[Advance] = []
        data = write(tmp_path / "d.arrow", reviews(30))
        preprocess(section("deduplicate"), 0, TEXT, data, tmp_path, progress=told.append)
        assert {(each.stage, each.of_rows) for each in told} == {("preprocess", 30)}
        assert [each.rows for each in told] == sorted(each.rows for each in told)
        assert told[-1].rows == 30
        assert 0 < told[-1].bytes == told[-1].of_bytes

    def test_a_file_that_is_no_arrow(self, tmp_path: Path) -> None:
        (tmp_path / "d.arrow").write_bytes(b"nothing of the kind")
        with pytest.raises(DataError, match="cannot be read"):
            preprocess(section(), 0, TEXT, tmp_path / "d.arrow", tmp_path)
        with pytest.raises(DataError, match="are gone"):
            preprocess(section(), 0, TEXT, tmp_path / "none.arrow", tmp_path)


def test_importing_the_stage_imports_no_framework() -> None:
    code = "import sys; import aiaas.preprocess; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pyarrow", "datasets", "pandas"} & set(loaded)


class TestSteps:
    def test_counts_rows_in_and_out_of_each(self, stage: Stage) -> None:
        data = {"text": ["x", "x", " <br> ", "", *(f"t{n}" for n in range(20))], "label": ["a"] * 4 + ["a", "b"] * 10}
        summary = stage(data, section("clean", "deduplicate"))
        assert summary["rows"] == {"collected": 24, "empty": 1, "kept": 21}
        assert [each["rows"] for each in summary["steps"]] == [
            {"in": 23, "out": 22, "empty": 1},
            {"in": 22, "out": 21, "empty": 0},
        ]
        report = json.loads((stage.out / "report.json").read_text("utf-8"))
        assert {name: report[name] for name in summary} == summary

    def test_contradicting_labels_are_reported_and_dropped(self, stage: Stage) -> None:
        data = reviews(20)
        data = {"text": [*data["text"], "same", "same <br>"], "label": [*data["label"], "a", "b"]}
        summary = stage(data, section("clean", "deduplicate"))
        found = summary["steps"][1]["report"]
        assert found["contradicting_rows"] == 2
        assert found["examples"] == [{"row": {"text": "same"}, "labels": ["a", "b"]}]
        told = "1 example has labels that contradict each other; their 2 rows were dropped, such as 'same' (a, b)"
        assert summary["warnings"] == [told]
        assert "same" not in {text for texts in stage.column("text").values() for text in texts}

    def test_scanning_twice(self, stage: Stage) -> None:
        data = {"text": [f"{'A' if n % 2 else 'a'}{n // 2}" for n in range(60)], "label": ["x", "x", "y", "y"] * 15}
        summary = stage(data, section("deduplicate", "lowercase", "deduplicate"))
        assert [each["rows"]["out"] for each in summary["steps"]] == [60, 60, 30]

    def test_requests_can_go_the_same_way(self, stage: Stage) -> None:
        stage(reviews(20), section("clean", "deduplicate", "stopwords"))
        kept = json.loads((stage.out / "report.json").read_text("utf-8"))["request_steps"]
        assert [each["name"] for each in kept] == ["clean", "stopwords"]
        again = steps.restore(kept, ["text"])
        assert steps.apply(again, {"text": ["the <b>carpet</b>"]}) == {"text": ["carpet"]}

    def test_warnings_come_up(self, stage: Stage) -> None:
        data = {"text": [f"这是一个没有分词的很长的句子不是吗{n}" for n in range(20)], "label": ["a", "b"] * 10}
        assert "segment" in stage(data, section("stopwords"))["warnings"][0]

    def test_empty_after_cleaning(self, stage: Stage) -> None:
        error = stage.refused({"text": ["<br>", " "] * 5, "label": ["a", "b"] * 5}, section("lowercase", "clean"))
        assert (
            "the step clean dropped the last 5, 5 of them because no text remained (10 were collected)" in error.message
        )

    def test_nothing_but_contradictions(self, stage: Stage) -> None:
        error = stage.refused({"text": ["x", "x"], "label": ["a", "b"]}, section("clean", "deduplicate"))
        assert "the step deduplicate dropped the last 2" in error.message

    def test_no_rows_at_all(self, stage: Stage) -> None:
        types = {"text": pa.string(), "label": pa.string()}
        assert "hold no rows" in stage.refused({"text": [], "label": []}, section("clean"), types=types).message
        assert "empty texts" in stage.refused({"text": ["", None], "label": ["a", "b"]}, section("clean")).message


class TestColumns:
    def test_missing_columns(self, stage: Stage) -> None:
        error = stage.refused({"review": ["a"], "label": ["b"]}, section())
        assert "no column 'text'" in error.message
        assert "review, label" in error.message
        error = stage.refused({"text": ["a"], "cat": ["b"]}, section())
        assert "`label:`" in str(error.hint)
        assert "to learn from" in stage.refused({"label": ["a"]}, section(), TABLE).message

    def test_missing_labels(self, stage: Stage) -> None:
        data = reviews(20) | {"_source": [0] * 10 + [1] * 10}
        data["label"][12] = None
        data["label"][13] = "  "
        error = stage.refused(data, section("clean"))
        assert error.message == "2 of 20 rows have no label; the first is row 13 of source 1"

    def test_missing_and_infinite_targets(self, stage: Stage) -> None:
        data: dict[str, list[Any]] = {"x": [1, 2, 3], "target": [1.0, None, float("inf")]}
        assert "2 of 3 rows have no target; the first is row 2" in stage.refused(data, section(), NUMBER).message

    def test_a_target_that_is_no_number(self, stage: Stage) -> None:
        assert "not a number" in stage.refused({"x": [1], "target": ["much"]}, section(), NUMBER).message

    def test_a_nested_feature(self, stage: Stage) -> None:
        data: dict[str, list[Any]] = {"x": [[n] for n in range(20)], "label": ["a", "b"] * 10}
        assert "'x' holds list" in stage.refused(data, section(), TABLE).message

    def test_regression(self, stage: Stage) -> None:
        data: dict[str, list[Any]] = {"x": list(range(50)), "target": list(range(50))}
        summary = stage(data, section("deduplicate"), NUMBER)
        assert summary["splits"] == {"train": 35, "validation": 5, "test": 10}
        assert str(stage.rows("train").features["target"].dtype) == "float64"
        assert "classes" not in summary


class TestRatios:
    def test_each_class_keeps_its_share(self, stage: Stage) -> None:
        summary = stage(reviews(1000, "aaab"), section())
        assert summary["classes"] == {
            "train": {"a": 525, "b": 175},
            "validation": {"a": 75, "b": 25},
            "test": {"a": 150, "b": 50},
        }

    def test_many_small_classes_still_sum_up(self, stage: Stage) -> None:
        data = {"text": [f"t{n}" for n in range(1400)], "label": [f"c{n % 100}" for n in range(1400)]}
        assert stage(data, section())["splits"] == {"train": 980, "validation": 140, "test": 280}

    def test_the_order_of_the_rows_decides_nothing(self, stage: Stage) -> None:
        data = reviews(200)
        stage(data, section())
        before = {part: set(texts) for part, texts in stage.column("text").items()}
        stage({name: values[::-1] for name, values in data.items()}, section(), size=11)
        assert {part: set(texts) for part, texts in stage.column("text").items()} == before

    def test_the_seed_decides(self, stage: Stage) -> None:
        found = []
        for seed in (1, 1, 2):
            stage(reviews(200), section(), seed=seed)
            found.append(set(stage.rows("test")["text"]))
        assert found[0] == found[1] != found[2]

    def test_equal_rows_stay_together(self, stage: Stage) -> None:
        data = {"text": [f"t{n % 40}" for n in range(400)], "label": ["ab"[n % 3 == 0] for n in range(400)]}
        stage(data, section())  # texts contradict each other, and none leaks
        sets = [set(texts) for texts in stage.column("text").values()]
        assert sum(map(len, sets)) == len(set.union(*sets)) == 40

    def test_a_class_that_is_hidden_in_rarer_ones(self, stage: Stage) -> None:
        data = {"text": [f"t{n // 2}" for n in range(12)], "label": ["a", "b"] * 3 + ["a", "c"] * 3}
        data = {"text": [*data["text"], "b8", "b9", "c8", "c9"], "label": [*data["label"], *"bbcc"]}
        for seed in range(20):  # whichever way the rows fall: a class in every part, or an error that says why
            try:
                summary = stage(data, section(train=0.4, validation=0.3, test=0.3), seed=seed)
            except DataError as error:
                assert "equal rows of other classes" in error.message  # noqa: PT017  # both ends are right
            else:
                assert all(all(each.values()) for each in summary["classes"].values())

    def test_a_class_with_one_row(self, stage: Stage) -> None:
        data = reviews(30)
        data["label"][4] = "rare"
        error = stage.refused(data, section())
        assert "'rare' has 1 row; each of the 3 parts needs" in error.message
        assert "stratify to false" in str(error.hint)

    def test_a_class_whose_rows_are_all_equal(self, stage: Stage) -> None:
        data = reviews(30)
        data = {"text": [*data["text"], *["same"] * 9], "label": [*data["label"], *["c"] * 9]}
        assert "'c' has 9 rows, of which 1 different" in stage.refused(data, section()).message

    def test_a_class_of_three_rows_has_one_in_each_part(self, stage: Stage) -> None:
        data = reviews(60)
        data["label"][:3] = ["c"] * 3
        summary = stage(data, section())
        assert [each["c"] for each in summary["classes"].values()] == [1, 1, 1]

    def test_without_stratification(self, stage: Stage) -> None:
        data = reviews(40)
        data = {"text": data["text"], "label": ["a"] * 10 + ["b"] * 30}
        summary = stage(data, section(stratify=False))
        assert list(summary["splits"].values()) == [28, 4, 8]
        assert summary["split"]["stratified"] is False

    def test_too_few_rows_to_divide(self, stage: Stage) -> None:
        data: dict[str, list[Any]] = {"x": [1, 1, 2], "target": [1.0, 2.0, 3.0]}
        assert "2 different rows cannot be divided into 3" in stage.refused(data, section(), NUMBER).message

    def test_one_class(self, stage: Stage) -> None:
        error = stage.refused(reviews(30, "a"), section("clean"))
        assert "all 30 rows have the label 'a'" in error.message

    @given(
        st.lists(st.tuples(st.integers(0, 50), st.integers(0, 2)), min_size=12),
        st.integers(0, 3),
        st.sampled_from([(0.7, 0.1, 0.2), (0.5, 0.5, 0.0), (0.8, 0.0, 0.2)]),
        st.booleans(),
    )
    def test_groups_never_part_and_sizes_are_near(
        self, rows: list[tuple[int, int]], seed: int, ratios: tuple[float, float, float], stratify: bool
    ) -> None:
        contents = np.array([[row[0] * 7919, 0] for row in rows], dtype=np.uint64)
        codes = np.array([row[1] for row in rows], dtype=np.int32)
        named = np.full(len(rows), split.UNNAMED, dtype=np.int8)
        shares = dict(enumerate(ratios))
        keys = split.keys(contents[:, 0], seed)
        try:
            how = split.Sides(
                seed, split.UNNAMED, {part: share for part, share in reversed(shares.items()) if part and share}
            )
            parts = split.cut(named, keys, codes if stratify else None, ["a", "b", "c"], how)
        except DataError:
            return  # too few rows of a class
        assert len({(row[0], part) for row, part in zip(rows, parts, strict=True)}) == len({row[0] for row in rows})
        assert set(parts.tolist()) == {part for part, share in shares.items() if share}
        biggest = int(np.unique(contents[:, 0], return_counts=True)[1].max())
        for part, share in shares.items():
            assert abs(int((parts == part).sum()) - share * len(rows)) <= 3 * (biggest + 1)


class TestNamedSplits:
    def test_sources_that_say_their_split(self, stage: Stage) -> None:
        data = reviews(90) | {"_split": ["train"] * 60 + ["validation"] * 10 + ["test"] * 20}
        summary = stage(data, section())
        assert summary["splits"] == {"train": 60, "validation": 10, "test": 20}
        assert summary["split"]["named"] == 90
        assert stage.rows("test")["text"][0] == "review 70"
        assert "_split" not in stage.rows("train").column_names

    def test_validation_is_cut_from_train(self, stage: Stage) -> None:
        data = reviews(100) | {"_split": ["train"] * 80 + ["test"] * 20}
        assert stage(data, section())["splits"] == {"train": 70, "validation": 10, "test": 20}
        assert stage(data, section(train=0.8, validation=0.0))["splits"] == {"train": 80, "validation": 0, "test": 20}

    def test_rows_that_name_none_are_divided_among_the_rest(self, stage: Stage) -> None:
        data = reviews(100) | {"_split": [None] * 80 + ["test"] * 20}
        assert stage(data, section())["splits"] == {"train": 70, "validation": 10, "test": 20}
        data["_split"] = ["train"] * 60 + [None] * 40  # train stays train; the rest is divided
        summary = stage(data, section())
        assert summary["splits"] == {"train": 88, "validation": 4, "test": 8}

    def test_a_column_that_says_it(self, stage: Stage) -> None:
        data = reviews(40) | {"part": ["train"] * 20 + ["Dev", " val ", "valid", "validation", "TEST"] * 4}
        summary = stage(data, section(column="part"))
        assert summary["splits"] == {"train": 20, "validation": 16, "test": 4}
        assert stage.rows("train").column_names == ["text", "label"]

    def test_the_split_column_is_no_feature(self, stage: Stage) -> None:
        data = {"x": list(range(40)), "label": ["a", "b"] * 20, "part": ["train", "train", "test", "test"] * 10}
        stage(data, section(column="part", train=0.8, validation=0.0), TABLE)
        assert stage.rows("train").column_names == ["x", "label"]

    def test_a_column_that_says_something_else(self, stage: Stage) -> None:
        data = reviews(20) | {"part": ["train"] * 10 + ["holdout"] * 10}
        with pytest.raises(DataError, match="says 'holdout'; allowed: train, validation, test, dev, val, valid"):
            stage(data, section(column="part"))

    def test_a_column_that_is_not_there(self, stage: Stage) -> None:
        assert "no column 'part'" in stage.refused(reviews(20), section(column="part")).message

    def test_nothing_to_train_on(self, stage: Stage) -> None:
        data = reviews(20) | {"_split": ["test"] * 20}
        assert "no row to train on" in stage.refused(data, section()).message

    def test_a_label_that_train_lacks(self, stage: Stage) -> None:
        data = reviews(20, "abc") | {"_split": ["train", "train", "test"] * 6 + ["train", "validation"]}
        assert "no row of train has the label 'c'" in stage.refused(data, section()).message


class TestLeaks:
    def data(self) -> dict[str, list[Any]]:
        data = reviews(40) | {"_split": ["train"] * 20 + ["validation"] * 10 + ["test"] * 10}
        data["text"][35], data["text"][37] = "review 3", "review 5 <br>"
        data["label"][35], data["label"][37] = data["label"][3], data["label"][5]
        return data

    def test_rows_of_test_that_stand_in_train(self, stage: Stage) -> None:
        error = stage.refused(self.data(), section())
        assert error.message == "1 of 10 rows of test stand in train as well, such as 'review 3'"
        assert error.hint == "add the step deduplicate; or accept it in the recipe: inspect: {accept: [test-in-train]}"

    def test_after_the_steps(self, stage: Stage) -> None:
        error = stage.refused(self.data(), section("deduplicate", "clean"))
        assert "'review 5'" in error.message
        assert "after every step" in str(error.hint)

    def test_the_hint_helps(self, stage: Stage) -> None:
        assert stage(self.data(), section("clean", "deduplicate"))["splits"]["test"] == 8

    @pytest.mark.parametrize(("row", "told"), [(25, "validation stand in train"), (32, "test stand in validation")])
    def test_the_other_ways(self, stage: Stage, row: int, told: str) -> None:
        data = reviews(40) | {"_split": ["train"] * 20 + ["validation"] * 10 + ["test"] * 10}
        data["text"][row] = data["text"][row - 10]
        assert told in stage.refused(data, section()).message

    def test_rows_of_a_table(self, stage: Stage) -> None:
        data: dict[str, list[Any]] = {
            "x": [*range(20), 3],
            "y": [None] * 21,
            "label": ["a", "b"] * 10 + ["a"],
            "_split": ["train"] * 20 + ["test"],
        }
        error = stage.refused(data, section(validation=0.0, train=0.8), TABLE, types={"y": pa.float64()})
        assert "such as '3, None'" in error.message
