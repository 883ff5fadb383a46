"""The steps that learn of columns: scale, clip, impute, encode, against scikit-learn and numpy."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aiaas import plugins, steps
from aiaas.contracts import Batch, Surveys
from aiaas.errors import DataError
from aiaas.steps import _numbers

LARGE = 8e307
"""Two of these are as far apart as numbers may be; what lies between numbers farther apart numpy does not find."""
FLOATS = st.lists(st.floats(-LARGE, LARGE) | st.sampled_from([0.0, -0.0, 1.0]), min_size=1)


def learned(name: str, params: dict[str, Any], rows: Batch, size: int = 5) -> Any:
    """The step after it saw these rows."""
    step = steps.build(name, params, list(rows), None)
    if isinstance(step, Surveys):
        height = len(next(iter(rows.values())))
        batches = [{name: values[at : at + size] for name, values in rows.items()} for at in range(0, height, size)]
        step.conclude([step.survey(batch) for batch in batches], Path())
    return step


def run(name: str, params: dict[str, Any], rows: Batch, size: int = 5) -> Batch:
    return steps.mapped(learned(name, params, rows, size), rows).rows


def column(values: list[Any]) -> Any:
    return np.array(values, np.float64).reshape(-1, 1)


def some(seed: int, count: int = 200) -> list[float | None]:
    chance = random.Random(seed)
    return [None if chance.random() < 0.1 else chance.lognormvariate(3, 1.5) for _ in range(count)]


class TestNumbers:
    @settings(deadline=None)  # four passes over 65,536 counters are slow on a busy machine
    @given(FLOATS, st.integers(1, 4), st.lists(st.floats(0, 1), min_size=1, max_size=4))
    def test_quantiles_are_numpys(self, values: list[float], size: int, shares: list[float]) -> None:
        surveys = [_numbers.survey({"a": values[at : at + size]}, ["a"]) for at in range(0, len(values), size)]
        (found,) = _numbers.quantiles(surveys, {0: shares}).values()
        with np.errstate(over="ignore", invalid="ignore"):
            expected = np.quantile(np.array(values), shares)
        assert all(a == b or not math.isfinite(b) for a, b in zip(found, expected.tolist(), strict=True))

    @given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.integers(1, 4), st.randoms())
    def test_moments_do_not_depend_on_batches(self, values: list[float], size: int, chance: random.Random) -> None:
        def moments(values: list[float], size: int) -> tuple[float, float]:
            surveys = [_numbers.survey({"a": values[at : at + size]}, ["a"]) for at in range(0, len(values), size)]
            return _numbers.moments(surveys, [0])[0]

        whole = moments(values, len(values))
        mixed = list(values)
        chance.shuffle(mixed)
        assert moments(mixed, size) == whole
        assert whole == pytest.approx((np.mean(values), np.std(values)), rel=1e-9, abs=1e-3)

    def test_what_is_no_number_teaches_nothing(self) -> None:
        rows: Batch = {"a": [1.0, None, math.nan, 3.0, math.inf]}
        surveys = [_numbers.survey(rows, ["a"])]
        assert _numbers.moments(surveys, [0]) == {0: (2.0, 1.0)}
        assert _numbers.quantiles(surveys, {0: [0.5]}) == {0: [2.0]}
        assert _numbers.kinds(surveys, ["a"]).tolist() == [[2, 0, 2, 1]]

    def test_a_truth_value_is_no_number(self) -> None:
        assert _numbers.kinds([_numbers.survey({"a": [True, 1, "1"]}, ["a"])], ["a"]).tolist() == [[1, 2, 0, 0]]


class TestScale:
    @pytest.mark.parametrize(
        ("params", "theirs"),
        [
            ({}, ("StandardScaler", {})),
            ({"method": "min_max"}, ("MinMaxScaler", {})),
            ({"method": "min_max", "range": [-1, 1]}, ("MinMaxScaler", {"feature_range": (-1, 1)})),
            ({"method": "robust"}, ("RobustScaler", {})),
            ({"method": "robust", "quantiles": [0.1, 0.8]}, ("RobustScaler", {"quantile_range": (10, 80)})),
        ],
    )
    def test_is_scikit_learns(self, params: dict[str, Any], theirs: tuple[str, dict[str, Any]]) -> None:
        from sklearn import preprocessing

        values = some(1)
        done = run("scale", params, {"a": values, "b": ["x"] * 200})
        expected = getattr(preprocessing, theirs[0])(**theirs[1]).fit_transform(column(values))[:, 0]
        np.testing.assert_allclose(np.array(done["a"], np.float64), expected, rtol=1e-12, atol=1e-12)
        assert [value is None for value in done["a"]] == [value is None for value in values]
        assert done["b"] == ["x"] * 200

    @pytest.mark.parametrize("method", ["standard", "min_max", "robust"])
    def test_one_number_everywhere(self, method: str) -> None:
        assert run("scale", {"method": method}, {"a": [5, 5, None]})["a"] == [0.0, 0.0, None]

    def test_whole_numbers_become_others(self) -> None:
        step = learned("scale", {}, {"a": [1, 2, 3], "b": [1, 2, 3]}, 2)
        assert steps.reshaped(step, {"a": "int64", "c": "int32"}) == {"a": "float64", "c": "int32"}

    def test_names_of_columns(self) -> None:
        rows: Batch = {"a": [1, 3], "b": [1, 3], "c": ["x", "y"], "d": [True, False]}
        assert run("scale", {"columns": ["b"]}, rows) == {**rows, "b": [-1.0, 1.0]}
        with pytest.raises(DataError, match="scale works on numbers, and the column 'c' holds something else"):
            run("scale", {"columns": ["c"]}, rows)
        with pytest.raises(DataError, match="no column holds them alone"):
            run("scale", {}, {"c": ["x"]})
        with pytest.raises(DataError, match="the column 'a' holds no finite number"):
            run("scale", {"columns": ["a"]}, {"a": [None, None]})

    @pytest.mark.parametrize(
        ("name", "params"), [("scale", {"method": "robust"}), ("clip", {}), ("impute", {"method": "median"})]
    )
    def test_infinite_numbers_alone_teach_nothing(self, name: str, params: dict[str, Any]) -> None:
        rows: Batch = {"a": [math.inf, -math.inf], "b": [1.0, 3.0]}
        step = learned(name, params, rows)
        assert steps.mapped(step, rows).rows["a"] == rows["a"]
        assert "a" not in steps.joined(step, [step.report()])["columns"]
        with pytest.raises(DataError, match="'a' holds no finite number"):
            run(name, {**params, "columns": ["a"]}, rows)

    @pytest.mark.parametrize(
        "params", [{"range": [1, 1]}, {"quantiles": [0.5, 0.2]}, {"quantiles": [0, 2]}, {"method": "z"}]
    )
    def test_refuses(self, params: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            plugins.step("scale").Params.model_validate(params)


class TestClip:
    def test_bounds_are_quantiles_or_deviations(self) -> None:
        values = some(2)
        plain = np.array([value for value in values if value is not None])
        low, high = np.quantile(plain, [0.05, 0.9])
        done = run("clip", {"quantiles": [0.05, 0.9]}, {"a": values})["a"]
        np.testing.assert_array_equal(np.array(done, np.float64), np.clip(np.array(values, np.float64), low, high))
        step = learned("clip", {"method": "sigmas", "sigmas": 1.5}, {"a": values})
        bounds = steps.joined(step, [step.report()])["columns"]["a"]
        assert bounds == pytest.approx([plain.mean() - 1.5 * plain.std(), plain.mean() + 1.5 * plain.std()])

    def test_counts_and_pulls_in_what_is_infinite(self) -> None:
        step = learned("clip", {"quantiles": [0, 1]}, {"a": [1.0, 2.0]})
        assert step.apply({"a": [math.inf, -math.inf, None, 1.5]}) == {"a": [2.0, 1.0, None, 1.5]}
        assert step.report() == {"clipped": 2}

    @pytest.mark.parametrize("params", [{"quantiles": [0.9, 0.1]}, {"sigmas": 0}, {"method": "iqr"}])
    def test_refuses(self, params: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            plugins.step("clip").Params.model_validate(params)


class TestImpute:
    @pytest.mark.parametrize("method", ["mean", "median", "most_frequent"])
    def test_is_scikit_learns(self, method: str) -> None:
        from sklearn.impute import SimpleImputer

        chance = random.Random(5)
        values = [None if chance.random() < 0.2 else float(chance.randrange(9)) for _ in range(150)]
        expected = SimpleImputer(strategy=method).fit_transform(column(values))[:, 0]
        np.testing.assert_allclose(run("impute", {"method": method}, {"a": values})["a"], expected, rtol=1e-15)

    def test_most_frequent_of_words_and_truth_values(self) -> None:
        rows: Batch = {"a": ["x", None, "y", "y", "x"], "b": [True, True, None, False, None], "c": [None] * 5}
        done = run("impute", {"method": "most_frequent"}, rows)
        assert done == {"a": ["x", "x", "y", "y", "x"], "b": [True, True, True, False, True], "c": [None] * 5}

    def test_a_constant_fills_what_it_fits(self) -> None:
        rows: Batch = {"a": [1.5, None], "b": ["x", None]}
        assert run("impute", {"method": "constant", "value": 0}, rows) == {"a": [1.5, 0], "b": ["x", None]}
        assert run("impute", {"method": "constant", "value": "?"}, rows) == {"a": [1.5, None], "b": ["x", "?"]}
        with pytest.raises(DataError, match="the column 'b' holds no numbers, and value is 0"):
            run("impute", {"method": "constant", "value": 0, "columns": ["b"]}, rows)

    def test_indicators_stand_beside_what_misses_something(self) -> None:
        rows: Batch = {"a": [1, None, 3], "b": [1, 2, 3], "c": ["x", None, "y"]}
        step = learned("impute", {"indicators": True}, rows)
        assert steps.mapped(step, rows).rows == {
            "a": [1, 2.0, 3],
            "a_missing": [0, 1, 0],
            "b": [1, 2, 3],
            "c": ["x", None, "y"],
        }
        types = {"a": "int64", "b": "int64", "c": "string"}
        after = {"a": "float64", "a_missing": "int64", "b": "float64", "c": "string"}
        assert steps.reshaped(step, types) == after
        assert list(steps.reshaped(step, types)) == list(after)
        with pytest.raises(DataError, match="there is a column 'a_missing' already"):
            steps.reshaped(step, {**types, "a_missing": "int64"})

    def test_a_request_misses_what_train_did_not(self) -> None:
        step = learned("impute", {}, {"a": [1.0, 2.0, 9.0]})
        assert step.apply({"a": [None]}) == {"a": [2.0]}

    def test_types(self) -> None:
        step = learned("impute", {"method": "constant", "value": "?"}, {"a": [None]})
        assert steps.reshaped(step, {"a": "null"}) == {"a": "string"}
        with pytest.raises(DataError, match="the column 'a' is of type int64, and value is '\\?'"):
            steps.reshaped(step, {"a": "int64"})
        step = learned("impute", {"method": "constant", "value": 1}, {"a": [2, None]})
        assert steps.reshaped(step, {"a": "int64"}) == {"a": "int64"}

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ({"method": "constant"}, "value goes with method constant"),
            ({"value": 3}, "value goes with method constant"),
            ({"method": "knn"}, "'most_frequent'"),
        ],
    )
    def test_refuses(self, params: dict[str, Any], told: str) -> None:
        with pytest.raises(ValidationError, match=told):
            plugins.step("impute").Params.model_validate(params)

    def test_a_named_column_without_a_value(self) -> None:
        with pytest.raises(DataError, match="holds no value in train"):
            run("impute", {"method": "most_frequent", "columns": ["a"]}, {"a": [None, None]})


class TestEncode:
    ROWS: ClassVar[Batch] = {
        "id": [1, 2, 3, 4, 5],
        "city": ["Rome", "Oslo", None, "Rome", "Bern"],
        "vip": [True, None] + [False] * 3,
    }

    def test_one_hot_is_scikit_learns(self) -> None:
        from sklearn.preprocessing import OneHotEncoder

        step = learned("encode", {"columns": ["city", "vip"]}, self.ROWS)
        done = steps.mapped(step, self.ROWS).rows
        names = ["id", "city_Bern", "city_Oslo", "city_Rome", "vip_false", "vip_true"]
        assert list(done) == names
        assert steps.reshaped(step, dict.fromkeys(self.ROWS, "string")) == {"id": "string"} | dict.fromkeys(
            names[1:], "int64"
        )
        known = ["Bern", "Oslo", "Rome"]
        theirs = OneHotEncoder(categories=[known], handle_unknown="ignore", sparse_output=False)
        expected = theirs.fit(np.array(known).reshape(-1, 1)).transform(
            np.array([city or "" for city in self.ROWS["city"]]).reshape(-1, 1)
        )
        assert np.array([done[f"city_{city}"] for city in known]).T.tolist() == expected.tolist()
        assert done["vip_true"] == [1, 0, 0, 0, 0]

    def test_what_was_never_seen_has_no_indicator(self) -> None:
        step = learned("encode", {"columns": ["city"]}, self.ROWS)
        assert step.apply({"city": ["Paris"]}) == {"city_Bern": [0], "city_Oslo": [0], "city_Rome": [0]}
        assert step.report() == {"values": 1, "unknown": 1}

    def test_only_the_most_frequent(self) -> None:
        step = learned("encode", {"columns": ["city"], "most": 2}, self.ROWS)
        assert list(step.apply({"city": ["Oslo"]})) == ["city_Bern", "city_Rome"]

    def test_ordinal_is_scikit_learns(self) -> None:
        from sklearn.preprocessing import OrdinalEncoder

        values = ["b", "a", "c", "a"]
        step = learned("encode", {"columns": ["x"], "method": "ordinal"}, {"x": values})
        theirs = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(
            np.array(values).reshape(-1, 1)
        )
        asked = ["c", "z", "a"]
        assert step.apply({"x": [*asked, None]})["x"] == [
            *theirs.transform(np.array(asked).reshape(-1, 1))[:, 0].tolist(),
            None,
        ]

    def test_hashed_needs_no_knowledge(self) -> None:
        step = learned("encode", {"columns": ["x"], "method": "hashed", "buckets": 8}, {"x": []})
        assert not isinstance(step, Surveys)
        values = [f"value {number}" for number in range(4000)]
        done = step.apply({"x": [*values, None]})
        assert list(done) == [f"x_{bucket}" for bucket in range(8)]
        rows = np.array(list(done.values()))
        assert rows.sum(axis=0).tolist() == [1] * 4000 + [0]
        assert (abs(rows.sum(axis=1) - 500) < 100).all()

    def test_dates_in_parts(self) -> None:
        params = {
            "columns": ["at"],
            "method": "date",
            "parts": ["year", "month", "day", "weekday", "hour", "minute", "days"],
        }
        values = ["2026-05-31", "1970-01-02T23:59:00", "2024-02-29 08:05:00+08:00", "soon", None, 7]
        done = run("encode", params, {"at": values})
        assert [part[:3] for part in done.values()] == [
            [2026, 1970, 2024], [5, 1, 2], [31, 2, 29], [7, 5, 4], [0, 23, 8], [0, 59, 5], [20604, 1, 19782],
        ]  # fmt: skip
        assert all(part[3:] == [None, None, None] for part in done.values())

    def test_dates_as_they_are_written(self) -> None:
        params = {"columns": ["at"], "method": "date", "parts": ["month"], "format": "%d/%m/%y"}
        assert run("encode", params, {"at": ["31/05/26", "05.31.26"]}) == {"at_month": [5, None]}

    def test_warns_of_what_is_no_date(self) -> None:
        step = learned("encode", {"columns": ["at"], "method": "date"}, {"at": []})
        step.apply({"at": ["31/05/26", "30/05/26", "2026-05-31"]})
        assert steps.joined(step, [step.report()])["warning"].startswith(
            "2 of 3 values are no dates that encode can read"
        )

    def test_a_name_that_is_taken(self) -> None:
        rows: Batch = {"x": ["a"], "x_a": [1]}
        with pytest.raises(DataError, match="encode makes a column 'x_a' of 'x', and there is one already"):
            steps.reshaped(learned("encode", {"columns": ["x"]}, rows), {"x": "string", "x_a": "int64"})
        step = learned("encode", {"columns": ["x", "x_a"], "method": "hashed", "buckets": 2}, {"x": [], "x_a": []})
        assert len(steps.reshaped(step, {"x": "string", "x_a": "string"})) == 4

    def test_files_are_no_values(self) -> None:
        with pytest.raises(DataError, match="the column 'image' holds bytes"):
            run("encode", {"columns": ["image"]}, {"image": [b"\xff"]})

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ({}, "required"),
            ({"columns": []}, "at least 1"),
            ({"columns": ["a", "a"]}, "columns names 'a' twice"),
            ({"columns": ["a"], "format": "%d"}, "format goes with method date"),
            ({"columns": ["a"], "method": "date", "parts": ["second"]}, "'year'"),
            ({"columns": ["a"], "method": "hashed", "buckets": 1}, "greater than or equal to 2"),
        ],
    )
    def test_refuses(self, params: dict[str, Any], told: str) -> None:
        with pytest.raises(ValidationError, match=told):
            plugins.step("encode").Params.model_validate(params)


def test_a_chain_of_them_is_made_again_from_its_records() -> None:
    """A request goes through columns that are made on the way."""
    rows: Batch = {"city": ["Rome", "Oslo", None, "Rome"], "age": [20, None, 40, 60], "text": list("abcd")}
    specs: list[tuple[str, dict[str, Any]]] = [
        ("impute", {"columns": ["age"], "indicators": True}),
        ("encode", {"columns": ["city"]}),
        ("scale", {"columns": ["age", "city_Rome"]}),
    ]
    batch, names, records = rows, list(rows), []
    for name, params in specs:
        step: Any = steps.build(name, params, names, None)
        step.conclude([step.survey(batch)], Path())
        names = list(steps.reshaped(step, dict.fromkeys(names, "null")))
        batch = step.apply(batch)
        records.append(steps.record(name, params, step))
    assert list(batch) == names == ["city_Oslo", "city_Rome", "age", "age_missing", "text"]
    restored = steps.restore(json.loads(json.dumps(records)), list(rows))
    assert steps.apply(restored, rows) == batch
