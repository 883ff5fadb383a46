"""The steps that choose and make rows: labels, sample, balance, augment."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aiaas import plugins, steps
from aiaas.contracts import Batch, Sifted, Surveys
from aiaas.errors import DataError
from aiaas.steps import _bloom, _draw, _tally


def built(name: str, params: dict[str, Any], rows: Batch, size: int = 7, label: str | None = "label") -> Any:
    """The step, which knows of these rows what it must."""
    step = steps.build(name, params, [column for column in rows if column != "label"], label)
    if isinstance(step, Surveys):
        step.conclude([step.survey(part) for part in parts(rows, size)], Path())
    return step


def parts(rows: Batch, size: int) -> list[Batch]:
    return [{name: values[at : at + size] for name, values in rows.items()} for at in range(0, len(rows["text"]), size)]


def run(name: str, params: dict[str, Any], rows: Batch, size: int = 7) -> tuple[Batch, Any]:
    step = built(name, params, rows, size)
    done: Batch = {column: [] for column in rows}
    for part in parts(rows, size):
        for column, values in steps.mapped(step, part).rows.items():
            done[column] += values
    return done, step


def many(counts: dict[str, int]) -> Batch:
    """Different texts, so many of each label."""
    labels = [label for label, count in counts.items() for _ in range(count)]
    random.Random(1).shuffle(labels)
    return {"text": [f"text {number}" for number in range(len(labels))], "label": labels}


class TestLabels:
    ROWS: ClassVar[Batch] = {
        "text": list("abcdefg"),
        "label": ["good", "great", "bad", "odd", "good", "so-so", "awful"],
    }

    def test_maps_merges_and_drops(self) -> None:
        params = {"map": {"great": "good", "awful": "bad"}, "drop": ["so-so"]}
        step = built("labels", params, self.ROWS)
        assert not isinstance(step, Surveys)
        done = steps.mapped(step, self.ROWS)
        assert done.rows["label"] == ["good", "good", "bad", "odd", "good", "bad"]
        assert done.reasons == {5: "its label is so-so"}
        report = steps.joined(step, [step.report()])
        assert report["after"] == {"bad": 2, "good": 3, "odd": 1}
        assert "warning" not in report

    def test_keeps_only_some(self) -> None:
        params = {"map": {"great": "good"}, "keep": ["good", "bad"]}
        done, _ = run("labels", params, self.ROWS)
        assert done["label"] == ["good", "good", "bad", "good"]
        gone = steps.mapped(built("labels", params, self.ROWS), self.ROWS)
        assert set(gone.reasons.values()) == {"its label is none of those to keep"}, "whatever it is"

    def test_rare_ones_become_one_or_go(self) -> None:
        params = {"map": {"great": "good"}, "min_rows": 2}
        done, _ = run("labels", {**params, "rare": "other"}, self.ROWS, size=2)
        assert done["label"] == ["good", "good", "other", "other", "good", "other", "other"]
        step = built("labels", params, self.ROWS)
        gone = steps.mapped(step, self.ROWS)
        assert gone.rows["text"] == ["a", "b", "e"]
        assert set(gone.reasons.values()) == {"its label is rare"}

    def test_warns_of_what_no_row_has(self) -> None:
        step = built("labels", {"map": {"godo": "good"}, "drop": ["odd", "even"]}, self.ROWS)
        steps.mapped(step, self.ROWS)
        warning = steps.joined(step, [step.report()])["warning"]
        assert warning.startswith("labels names 'even', 'godo', which no row has; there are: awful, bad,")

    @pytest.mark.parametrize("label", [None, "target"])
    def test_refuses_what_has_no_labels(self, label: str | None) -> None:
        step = steps.build("labels", {"drop": ["x"]}, ["text"], label)
        with pytest.raises(DataError, match="this task has none"):
            step.apply({"text": ["a"], "target": [1.5]})

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ({}, "give map, drop, keep or min_rows"),
            ({"rare": "other"}, "rare needs min_rows"),
            ({"map": {"a": " "}}, "must not be empty"),
            ({"drop": ["a"], "keep": ["a"]}, "stands in drop and in keep"),
            ({"min_rows": 1}, "greater than or equal to 2"),
        ],
    )
    def test_refuses(self, params: dict[str, Any], told: str) -> None:
        with pytest.raises(ValidationError, match=told):
            plugins.step("labels").Params.model_validate(params)


class TestSample:
    def test_a_share_is_drawn_by_content(self) -> None:
        rows = many({"a": 3000, "b": 1000})
        done, step = run("sample", {"share": 0.3}, rows)
        assert not isinstance(step, Surveys)
        counts = Counter(done["label"])
        assert abs(counts["a"] - 900) < 100
        assert abs(counts["b"] - 300) < 60
        assert step.report() == {"left_out": 4000 - len(done["text"])}
        more = {name: [*values, *values[:50], *many({"c": 200})[name]] for name, values in rows.items()}
        again, _ = run("sample", {"share": 0.3}, more)
        assert set(done["text"]) <= set(again["text"])
        assert run("sample", {"share": 0.3, "seed": 1}, rows)[0] != done
        assert run("sample", {"share": 1.0}, rows)[0] == rows

    def test_numbers_are_exact(self) -> None:
        rows = many({"a": 300, "b": 40, "c": 5})
        done, _ = run("sample", {"rows": 40}, rows)
        assert Counter(done["label"]) == {"a": 40, "b": 40, "c": 5}
        done, _ = run("sample", {"labels": {"a": 17, "b": 0}}, rows)
        assert Counter(done["label"]) == {"a": 17, "c": 5}

    def test_without_labels_it_counts_all_rows(self) -> None:
        rows: Batch = {"text": [f"{number}" for number in range(100)]}
        step = built("sample", {"rows": 10}, rows, label=None)
        assert len(steps.mapped(step, rows).rows["text"]) == 10
        numbers: Batch = {**rows, "target": [float(number) for number in range(100)]}
        step = built("sample", {"rows": 10}, numbers, label="target")
        assert len(steps.mapped(step, numbers).rows["text"]) == 10

    def test_equal_rows_go_together(self) -> None:
        rows: Batch = {"text": [f"{number % 10}" for number in range(100)], "label": ["a"] * 100}
        done, _ = run("sample", {"rows": 25}, rows)
        assert set(Counter(done["text"]).values()) == {10}

    def test_a_label_that_no_row_has(self) -> None:
        with pytest.raises(DataError, match="no row has the label 'x', which sample names"):
            built("sample", {"labels": {"x": 1}}, many({"a": 3}))

    @pytest.mark.parametrize("params", [{}, {"share": 0.5, "rows": 3}, {"share": 0}, {"share": 1.5}, {"rows": 0}])
    def test_refuses(self, params: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            plugins.step("sample").Params.model_validate(params)

    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), max_size=200), st.integers(0, 80))
    def test_bounds_are_what_sorting_says(self, rows: list[tuple[int, int]], take: int) -> None:
        import numpy as np

        keys = [(label, (key * 0x9E3779B97F4A7C15 % 2**64) >> 1) for label, key in rows]
        surveys = [
            {
                "labels": np.array([label for label, _ in keys[at : at + 9]], np.uint64),
                "keys": np.array([key for _, key in keys[at : at + 9]], np.uint64),
            }
            for at in range(0, len(keys), 9)
        ]
        counts = _draw.counted(surveys)
        below = _draw.bounds(lambda: surveys, counts, dict.fromkeys(counts, take))
        for label in counts:
            ordered = sorted(key for each, key in keys if each == label)
            kept = [key for key in ordered if key < below[label]]
            wanted = ordered[:take]
            assert kept == [key for key in ordered if wanted and key <= wanted[-1]]


class TestBalance:
    COUNTS: ClassVar[dict[str, int]] = {"a": 90, "b": 30, "c": 7}

    @pytest.mark.parametrize(
        ("params", "expected"),
        [
            ({}, {"a": 90, "b": 90, "c": 70}),
            ({"most": 20}, {"a": 90, "b": 90, "c": 90}),
            ({"method": "under"}, {"a": 7, "b": 7, "c": 7}),
            ({"method": "both"}, {"a": 42, "b": 42, "c": 42}),
            ({"rows": 50}, {"a": 90, "b": 50, "c": 50}),
            ({"method": "under", "rows": 50}, {"a": 50, "b": 30, "c": 7}),
            ({"method": "both", "rows": 20}, {"a": 20, "b": 20, "c": 20}),
        ],
    )
    def test_reaches(self, params: dict[str, Any], expected: dict[str, int]) -> None:
        rows = many(self.COUNTS)
        done, step = run("balance", params, rows)
        assert Counter(done["label"]) == expected
        copies = Counter(done["text"])
        assert max(copies.values()) <= params.get("most", 10)
        assert step.report()["copied"] - step.report()["left_out"] == len(done["text"]) - len(rows["text"])
        for label, count in self.COUNTS.items():  # every row about as often as the others
            times = [copies[text] for text, each in zip(rows["text"], rows["label"], strict=True) if each == label]
            assert max(times) - min(times) <= 1
            assert len(times) == count

    def test_only_train_and_no_request(self) -> None:
        step = plugins.step("balance").Step
        assert (step.ROWS, step.ON_REQUEST) == ("train", False)

    def test_refuses_a_task_without_labels(self) -> None:
        with pytest.raises(DataError, match="this task has none"):
            steps.build("balance", {}, ["text"], None)
        step: Any = steps.build("balance", {}, ["text"], "target")
        with pytest.raises(DataError, match="this task has none"):
            step.survey({"text": ["a"], "target": [1.5]})

    def test_says_which_rows_went(self) -> None:
        rows = many({"a": 3, "b": 1})
        done = steps.mapped(built("balance", {"method": "under"}, rows), rows)
        assert list(done.reasons.values()) == ["left out to balance the labels"] * 2


REVIEW = "The room was clean and the staff were very friendly to us"


class TestAugment:
    def made(self, texts: list[Any], **params: Any) -> Sifted:
        return steps.mapped(built("augment", params, {"text": texts}, label=None), {"text": texts})

    def test_the_row_stays_and_its_copies_follow(self) -> None:
        done = self.made([REVIEW, "房间很干净服务也好", None, ""], copies=3)
        assert [place for place, text in zip(done.places, done.rows["text"], strict=True) if text == REVIEW] == [0]
        assert done.rows["text"][-2:] == [None, ""]
        assert done.places == sorted(done.places)
        copies = [text for place, text in zip(done.places, done.rows["text"], strict=True) if place == 0]
        assert len(set(copies)) == len(copies) > 2

    def test_swap_exchanges_words(self) -> None:
        for place, text in zip(*self._of(["swap"]), strict=True):
            assert sorted(text.split() if place == 0 else text) == sorted(
                REVIEW.split() if place == 0 else "房间很干净服务也好"
            )

    def test_delete_leaves_words_out(self) -> None:
        for place, text in zip(*self._of(["delete"]), strict=True):
            whole, part = (REVIEW.split(), text.split()) if place == 0 else (list("房间很干净服务也好"), list(text))
            assert not Counter(part) - Counter(whole)
            assert "  " not in text

    def _of(self, operations: list[str]) -> tuple[list[int], list[str]]:
        done = self.made([REVIEW, "房间很干净服务也好"], operations=operations, copies=4)
        return list(done.places), done.rows["text"]

    def test_synonyms_stand_in_for_words(self) -> None:
        synonyms = {"room": ["suite"], "clean": ["tidy", "spotless"], "干净": ["整洁"], "oo": ["never"]}
        done = self.made([REVIEW, "房间很干净服务也好"], operations=["synonym"], synonyms=synonyms, copies=8, share=0.5)
        english = [text for place, text in zip(done.places, done.rows["text"], strict=True) if place == 0]
        expected = {REVIEW.replace("room", room).replace("clean", clean) for room in ("room", "suite")
                    for clean in ("clean", "tidy", "spotless")}  # fmt: skip
        assert set(english) <= expected
        assert len(english) > 2
        assert "房间很整洁服务也好" in done.rows["text"]

    def test_synonyms_from_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "words.txt"
        path.write_text("# hotels\nroom, suite，chamber\n\n干净,整洁\n", "utf-8")
        module: Any = plugins.step("augment")
        params = module.Params(operations=["synonym"], synonym_file="words.txt", synonyms={"room": ["place"]})
        assert module.files(params) == {"synonym_file": "words.txt"}
        read = module.read(params, {"synonym_file": path})
        assert read.synonym_file is None
        assert read.synonyms == {
            "room": ["place", "suite", "chamber"],
            "suite": ["room", "chamber"],
            "chamber": ["room", "suite"],
            "干净": ["整洁"],
            "整洁": ["干净"],
        }

    @pytest.mark.parametrize(("text", "told"), [(b"one\n", "two words"), (b"a,,b\n", "two words"), (b"\xff", "UTF-8")])
    def test_a_bad_file_of_synonyms(self, tmp_path: Path, text: bytes, told: str) -> None:
        path = tmp_path / "words.txt"
        path.write_bytes(text)
        module: Any = plugins.step("augment")
        with pytest.raises(DataError, match=told):
            module.read(module.Params(synonym_file="words.txt"), {"synonym_file": path})

    def test_without_a_synonym_it_falls_back_to_noise(self) -> None:
        done = self.made(["plain words only here"], operations=["synonym"], synonyms={"room": ["suite"]}, copies=5)
        assert len(done.places) > 3
        assert all(abs(len(text) - 21) <= 3 for text in done.rows["text"])

    def test_half_a_copy_is_one_of_every_other_row(self) -> None:
        done = self.made([f"text number {number} of many" for number in range(1000)], copies=0.5)
        assert abs(len(done.places) - 1500) < 60

    def test_seeds_and_batches(self) -> None:
        values = [f"this is the text number {number}" for number in range(60)]
        whole = self.made(values, copies=2).rows["text"]
        step = built("augment", {"copies": 2}, {"text": values}, label=None)
        assert [text for value in values for text in steps.mapped(step, {"text": [value]}).rows["text"]] == whole
        assert self.made(values, copies=2, seed=1).rows["text"] != whole

    def test_reports_what_it_made(self) -> None:
        rows: Batch = {"text": [REVIEW, "one", None]}
        step = built("augment", {"operations": ["swap"]}, rows, label=None)
        steps.mapped(step, rows)
        assert step.report() == {"copies": {"swap": 1}, "known": 2}

    def test_what_stands_among_the_rows_is_not_made_again(self) -> None:
        """One equal to a row of test would be a leak, and one of train with another label a contradiction."""
        values = ["甲乙", "乙甲", "丙丁"]
        step = built("augment", {"operations": ["swap"], "copies": 3}, {"text": values}, label=None)
        assert steps.mapped(step, {"text": ["甲乙", "丙丁"]}).rows["text"] == ["甲乙", "丙丁", "丁丙"]

    def test_only_train_and_no_request(self) -> None:
        step = plugins.step("augment").Step
        assert (step.ROWS, step.ON_REQUEST) == ("train", False)

    @given(st.text(st.sampled_from("ab 好\n.\U0001f600"), max_size=20), st.sampled_from(["swap", "delete", "noise"]))
    def test_any_text(self, value: str, operation: str) -> None:
        done = self.made([value], operations=[operation], copies=2, share=0.5)
        assert done.rows["text"][0] == value
        assert all(text.strip() for text in done.rows["text"][1:])

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ({"copies": 0}, "greater than 0"),
            ({"operations": []}, "at least 1"),
            ({"operations": ["translate"]}, "'swap', 'delete', 'synonym' or 'noise'"),
            ({"operations": ["synonym"]}, "needs synonyms"),
            ({"synonyms": {"a": []}}, "needs one word at least"),
            ({"synonyms": {" ": ["a"]}}, "needs one word at least"),
            ({"share": 0.6}, "less than or equal to 0.5"),
        ],
    )
    def test_refuses(self, params: dict[str, Any], told: str) -> None:
        with pytest.raises(ValidationError, match=told):
            plugins.step("augment").Params.model_validate(params)


class TestFilter:
    @given(st.lists(st.integers(0, 2**64 - 1), unique=True), st.integers(1, 7))
    def test_holds_what_it_is_made_of(self, keys: list[int], size: int) -> None:
        import numpy as np

        pieces = [np.array(keys[at : at + size], np.uint64) for at in range(0, len(keys), size)]
        found = _bloom.Filter.of(pieces)
        assert _bloom.Filter.read(found.written()).holds(np.array(keys, np.uint64)).all()

    def test_and_hardly_anything_else(self) -> None:
        import numpy as np

        keys = np.random.default_rng(1).integers(0, 2**64, 200_000, np.uint64)
        found = _bloom.Filter.of([keys[:100_000]])
        assert found.holds(keys[100_000:]).mean() < 0.002
        assert not _bloom.Filter.of([]).holds(keys).any()
        assert len(found.written()) < 2.8 * 100_000


class TestTally:
    @given(st.lists(st.text(max_size=3)), st.integers(1, 5))
    def test_is_what_a_counter_says(self, values: list[str], size: int) -> None:
        surveys = [_tally.survey("x", values[at : at + size]) for at in range(0, len(values), size)]
        assert _tally.total("x", surveys, "it") == Counter(values)

    def test_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_tally, "MOST", 3)
        with pytest.raises(DataError, match="the column 'a' holds more than 3 different values"):
            _tally.total("x", [_tally.survey("x", map(str, range(4)))], "the column 'a'")


def test_states_are_json() -> None:
    rows = many({"a": 9, "b": 3})
    for name, params in (("sample", {"rows": 2}), ("balance", {}), ("labels", {"min_rows": 4})):
        step = built(name, params, rows)
        other: Any = steps.build(name, params, ["text"], "label")
        other.restore(json.loads(json.dumps(step.state())))
        assert steps.mapped(other, rows) == steps.mapped(step, rows)
