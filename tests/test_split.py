"""Ways to divide rows: drawn by hash, by groups, by time, in folds; what a recipe may say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from aiaas.preprocess import split
from aiaas.recipe import Split
from tests.test_preprocess import PARTS, TABLE, Stage, reviews
from tests.test_segments import section


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def sides(stage: Stage, column: str = "text") -> dict[Any, str]:
    return {value: part for part, values in stage.column(column).items() for value in values}


class TestStable:
    def test_a_row_keeps_its_side_when_rows_are_added(self, stage: Stage) -> None:
        stage(reviews(600), section("clean"))
        before = sides(stage)
        grown = reviews(900)
        stage({name: values[::-1] for name, values in grown.items()}, section("clean"))
        after = sides(stage)
        assert len(after) == 900
        assert all(after[text] == part for text, part in before.items())

    def test_shares_are_met_as_nearly_as_chance_allows(self, stage: Stage) -> None:
        summary = stage(reviews(20_000), section(train=0.6, validation=0.1, test=0.3))
        found = [summary["splits"][part] / 20_000 for part in PARTS]
        assert np.allclose(found, [0.6, 0.1, 0.3], atol=0.015)
        assert summary["split"]["stable"] is True

    def test_the_seed_decides(self, stage: Stage) -> None:
        found = []
        for seed in (1, 1, 2):
            stage(reviews(300), section(), seed=seed)
            found.append(sides(stage))
        assert found[0] == found[1] != found[2]

    def test_equal_rows_stay_together(self, stage: Stage) -> None:
        data = {"text": [f"t{n % 40}" for n in range(400)], "label": ["ab"[n % 3 == 0] for n in range(400)]}
        stage(data, section())
        found = [set(texts) for texts in stage.column("text").values()]
        assert sum(map(len, found)) == 40

    def test_a_class_with_too_few_rows(self, stage: Stage) -> None:
        data = reviews(300)
        data["label"][4] = "rare"
        error = stage.refused(data, section())
        assert "'rare' has 1 row, none of them in" in error.message
        assert "stable: false" in str(error.hint)
        assert "rare" in stage(data, section(stratify=False, train=0.9, validation=0, test=0.1))["labels"]

    def test_too_few_rows_for_a_part(self, stage: Stage) -> None:
        error = stage.refused(reviews(4), section(stratify=False))
        assert "no row came to" in error.message
        assert "stable: false" in str(error.hint)

    def test_validation_is_drawn_from_train_where_the_data_names_test(self, stage: Stage) -> None:
        data = reviews(1000) | {"_split": ["train"] * 800 + ["test"] * 200}
        summary = stage(data, section())
        assert summary["splits"]["test"] == 200
        assert 70 < summary["splits"]["validation"] < 130
        assert summary["split"]["named"] == 1000


class TestGroups:
    def data(self, rows: int = 900) -> dict[str, list[Any]]:
        return {
            "text": [f"review {n}" for n in range(rows)],
            "label": ["ab"[n % 2] for n in range(rows)],
            "customer": [n % 90 for n in range(rows)],
        }

    @pytest.mark.parametrize("stable", [True, False])
    def test_rows_of_one_stay_together(self, stage: Stage, stable: bool) -> None:
        stage(self.data(), section(group="customer", stable=stable))
        found: dict[int, set[str]] = {}
        for text, part in sides(stage).items():
            found.setdefault(int(text.split()[1]) % 90, set()).add(part)
        assert all(len(each) == 1 for each in found.values())
        assert {part for each in found.values() for part in each} == set(PARTS)
        assert stage.rows("train").column_names == ["text", "label"]

    def test_a_group_is_no_feature_of_a_table(self, stage: Stage) -> None:
        data = {"x": list(range(900)), **self.data()}
        del data["text"]
        stage(data, section(group="customer"), TABLE)
        assert stage.rows("train").column_names == ["x", "label"]

    def test_stays_on_its_side_when_rows_are_added(self, stage: Stage) -> None:
        stage(self.data(900), section(group="customer"))
        before = sides(stage)
        stage(self.data(1800), section(group="customer"))
        after = sides(stage)
        assert all(after[text] == part for text, part in before.items())

    def test_missing_values_are_told_by_their_rows(self, stage: Stage) -> None:
        data = self.data()
        data["customer"][11] = data["customer"][20] = None
        error = stage.refused(data, section(group="customer"))
        assert error.message == "2 of 900 rows have no customer; the first is row 12"

    def test_equal_rows_of_two_customers_leak(self, stage: Stage) -> None:
        data = self.data()
        data["text"] = [f"review {n % 300}" for n in range(900)]
        data["label"] = ["ab"[n % 300 % 2] for n in range(900)]
        data["customer"] = list(range(900))
        assert "stand in train as well" in stage.refused(data, section(group="customer")).message

    def test_a_column_that_is_not_there_and_the_target(self, stage: Stage) -> None:
        error = stage.refused(self.data(), section(group="client"))
        assert error.where == "preprocess.split.group"
        assert "cannot decide" in stage.refused(self.data(), section(group="label")).message


class TestTime:
    def data(self, when: list[Any]) -> dict[str, list[Any]]:
        count = len(when)
        return {"text": [f"t{n}" for n in range(count)], "label": ["ab"[n % 2] for n in range(count)], "when": when}

    def test_by_dates(self, stage: Stage) -> None:
        when = [f"2024-{1 + n // 10:02}-{1 + n % 10:02}T12:00:00" for n in range(120)]
        time = {"column": "when", "validation_from": "2024-10-01", "test_from": "2024-11-05"}
        summary = stage(self.data(when), section(time=time))
        assert summary["splits"] == {"train": 90, "validation": 14, "test": 16}
        assert stage.rows("test")["text"][0] == "t104"
        assert stage.rows("train").column_names == ["text", "label"]

    def test_by_numbers_and_without_validation(self, stage: Stage) -> None:
        summary = stage(self.data(list(range(100))), section(time={"column": "when", "test_from": 80}))
        assert summary["splits"] == {"train": 80, "validation": 0, "test": 20}

    def test_dates_of_arrow_and_zones(self, stage: Stage) -> None:
        import datetime

        when = [datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=n) for n in range(48)]
        time = {"column": "when", "test_from": "2024-01-02T02:00:00+02:00"}
        summary = stage(self.data(when), section(time=time), types={"when": pa.timestamp("us")})
        assert summary["splits"]["test"] == 24

    def test_what_is_no_date(self, stage: Stage) -> None:
        when = ["2024-01-01"] * 30
        when[17] = "last week"
        error = stage.refused(self.data(when), section(time={"column": "when", "test_from": "2024-02-01"}))
        assert "row 18 of the column 'when' says 'last week', which is not an ISO date" in error.message
        error = stage.refused(self.data(list(range(30))), section(time={"column": "when", "test_from": "2024-02-01"}))
        assert "says '0', which is not an ISO date" in error.message

    def test_missing_times(self, stage: Stage) -> None:
        when: list[Any] = ["2024-01-01"] * 30
        when[3] = ""
        error = stage.refused(self.data(when), section(time={"column": "when", "test_from": "2024-02-01"}))
        assert error.message == "1 of 30 rows have no when; the first is row 4"

    @pytest.mark.parametrize(
        ("validation", "test", "told", "where"),
        [
            (None, "2023-01-01", "no row is from before 2023-01-01: none is left to learn from", ""),
            ("2022-06-01", "2024-01-31", "no row is from before 2022-06-01: none is left to learn from", ""),
            (None, "2025-01-01", "no row came to test: none is from 2025-01-01 on", ".test_from"),
            (
                *("2024-01-20", "2024-01-25"),
                "no row came to validation: none is from 2024-01-20 on and before 2024-01-25",
                ".validation_from",
            ),
        ],
    )
    def test_a_part_without_rows(self, stage: Stage, validation: Any, test: str, told: str, where: str) -> None:
        time = {"column": "when", "test_from": test, "validation_from": validation}
        error = stage.refused(self.data(["2024-01-01"] * 20 + ["2024-01-31"] * 10), section(time=time))
        assert (error.message, error.where) == (told, f"preprocess.split.time{where}")


class TestFolds:
    def test_every_row_is_test_in_one_fold(self, stage: Stage) -> None:
        tests: list[str] = []
        for fold in range(1, 6):
            summary = stage(reviews(1000), section(folds=5, fold=fold, validation=0.25))
            tests += stage.rows("test")["text"]
            assert 140 < summary["splits"]["test"] < 260
            assert 140 < summary["splits"]["validation"] < 260
        assert sorted(tests) == sorted(reviews(1000)["text"])

    def test_of_groups(self, stage: Stage) -> None:
        data = reviews(600) | {"customer": [n // 2 % 60 for n in range(600)]}
        found: dict[int, set[str]] = {}
        stage(data, section(folds=3, fold=1, group="customer"))
        for text, part in sides(stage).items():
            found.setdefault(int(text.split()[1]) // 2 % 60, set()).add(part)
        assert all(len(each) == 1 for each in found.values())

    def test_no_validation(self, stage: Stage) -> None:
        assert stage(reviews(300), section(folds=3, fold=3, validation=0))["splits"]["validation"] == 0


class TestRecipe:
    def test_what_is_not_said(self) -> None:
        plain = Split()
        assert (plain.stable, plain.group, plain.time, plain.folds, plain.columns) == (True, None, None, None, ())
        folds = Split(folds=5, fold=2)
        assert (folds.train, folds.validation, folds.test) == (0.9, 0.1, 0.0)

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ({"folds": 5}, "belong together"),
            ({"folds": 5, "fold": 6}, "from 1 to 5"),
            ({"folds": 5, "fold": 1, "stable": False}, "leave stable"),
            ({"folds": 5, "fold": 1, "train": 0.5, "test": 0.5}, "test is the fold"),
            ({"folds": 5, "fold": 1, "column": "part"}, "name one"),
            ({"time": {"column": "t", "test_from": "2024-13-01"}}, "ISO date"),
            ({"time": {"column": "t", "test_from": "2024-01-01", "validation_from": "2024-02-01"}}, "come before"),
            ({"time": {"column": "t", "test_from": "2024-01-01", "validation_from": 4}}, "both be"),
            ({"time": {"column": "t", "test_from": 5}, "group": "c"}, "no meaning"),
        ],
    )
    def test_what_does_not_go_together(self, said: dict[str, Any], told: str) -> None:
        with pytest.raises(ValidationError, match=told):
            Split.model_validate(said)

    def test_a_date_without_quotes(self) -> None:
        import datetime

        read = Split.model_validate({"time": {"column": "t", "test_from": datetime.date(2024, 1, 2)}})
        assert read.time is not None
        assert read.time.test_from == "2024-01-02"
        assert Split.model_validate(read.model_dump(mode="json")) == read

    def test_columns(self) -> None:
        assert Split(group="customer").columns == ("customer",)
        assert Split.model_validate({"time": {"column": "t", "test_from": 5}}).columns == ("t",)


def test_keys_fall_evenly() -> None:
    how = split.Sides(3, split.UNNAMED, {split.TEST: 0.2, split.VALIDATION: 0.1})
    named = np.full(50_000, split.UNNAMED, np.int8)
    parts = how.draw(named, np.arange(50_000, dtype=np.uint64))
    assert np.allclose(np.bincount(parts) / 50_000, [0.7, 0.1, 0.2], atol=0.01)


def test_a_column_that_the_split_names_is_collected(project: Path) -> None:
    """A task of texts knows no customers; the recipe's split does."""
    import subprocess
    import sys

    lines = [f"text {n},{'pos' if n % 2 else 'neg'},c{n // 4}" for n in range(300)]
    (project / "rows.csv").write_text("text,label,customer\n" + "\n".join(lines) + "\n", "utf-8")
    recipe = (project / "tiny.yaml").read_text("utf-8")
    begin, end = recipe.index("collect:"), recipe.index("preprocess:")
    recipe = recipe[:begin] + "collect:\n  - {source: rows.csv}\n" + recipe[end:]
    recipe = recipe.replace("test: 0.3}", "test: 0.3, group: customer}")
    (project / "grouped.yaml").write_text(recipe, "utf-8")
    command = [sys.executable, "-m", "aiaas", "preprocess", "grouped.yaml", "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
