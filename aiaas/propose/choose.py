"""Which model: by the task, by how much data there is, and by what is installed and fits the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiaas.errors import UsageError
from aiaas.propose import templates
from aiaas.propose.machine import Machine
from aiaas.propose.templates import Template

_SPACELESS = frozenset(("zh", "ja", "th", "lo", "km", "my"))
_MANY_TEXTS = 500_000
_MANY_CLASSES = 200
_MANY_ROWS = 5_000
_MOST_ROWS = 500_000
_NETWORK = 4 * 2**30
"""Bytes of memory without which no network is proposed where another model does."""
RARE = 0.1
"""The share of the rarest label below which labels are weighed."""
_SHORT = 12
"""Characters of texts, in the mean, of which words are too few to go by."""
_WORD = 12
"""Characters between white space, in the mean, up to which these are words, whatever the language."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is known of the data: the rows, the number of labels and the share of the rarest, the language of texts and
    their mean length, that of what stands between white space in them."""

    task: str
    rows: int
    labels: int = 0
    rarest: float = 1.0
    language: str | None = None
    length: float = 0.0
    word: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A template fitted to the data: its model's parameters and how it learns, each with the reason."""

    template: Template
    params: dict[str, Any]
    train: dict[str, Any]
    why: str
    params_why: str = ""
    train_why: str = ""


def choose(need: Need, machine: Machine, asked: str | None = None) -> Choice:
    """The template, fitted. Raises UsageError where the one asked for learns another task."""
    if asked is not None:
        template = templates.named(asked)
        if template.task != need.task:
            fitting = [each.name for each in templates.all_of_them() if each.task == need.task]
            raise UsageError(
                f"--template: {asked} learns {template.task}, and this is data for {need.task}",
                hint=f"choose one of {', '.join(fitting)}" if fitting else "say which it is: --task NAME",
            )
        return _fitted(template, need, "as asked for")
    name, why = _by_task(need, machine)
    return _fitted(templates.named(name), need, why)


def _by_task(need: Need, machine: Machine) -> tuple[str, str]:
    if need.task == "text-classification":
        if need.rows > _MANY_TEXTS or need.labels > _MANY_CLASSES:
            return "text-naive-bayes", f"{need.rows:,} texts, {need.labels} labels: counted once, in little memory"
        return "text-logistic", "strong on texts, and learned in seconds"
    if need.task.startswith("tabular-"):
        kind = "table" if need.task == "tabular-classification" else "number"
        network, plain = f"{kind}-mlp", {"table": "table-logistic", "number": "number-linear"}[kind]
        if not _MANY_ROWS <= need.rows <= _MOST_ROWS:
            few = need.rows < _MANY_ROWS
            return plain, f"{need.rows:,} rows: {'few, and a plain model learns the most of few' if few else 'many'}"
        if machine.cores < 2 or machine.memory < _NETWORK or templates.named(network).missing():
            return plain, f"what is installed and fits {machine}"
        return network, f"{need.rows:,} rows are enough for a network, and it fits {machine}"
    if need.task == "image-classification":
        return "picture-cnn", "it learns what is seen wherever in the picture that is"
    if need.task == "text-generation":
        return "writer-lstm", "it learns character by character, and fits " + str(machine)
    known = ", ".join(sorted({each.task for each in templates.all_of_them()}))
    raise UsageError(f"no template learns {need.task}; there are some for {known}", hint="write the recipe by hand")


def _fitted(template: Template, need: Need, why: str) -> Choice:
    params, train = dict(template.model.params), dict(template.train)
    params_why = train_why = ""
    if "analyzer" in params:
        params, params_why = _analyzed(params, need)
    if template.task.endswith("-classification") and need.rarest < RARE:
        weighed = f"the rarest label has {need.rarest:.1%} of the rows: all labels count alike"
        if template.model.architecture in ("logistic_regression", "linear_svm"):
            params["class_weight"], params_why = "balanced", "; ".join(filter(None, (params_why, weighed)))
        elif train:
            train["class_weights"], train_why = "balanced", weighed
    if template.name == "picture-cnn":
        train |= _epochs(need.rows)
    return Choice(template, params, train, why, params_why, train_why)


def _analyzed(params: dict[str, Any], need: Need) -> tuple[dict[str, Any], str]:
    """N-grams of characters where words are not parted by spaces, else of words."""
    if need.language in _SPACELESS or (need.language is None and not 0 < need.word <= _WORD):
        return params, "n-grams of characters, which need no words"
    if need.length < _SHORT:
        return {**params, "ngrams": [1, 4]}, "the texts are short: n-grams of characters"
    return {**params, "analyzer": "word", "ngrams": [1, 2]}, "single words and pairs of them"


def _epochs(pictures: int) -> dict[str, Any]:
    """The more pictures, the fewer times each need be seen, and the larger a batch may be."""
    for most, epochs, size in ((500, 40, 8), (2_000, 25, 16), (20_000, 15, 64)):
        if pictures <= most:
            return {"epochs": epochs, "batch_size": size}
    return {"epochs": 10, "batch_size": 128}
