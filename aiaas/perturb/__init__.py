"""Inputs changed as life changes them: typed in a hurry, scanned badly, measured roughly. What they mean stays.

A perturbation changes single values, by chance that is drawn from a seed, so that equal seeds change alike. Robustness
is measured with them (`evaluate.robustness`); the step augment varies training rows with the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, get_args

from aiaas import chinese
from aiaas.contracts import Task
from aiaas.perturb import numbers, pictures, writing

Kind = Literal["text", "picture", "word", "number", "truth"]
"""What a value is: a text or a picture that a model takes; in a row of a table a text, a number, a truth value."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Change = Callable[[Any, Random], Any]
"""Changes one value; a missing one stays missing."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """`change` is told all values of the column, of which it may learn how far they are spread, and gives what changes
    one of them."""

    name: str
    kinds: frozenset[Kind]
    change: Callable[[Sequence[Any]], Change]
    requires: tuple[str, ...] = ()


def _of(change: Change) -> Callable[[Sequence[Any]], Change]:
    return lambda values: change


_TYPED: frozenset[Kind] = frozenset({"text", "word"})
_PICTURE: frozenset[Kind] = frozenset({"picture"})
PERTURBATIONS = (
    Perturbation("typos", _TYPED, _of(writing.typos)),
    Perturbation("homophones", _TYPED, _of(writing.homophones), writing.REQUIRES),
    Perturbation("case", _TYPED, _of(writing.case)),
    Perturbation("width", _TYPED, _of(writing.width)),
    Perturbation("traditional", _TYPED, _of(writing.traditional), chinese.REQUIRES),
    Perturbation("noise", _PICTURE, _of(pictures.noise)),
    Perturbation("blur", _PICTURE, _of(pictures.blur)),
    Perturbation("rotation", _PICTURE, _of(pictures.rotation)),
    Perturbation("jpeg", _PICTURE, _of(pictures.jpeg)),
    Perturbation("noise", frozenset({"number"}), numbers.noise),
    Perturbation("missing", frozenset({"word", "number", "truth"}), _of(numbers.missing)),
)


def kind_of(task: Task, dtype: str) -> Kind | None:
    """What the values of a feature are, of its type as in a `Signature`; None for what nothing changes."""
    if dtype == "binary":
        return "picture"
    if dtype in {"string", "large_string"}:
        return "word" if task.OPEN else "text"
    if dtype == "bool":
        return "truth"
    return "number" if dtype.startswith(("int", "uint", "float", "double")) else None


def kinds_of(task: Task) -> frozenset[Kind]:
    """What the features of a task may be, whatever the data has."""
    if task.OPEN:
        return frozenset({"word", "number", "truth"})
    of: dict[str, Kind] = {"text": "text", "file": "picture"}
    return frozenset(of[column.kind] for column in task.COLUMNS if column.kind in of)


def fitting(kinds: Iterable[Kind]) -> list[str]:
    """The names of the perturbations that change one of the kinds, in order, each once."""
    known = frozenset(kinds)
    return list(dict.fromkeys(each.name for each in PERTURBATIONS if each.kinds & known))


def named(name: str, kind: Kind) -> Perturbation | None:
    """The perturbation that changes values of the kind; None where none of this name does."""
    return next((each for each in PERTURBATIONS if each.name == name and kind in each.kinds), None)


def requires(name: str) -> tuple[str, ...]:
    """The distributions that a perturbation needs."""
    return next((each.requires for each in PERTURBATIONS if each.name == name), ())


REQUIRES = tuple(package for each in PERTURBATIONS for package in each.requires)
"""What all of them need."""
