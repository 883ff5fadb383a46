"""Reading, defaults, round trips, origins."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aiaas.errors import RecipeError
from aiaas.recipe import Evaluate, Gate, Recipe, Split, read
from aiaas.recipe.parse import parse
from aiaas.recipe.render import to_yaml
from tests.recipe.conftest import TOY, Write

REVIEWS = Path(__file__).parents[2] / "recipes" / "reviews_zh_nb.yaml"


def test_the_recipe_of_the_readme() -> None:
    recipe = read(REVIEWS, environ={})
    assert (recipe.name, recipe.task) == ("reviews-zh-nb", "text-classification")
    assert [source.label for source in recipe.collect] == ["pos", "neg"]
    assert [step.name for step in recipe.preprocess.steps] == ["clean", "deduplicate"]
    assert recipe.model.params.model_dump()["ngrams"] == (1, 3)
    assert recipe.evaluate.gates["accuracy"].met(0.84)
    assert recipe.deploy.alias == "champion"
    assert recipe.base == REVIEWS.parent
    assert recipe.file == REVIEWS


def test_every_shipped_recipe_is_valid() -> None:
    for file in sorted(REVIEWS.parent.glob("*.yaml")):
        read(file, environ={})


def test_defaults(toy: Recipe) -> None:
    assert (toy.schema_, toy.seed, toy.deploy.alias) == (1, 0, "champion")
    split = toy.preprocess.split
    assert (split.train, split.validation, split.test, split.stratify, split.column) == (0.7, 0.1, 0.2, True, None)


def test_ratios_that_are_not_given_are_nothing(write: Write) -> None:
    recipe = read(write("preprocess:\n", "preprocess:\n  split: {train: 0.8, test: 0.2}\n"), environ={})
    assert recipe.preprocess.split.validation == 0
    assert Split(train=0.6, test=0.4).validation == 0


def test_stratify_is_false_where_there_are_no_labels(write: Write) -> None:
    text = TOY.replace("toy-labels", "toy-numbers").replace("accuracy", "r2")
    text = text.replace("architecture: bayes", "architecture: line").split("  params:")[0] + "  params: {rate: 1}\n"
    assert read(write(text=text), environ={}).preprocess.split.stratify is False


def test_empty_sections_are_their_defaults(write: Write) -> None:
    text = TOY.split("preprocess:")[0] + "preprocess:\nmodel: {backend: toy, architecture: bayes, params: }\ntrain:\n"
    recipe = read(write(text=text + "evaluate:\n  gates:\ndeploy:\n"), environ={})
    assert recipe.preprocess.steps == ()
    assert recipe.evaluate.gates == {}
    assert read(write(text=text.replace("preprocess:", "preprocess: {steps: , split: }")), environ={}) == recipe


def test_a_recipe_is_frozen(toy: Recipe) -> None:
    with pytest.raises(ValidationError):
        toy.name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        toy.model.params.alpha = 1  # type: ignore[attr-defined]


def test_resolved_reads_back_the_same(toy: Recipe, tmp_path: Path) -> None:
    resolved = toy.resolved()
    assert resolved["preprocess"]["steps"] == [{"toy_clean": {"html": True, "keep": []}}, {"toy_drop": {}}]
    assert resolved["evaluate"] == {
        "gates": {"accuracy": ">= 0.83"},
        "intervals": {"samples": 1000, "level": 0.95},
        "slices": [],
        "calibrate": None,
        "thresholds": {},
        "robustness": None,
        "samples": {"texts": 32, "length": 100},
    }
    assert resolved["collect"][1]["limit"] == 5
    assert Recipe.from_dict(resolved) == toy
    again = tmp_path / "again.yaml"
    again.write_text(toy.to_yaml(), "utf-8")
    assert read(again, environ={}) == toy
    assert read(again, environ={}).to_yaml() == toy.to_yaml()
    assert pickle.loads(pickle.dumps(toy)) == toy


def test_flat_names_steps_and_keeps_their_order(toy: Recipe) -> None:
    flat = toy.flat()
    assert flat["preprocess.steps"] == ["toy_clean", "toy_drop"]
    assert flat["preprocess.steps.toy_clean.html"] is True
    assert flat["model.params.ngrams"] == [1, 3]
    assert flat["collect.0.source"] == "toy:one"
    assert flat["evaluate.gates.accuracy"] == ">= 0.83"
    assert flat["train"] == {}
    assert toy.origins().keys() == flat.keys()


def test_a_repeated_step_is_numbered(write: Write) -> None:
    flat = read(write("{toy_drop: {}}", "{toy_clean: {html: false}}"), environ={}).flat()
    assert (flat["preprocess.steps.toy_clean.html"], flat["preprocess.steps.toy_clean.2.html"]) == (True, False)


def test_origins(write: Write) -> None:
    environ = {"AIAAS__SEED": "3", "AIAAS__MODEL__PARAMS__ALPHA": "0.2", "OTHER": "1"}
    recipe = read(write(), ["model.params.alpha=0.1"], environ)
    origins = recipe.origins()
    assert origins["model.params.alpha"] == "--set"
    assert origins["seed"] == "environment AIAAS__SEED"
    assert origins["model.params.ngrams"] == "toy.yaml:16:13"
    assert origins["collect.0.label"] == "toy.yaml:7:12"
    assert origins["deploy.alias"] == "default"
    assert recipe.origin("collect[0].label") == recipe.origin("collect.0.label") == "toy.yaml:7:12"
    assert recipe.origin("preprocess.steps.toy_clean.html") == "default"
    assert recipe.where("collect[0].limit") == "toy.yaml:6:5"
    assert recipe.where() == "toy.yaml:3:1"


def test_values_from_python() -> None:
    data = {
        "name": "toy",
        "task": "toy-labels",
        "collect": ({"source": "toy:one"},),
        "model": {"backend": "toy", "architecture": "bayes", "params": {"ngrams": (1, 2)}},
    }
    recipe = Recipe.from_dict(data, ["seed=4"], base=Path("elsewhere"))
    assert (recipe.seed, recipe.base, recipe.file) == (4, Path("elsewhere").absolute(), None)
    assert recipe.origins()["name"] == "recipe"
    data["model"] = {"backend": object(), 1: 2}
    data["seed"] = float("nan")
    with pytest.raises(RecipeError) as caught:
        Recipe.from_dict(data)
    assert {fault.path for fault in caught.value.faults} >= {"model", "model.backend", "seed"}


def test_gates_print_back() -> None:
    for text in (">= 0.83", "> 0", "<= 12.5", "< -1", ">= 1e-05"):
        assert str(Gate.parse(text)) == text
    assert str(Gate.parse("  >=.9 ")) == ">= 0.9"
    assert Gate.parse("< 1").met(0.5)
    assert not Gate.parse("> 1").met(1)
    assert Gate.parse("<= 1").met(1)
    assert not Gate.parse(">= 0").met(float("nan"))
    assert Evaluate(gates={"f1": "> 0.5"}).model_dump()["gates"] == {"f1": "> 0.5"}  # type: ignore[dict-item]
    for text in ("=> 1", "0.8", ">= x", ">= 1 ", "== 1", ">= nan", ">= 1e999", "", ">= 1\n2"):
        if text != ">= 1 ":
            with pytest.raises(ValueError, match=r".+"):
                Gate.parse(text)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("Off", "Off"), ("true", True), ("False", False),
        ("1e-3", 0.001), ("1E3", 1000.0), (".5", 0.5), ("1.", 1.0), ("0123", 123), ("0o17", 15), ("0x1F", 31),
        ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("1_000", "1_000"), ("2026-11-23", "2026-11-23"),
        ("~", None), ("null", None), ("", None), ("-7", -7), ("+7", 7), ("!!str 5", "5"), ("!!float 5", 5.0),
        ("'5'", "5"), ('"\\u623f"', "房"), ("=", "="), ("0b11", "0b11"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    document = parse(f"a: {written}\n".encode(), "x")
    assert document.faults == []
    assert document.data == {"a": value}
    assert type(document.data["a"]) is type(value)


def test_keys_are_text_as_written() -> None:
    assert parse(b"{2024: a, true: b, 0x1F: c, null: d}", "x").data == {
        "2024": "a",
        "true": "b",
        "0x1F": "c",
        "null": "d",
    }


def test_aliases_repeat_a_value() -> None:
    document = parse(b"a: &one {b: 1}\nc: *one\n", "x")
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}}
    document.data["c"]["b"] = 2
    assert document.data["a"] == {"b": 1}


def test_byte_order_mark_and_windows_lines(write: Write) -> None:
    assert read(write(text=b"\xef\xbb\xbf" + TOY.replace("\n", "\r\n").encode()), environ={}).name == "toy"


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30) | st.sampled_from(
    [
        "1e-3",
        "0o17",
        "yes",
        "~",
        "",
        "1:30",
        "0123",
        ".5",
        "-",
        "? a",
        "a: b",
        "#",
        "2026-01-01",
        "=",
        "<<",
        "0x1",
        ".inf",
    ]
)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_texts.filter(lambda key: key != "<<"), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from("abc"), _values, min_size=1))
def test_yaml_that_we_write_reads_back(value: dict[str, object]) -> None:
    document = parse(to_yaml(value).encode(), "x")
    assert document.faults == []
    assert document.data == value
