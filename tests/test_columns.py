"""Steps that learn of train and change columns: what is learned, what a request holds, what the model takes."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from aiaas import bundle, pipeline
from aiaas.errors import DataError, RecipeError
from aiaas.pipeline.stages import Work
from aiaas.recipe import Recipe
from aiaas.workspace import Workspace

TABLE: list[Any] = [
    {"clip": {"columns": ["age"], "quantiles": [0.0, 1.0]}},
    {"impute": {"columns": ["age"], "method": "mean", "indicators": True}},
    {"encode": {"columns": ["joined"], "method": "date", "parts": ["year", "month"]}},
    {"encode": {"columns": ["city"]}},
    {"balance": {"method": "over"}},
    {"scale": {"columns": ["age", "joined_year"]}},
]


@pytest.fixture(autouse=True)
def _untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIAAS_TRACKING", "off")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """People of two kinds, three to one, some without an age."""
    chance = random.Random(1)
    with (tmp_path / "people.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["city", "age", "joined", "label"])
        for _ in range(400):
            old = chance.random() < 0.25
            age = "" if chance.random() < 0.1 else chance.randrange(60, 90) if old else chance.randrange(10, 40)
            city = chance.choice(["Rome", "Oslo"]) if old else chance.choice(["Oslo", "Bern"])
            rows.writerow(
                [city, age, f"20{chance.randrange(10, 26)}-0{chance.randrange(1, 10)}-01", "old" if old else "young"]
            )
    return tmp_path


def work(folder: Path, steps: list[Any], workspace: str = ".aiaas", **more: Any) -> Work:
    data = {
        "schema": 1,
        "name": "people",
        "task": "tabular-classification",
        "collect": [{"source": "people.csv"}],
        "preprocess": {"steps": steps},
        "model": {"backend": "sklearn", "architecture": "logistic_regression"},
        **more,
    }
    return Work(Recipe.from_dict(data, base=folder), Workspace.open(folder / workspace))


def preprocessed(asked: Work) -> tuple[dict[str, Dataset], dict[str, Any]]:
    """The parts, and the report."""
    pipeline.run(asked, until="preprocess")
    (found,) = (asked.workspace.root / "artefacts" / "preprocess").iterdir()
    rows = {name: Dataset.from_file(str(found / f"{name}.arrow")) for name in ("train", "validation", "test")}
    return rows, json.loads((found / "report.json").read_text("utf-8"))


def test_a_request_holds_the_columns_of_the_data(table: Path) -> None:
    result = pipeline.run(work(table, TABLE))
    assert result.metrics["accuracy"] > 0.9
    (folder,) = (table / ".aiaas" / "artefacts" / "deploy").glob("*/bundle")
    loaded = bundle.load(folder)
    assert dict(loaded.signature.features) == {"city": "string", "age": "int64", "joined": "string"}
    assert list(loaded.fitted.features) == [
        "city_Bern", "city_Oslo", "city_Rome", "age", "age_missing", "joined_year", "joined_month",
    ]  # fmt: skip
    assert set(loaded.fitted.features.values()) == {"int64", "float64"}
    answers = loaded.predict(
        [
            {"city": "Rome", "age": 80, "joined": "2020-03-01"},
            {"city": "Bern", "age": 20, "joined": "2020-03-01"},
            {"city": "Atlantis", "age": None, "joined": "some day"},
            {"age": 10_000},
        ]
    )
    assert [answer["label"] for answer in answers[:2]] == ["old", "young"]
    assert answers[3]["label"] == "old"
    with pytest.raises(DataError, match="there is no column 'city_Rome'; allowed: city, age, joined"):
        loaded.predict([{"city_Rome": 1}])
    assert next(loaded.examples())["input"].keys() == {"city", "age", "joined"}
    assert loaded.replay() == 8


def test_what_is_learned_is_learned_of_train_and_copies_stand_there_alone(table: Path) -> None:
    plain, _ = preprocessed(work(table, [], "plain"))
    labels = {name: list(rows["label"]) for name, rows in plain.items()}
    done, report = preprocessed(work(table, TABLE))
    assert {name: len(done[name]) for name in ("validation", "test")} == {
        name: len(plain[name]) for name in ("validation", "test")
    }
    counts = [list(done["train"]["label"]).count(code) for code in (0, 1)]
    assert counts[0] == counts[1] == max(labels["train"].count(code) for code in (0, 1))
    ages = [age for age in plain["train"]["age"] if age is not None]
    learned = {step["name"]: step["report"] for step in report["steps"]}
    assert learned["impute"]["columns"]["age"] == pytest.approx(sum(ages) / len(ages), rel=1e-12)
    assert learned["clip"]["columns"]["age"] == [min(ages), max(ages)]
    assert report["inputs"] == {"city": "string", "age": "int64", "joined": "string"}


def test_a_step_may_name_a_column_that_another_made_and_no_other(table: Path) -> None:
    steps = [{"encode": {"columns": ["city"]}}, {"scale": {"columns": ["city_Paris"]}}]
    with pytest.raises(DataError, match="there is no feature column 'city_Paris'; allowed: city_Bern, city_Oslo"):
        pipeline.run(work(table, steps), until="preprocess")


def test_a_file_of_synonyms_is_read_and_decides_the_key(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "text,label\n" + "".join(f"a clean room number {n},{'pos' if n % 2 else 'neg'}\n" for n in range(300)), "utf-8"
    )
    (tmp_path / "words.txt").write_text("clean,tidy\n", "utf-8")
    step = {"augment": {"operations": ["synonym"], "synonym_file": "words.txt"}}
    asked = work(
        tmp_path,
        [step],
        task="text-classification",
        collect=[{"source": "rows.csv"}],
        model={"backend": "sklearn", "architecture": "naive_bayes"},
    )
    found, _ = preprocessed(asked)
    texts = list(found["train"]["text"])
    assert len(texts) == 2 * sum("tidy" in text for text in texts)
    assert not any("tidy" in text for name in ("validation", "test") for text in found[name]["text"])
    assert all(stage.cached for stage in pipeline.plan(asked, until="preprocess"))
    (tmp_path / "words.txt").write_text("clean,neat\n", "utf-8")
    planned = pipeline.plan(asked, until="preprocess")
    assert [stage.cached for stage in planned] == [True, False]


@pytest.mark.parametrize(
    ("address", "told"), [("", "at least 1"), ("sqlx://x/y", "synonym_file"), ("http://[", "synonym_file")]
)
def test_an_address_of_synonyms_that_is_none(tmp_path: Path, address: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        work(tmp_path, [{"augment": {"synonym_file": address}}])


def test_a_file_of_synonyms_that_is_not_there(table: Path) -> None:
    steps = [{"augment": {"operations": ["synonym"], "synonym_file": "nowhere.txt"}}]
    with pytest.raises(DataError, match="no such file") as caught:
        pipeline.run(work(table, steps), until="preprocess")
    assert str(caught.value.where).endswith("nowhere.txt")
