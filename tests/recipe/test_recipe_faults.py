"""Every fault: its place, its path, what is allowed, what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiaas.errors import RecipeError
from aiaas.recipe import read
from tests.recipe.conftest import TOY, Faults, Write


@pytest.mark.parametrize(
    ("old", "new", "where", "path", "message", "hint"),
    [
        ("name: toy\n", "nmae: toy\n", "3:1", "name", "is missing: what the model is called", "add name: …"),
        ("name: toy\n", "name: toy\nnmae: x\n", "4:1", "nmae", "unknown key 'nmae'; allowed: schema, name", "'name'"),
        ("name: toy\n", "name: Toy\n", "3:7", "name", "must match ^[a-z0-9][a-z0-9-]*$ (What the", None),
        ("name: toy\n", f"name: {'a' * 65}\n", "3:7", "name", "must have at most 64 characters", None),
        ("name: toy\n", "name: 2024\n", "3:7", "name", "must be text, found a number", 'put it in quotes: "2024"'),
        ("name: toy\n", "name: [a]\n", "3:7", "name", "must be text, found a list", None),
        ("name: toy\n", "name: toy\nschema: 2\n", "4:9", "schema", "is 2; this aiaas reads schema 1", "newer"),
        ("name: toy\n", "name: toy\nschema: 0\n", "4:9", "schema", "must be 1; found a number", None),
        ("name: toy\n", "name: toy\nseed: -1\n", "4:7", "seed", "must be at least 0, found -1", None),
        ("name: toy\n", "name: toy\nseed: 1.5\n", "4:7", "seed", "must be a whole number, found a number", None),
        ("name: toy\n", "name: toy\nseed: true\n", "4:7", "seed", "must be a whole number, found true or false", None),
        ("name: toy\n", 'name: toy\nseed: "1"\n', "4:7", "seed", "a whole number, found text", "take the quotes away"),
        ("name: toy\n", "name: toy\nseed: .inf\n", "4:7", "seed", "must be a finite number", None),
        ("name: toy\n", f"name: toy\nseed: {'9' * 70}\n", "4:7", "seed", "is a number of 70 characters", None),
        ("name: toy\n", "name: toy\nname: b\n", "4:1", "name", "stands twice; first at toy.yaml:3:1", "keep one"),
        ("name: toy\n", "name: !!python/name:x y\n", "3:7", "name", "carries the tag 'python/name:x'", "take"),
        ("name: toy\n", "name: !!int x\n", "3:7", "name", "does not go with its tag !!int", None),
        ("name: toy\n", "name: toy\n<<: {a: 1}\n", "4:1", '["<<"]', "merge keys do not belong to YAML 1.2", "write"),
        ("name: toy\n", "name: toy\n? [a]\n: b\n", "4:3", "", "a key must be plain text", None),
        ("name: toy\n", 'name: "a\\0"\n', "3:7", "name", "holds a character that is no text", None),
        ("toy-labels", "toy-lables", "4:7", "task", "unknown task 'toy-lables'; allowed: ", "'toy-labels'"),
        ("toy-labels", "toy-broken", "4:7", "task", "cannot be imported: AttributeError", "pip uninstall"),
        ("toy:one", "tyo:one", "6:13", "collect[0].source", "unknown kind of source 'tyo:'", "'toy:'"),
        ("toy:one", '""', "6:13", "collect[0].source", "must be text that says where the rows are", None),
        ("toy:one", "7", "6:13", "collect[0].source", "says where the rows are, found a number", None),
        ("source: toy:one\n    ", "", "6:5", "collect[0].source", "is missing", "add source: …"),
        ("- source: toy:one\n    label: pos", "- toy:one", "6:5", "collect[0]", "must be a mapping with", "write"),
        ("label: pos", "label: 1", "7:12", "collect[0].label", "must be text, found a number", '"1"'),
        ("label: pos", "lable: pos", "7:5", "collect[0].lable", "unknown key 'lable'", "'label'"),
        ("label: pos", "format: line", "7:13", "collect[0].format", "one of lines, csv; found 'line'", "'lines'"),
        ("label: pos", "login: {usr: x}", "7:13", "collect[0].login.usr", "unknown key 'usr'; allowed: user", "'user'"),
        ("label: pos", "login: {password: }", "7:5", "collect[0].login.user", "is missing: who", "add user: …"),
        ("label: pos", "columns: {text: [a]}", "7:21", "collect[0].columns.text", "must be text, found a list", None),
        ("limit: 5", "limit: 5000", "8:44", "collect[1].limit", "must be at most 1000, found 5000", None),
        ("[toy_clean, {", "[toy_cleen, {", "10:11", "preprocess.steps[0]", "unknown step 'toy_cleen'", "'toy_clean'"),
        ("toy_drop: {}", "toy_drop: {a: 1}", "10:34", "preprocess.steps[1].toy_drop.a", "none is allowed here", None),
        ("toy_drop: {}", "toy_drop: 1", "10:33", "preprocess.steps[1].toy_drop", "a mapping of keys, found a", None),
        ("toy_drop: {}", "toy_clean: {html: yes}", "10:41", "preprocess.steps[1].toy_clean.html", "true", "write true"),
        ("toy_drop: {}", "a: 1, b: 2", "10:22", "preprocess.steps[1]", "must be a step's name", "one step an item"),
        ("steps: [toy_clean, {toy_drop: {}}]", "steps: x", "10:10", "preprocess.steps", "must be a list, found", "…"),
        ("steps:", "split: {train: 0.7}\n  steps:", "10:10", "preprocess.split", "sum to 1; train 0.7 + val", None),
        ("steps:", "split: {test: 1}\n  steps:", "10:17", "preprocess.split.test", "must be less than 1", None),
        ("steps:", "split: {test: 1}\n  steps:", "10:10", "preprocess.split.train", "must be greater than 0", None),
        ("steps:", "split: {colum: a}\n  steps:", "10:11", "preprocess.split.colum", "unknown key", "'column'"),
        ("backend: toy", "backend: tyo", "12:12", "model.backend", "unknown backend 'tyo'; allowed: ", "'toy'"),
        ("backend: toy", "bakend: toy", "11:1", "model.backend", "is missing: the framework", "add backend: …"),
        ("architecture: bayes", "architecture: byes", "13:17", "model.architecture", "unknown architecture", "'bayes'"),
        ("architecture: bayes", "architecture: line", "13:17", "model.architecture", "cannot learn toy-labels;", None),
        ("alpha: 0.5", "alpha: 0", "15:12", "model.params.alpha", "must be greater than 0, found 0", None),
        ("alpha: 0.5", "alpha: 1e999", "15:12", "model.params.alpha", "must be a finite number", None),
        ("alpha: 0.5", "alpha: ${env:A}", "15:12", "model.params.alpha", "a number, found text", "AIAAS__MODEL__"),
        ("alpha: 0.5", "alhpa: 0.5", "15:5", "model.params.alhpa", "unknown key 'alhpa'; allowed: alpha,", "'alpha'"),
        ("alpha: 0.5", "even: 3", "15:11", "model.params.even", "must be even, and 3 is odd", None),
        ("alpha: 0.5", "prefix: abcd", "15:13", "model.params.prefix", "must have at most 3 characters", None),
        ("alpha: 0.5", "stop: 1.5", "15:11", "model.params.stop", "must be a whole number or a list", None),
        ("alpha: 0.5", "depth: al", "15:12", "model.params.depth", "all, none or a whole number; found", "'all'"),
        ("alpha: 0.5", "depth: 0", "15:12", "model.params.depth", "must be one of all, none or at least 1", None),
        ("alpha: 0.5", "depth: [1]", "15:12", "model.params.depth", "none or a whole number; found a list", None),
        ("alpha: 0.5", "stop: [a, 1]", "15:15", "model.params.stop[1]", "must be text, found a number", '"1"'),
        ("ngrams: [1, 3]", "ngrams: [1]", "16:13", "model.params.ngrams", "must have at least 2 items", None),
        ("ngrams: [1, 3]", "ngrams: [1, 2, 3]", "16:13", "model.params.ngrams", "must have at most 2 items", None),
        ("ngrams: [1, 3]", "ngrams: [1, a]", "16:17", "model.params.ngrams[1]", "must be a whole number", None),
        ("ngrams: [1, 3]", "ngrams: 3", "16:13", "model.params.ngrams", "must be a list, found a number", "brackets"),
        ('">= 0.83"', '"=> 0.83"', "18:21", "evaluate.gates.accuracy", 'such as ">= 0.83"', None),
        ('">= 0.83"', "0.83", "18:21", "evaluate.gates.accuracy", "must be one of >=, >, <=, < and a number", None),
        ("accuracy:", "acuracy:", "18:11", "evaluate.gates.acuracy", "unknown metric 'acuracy'", "'accuracy'"),
        ('gates: {accuracy: ">= 0.83"}', "gates: [a]", "18:10", "evaluate.gates", "must be a mapping of keys", None),
        ("evaluate:\n", "train: {epochs: 3}\nevaluate:\n", "17:9", "train.epochs", "none is allowed here", None),
        ("evaluate:\n", "deploy: {alias: v1}\nevaluate:\n", "17:17", "deploy.alias", "reserved by MLflow", None),
        ("evaluate:\n", "deploy: {alias: a/b}\nevaluate:\n", "17:17", "deploy.alias", "must match ^[A-Za-z]", None),
        ("evaluate:\n", "deploy: champion\nevaluate:\n", "17:9", "deploy", "a mapping of keys, found text", None),
    ],
)  # fmt: skip
def test_one_fault(faults: Faults, old: str, new: str, where: str, path: str, message: str, hint: str | None) -> None:
    found = faults(old, new)
    fault = next((fault for fault in found if fault.path == path), None)
    assert fault is not None, found
    assert fault.where == f"toy.yaml:{where}"
    assert message in fault.message
    assert (hint is None and fault.hint is None) or (hint is not None and hint in (fault.hint or "")), fault.hint
    # What follows from the change must not be told as faults of their own.
    follow_ups = {"nmae: toy": 2, "bakend: toy": 2, "login: {usr": 2, "split: {test": 2, "architecture: line": 4}
    assert len(found) == next((count for start, count in follow_ups.items() if new.startswith(start)), 1), found


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("", "toy.yaml", "is empty", "at least name, task"),
        ("# only a comment\n", "toy.yaml", "is empty", "at least"),
        ("- a\n", "toy.yaml:1:1", "a recipe is a mapping of keys, found a list", None),
        ("null", "toy.yaml:1:1", "a recipe is a mapping of keys, found nothing", None),
        ("name: a: b\n", "toy.yaml:1:8", "this is not valid YAML: mapping values are not allowed", "in quotes"),
        ("name:\n\t- a\n", "toy.yaml:2:1", "this is not valid YAML", "quotes"),
        ("name: 'a\n", "toy.yaml:2:1", "unexpected end of stream", "is not closed"),
        ("name: *.csv\n", "toy.yaml:1:8", "while scanning an alias", "begins with *"),
        ("name: @a\n", "toy.yaml:1:7", "cannot start any token", "quotes"),
        ("a: {b: ${env:X}}\n", "toy.yaml:1:9", "not valid YAML", '"${env:NAME}" in quotes'),
        ("a: *b\n", "toy.yaml:1:4", "the alias *b has no anchor &b", "quotes"),
        ("a: &b [*b]\n", "toy.yaml:1:8", "stands inside what it repeats", None),
        ("a: 1\n---\nb: 2\n", "toy.yaml:2:1", "a second one begins here", None),
        ("a: " + "[" * 100_000, "toy.yaml:1:35", "nested deeper than 32 levels", None),
        ("{" * 100, "toy.yaml:1:33", "nested deeper than 32 levels", None),
        ("a: [" + "1," * 60_000 + "]", "toy.yaml:1:100003", "at most 50,000 values", None),
        ("a: \x01\n", "toy.yaml:1:4", "the character U+0001 cannot stand in a recipe", None),
        ('a: "\\ud800"\n', "toy.yaml:1:7", "this is not valid YAML", None),
        (b"name: \xb7\xbf\n", "toy.yaml:1:7", "is not UTF-8 (byte 0xb7)", "UTF-8"),
        ("name: 评论\n".encode("utf-16"), "toy.yaml:1:1", "is not UTF-8", "UTF-8"),
        (b"# " + b"x" * 1_000_000, "toy.yaml", "a recipe has at most 1,000,000", None),
    ],
)  # fmt: skip
def test_a_text_that_is_no_recipe(
    faults: Faults, text: str | bytes, where: str, message: str, hint: str | None
) -> None:
    (fault,) = faults(text=text)
    assert fault.where == where
    assert message in fault.message
    assert (hint is None and fault.hint is None) or (hint is not None and hint in (fault.hint or "")), fault.hint


def test_a_bomb_of_aliases(faults: Faults) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    (fault,) = faults(text="\n".join(lines))
    assert "aliases counted" in fault.message


def test_a_tag_on_a_list(faults: Faults) -> None:
    found = faults("steps: [toy", "steps: !!python/object/apply:os.system [toy")
    assert ["carries the tag" in fault.message for fault in found] == [True]


def test_all_faults_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    text = TOY.replace("name: toy", "name: Toy").replace("label: pos", "lable: pos").replace("alpha: 0.5", "alpha: x")
    text = text.replace("toy_clean", "toy_cleen").replace("accuracy", "acuracy") + "extra: 1\n"
    found = faults(text=text, overrides=["model.params.foo=1"], AIAAS__SEED="x")
    assert [fault.path for fault in found] == [
        "name", "collect[0].lable", "preprocess.steps[0]", "model.params.alpha", "evaluate.gates.acuracy", "extra",
        "seed", "model.params.foo",
    ]  # fmt: skip
    lines = [int(fault.where.split(":")[1]) for fault in found[:6]]
    assert lines == sorted(lines)


def test_a_task_without_labels_cannot_be_stratified(faults: Faults) -> None:
    text = TOY.replace("toy-labels", "toy-numbers").replace("accuracy", "mae").replace("bayes", "line")
    text = text.split("  params:")[0] + "  params: {rate: 1}\n"
    (fault,) = faults(text=text.replace("steps:", "split: {stratify: true}\n  steps:"))
    assert fault.path == "preprocess.split.stratify"
    assert "must be false: toy-numbers has no labels" in fault.message


def test_no_pydantic_jargon_and_nothing_of_ours(faults: Faults) -> None:
    text = TOY.replace("alpha: 0.5", "alpha: []").replace("limit: 5", "limit: x").replace("task:", "taks:")
    for fault in faults(text=text):
        assert "nput" not in fault.message
        assert "pydantic" not in f"{fault.message}{fault.hint}"


def test_a_missing_package_is_no_fault(write: Write) -> None:
    read(write(), environ={})  # the toy needs a distribution that is not installed


def test_files_that_cannot_be_read(write: Write, tmp_path: Path) -> None:
    write()
    for name, message, hint in (
        ("tyo.yaml", "there is no such file", "did you mean toy.yaml?"),
        (".", "is a folder", "list its recipes: aiaas recipe list ."),
        ("toy.yaml/x", "cannot be read: Not a directory", None),
        ("a\0b", "cannot be read", None),
    ):
        with pytest.raises(RecipeError) as caught:
            read(name)
        (fault,) = caught.value.faults
        assert message in fault.message
        assert fault.hint == hint
