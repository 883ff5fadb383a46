"""The JSON Schema takes what the reader takes and refuses what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from aiaas.errors import RecipeError
from aiaas.recipe import read
from aiaas.recipe.parse import parse
from aiaas.recipe.schema import DIALECT, schema
from tests.recipe.conftest import TOY, Write

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(scope="module")
def validator(toys: None) -> Draft202012Validator:
    made = json.loads(json.dumps(schema()))
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def test_what_cannot_be_imported_is_left_out(validator: Draft202012Validator) -> None:
    tasks = validator.schema["properties"]["task"]["enum"]
    assert "toy-labels" in tasks
    assert "toy-broken" not in tasks


def test_shipped_recipes_fit(validator: Draft202012Validator) -> None:
    for file in sorted(RECIPES.glob("*.yaml")):
        assert list(validator.iter_errors(parse(file.read_bytes(), file.name).data)) == []


def test_resolved_recipes_fit(validator: Draft202012Validator, write: Write) -> None:
    assert list(validator.iter_errors(read(write(), environ={}).resolved())) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: toy\n", ""),
        ("name: toy\n", "name: Toy\n"),
        ("name: toy\n", "name: toy\nfoo: 1\n"),
        ("toy-labels", "toy-lables"),
        ("toy-labels", "toy-numbers"),
        ("label: pos", "lable: pos"),
        ("label: pos", "limit: 0"),
        ("label: pos", "login: {usr: x}"),
        ("label: pos", "label: 1"),
        ("toy_drop: {}", "toy_drop: {a: 1}"),
        ("toy_drop: {}", "toy_clean: {html: yes}"),
        ("{toy_drop: {}}", "toy_dorp"),
        ("{toy_drop: {}}", "{toy_drop: {}, toy_clean: {}}"),
        ("backend: toy", "backend: tyo"),
        ("architecture: bayes", "architecture: line"),
        ("alpha: 0.5", "alpha: 0"),
        ("alpha: 0.5", "rate: 1"),
        ("ngrams: [1, 3]", "ngrams: [1]"),
        ('">= 0.83"', '"0.83"'),
        ("accuracy", "acuracy"),
        ("evaluate:\n", "train: {epochs: 3}\nevaluate:\n"),
    ],
)
def test_what_the_reader_refuses(validator: Draft202012Validator, write: Write, old: str, new: str) -> None:
    file = write(old, new)
    with pytest.raises(RecipeError):
        read(file, environ={})
    assert list(validator.iter_errors(parse(file.read_bytes(), "x").data))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  params:\n    alpha: 0.5\n    ngrams: [1, 3]\n", ""),
        ("  params:\n    alpha: 0.5\n    ngrams: [1, 3]\n", "  params:\n"),
        ("steps: [toy_clean, {toy_drop: {}}]", "steps: [{toy_clean: }]"),
        ("evaluate:\n", "train:\ndeploy:\nevaluate:\n"),
        ("toy:one", "./some/path.csv"),
        ("alpha: 0.5", "stop: [a, b]"),
        ("steps:", "split: {train: 0.9, test: 0.1}\n  steps:"),
    ],
)
def test_what_the_reader_takes(validator: Draft202012Validator, write: Write, old: str, new: str) -> None:
    file = write(old, new)
    read(file, environ={})
    assert list(validator.iter_errors(parse(file.read_bytes(), "x").data)) == []


def test_everything_is_described(toys: None) -> None:
    made = schema()
    assert made["$schema"] == DIALECT
    assert {"source.files", "source.package", "step.clean", "model.toy.bayes"} <= set(made["$defs"])
    for name, definition in made["$defs"].items():
        for key, value in definition.get("properties", {}).items():
            assert value.get("description"), f"{name}.{key} has no description"


def test_the_toy_fits(validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors(parse(TOY.encode(), "x").data)) == []
