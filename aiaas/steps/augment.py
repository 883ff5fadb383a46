"""Adds varied copies of the training rows: words swapped or left out, synonyms, slips of the pen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from aiaas import contracts
from aiaas.contracts import Batch, Sifted
from aiaas.errors import DataError
from aiaas.perturb import words as vary
from aiaas.steps import _bloom, _draw
from aiaas.steps._columns import chosen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.contracts.steps import Survey

_COMMA = re.compile("[,，]")
Operation = Literal["swap", "delete", "synonym", "noise"]


class Params(contracts.Params):
    """How texts are varied, and how often."""

    columns: list[str] | None = Field(None, description="The columns to vary; by default every column of texts.")
    copies: float = Field(
        1.0, gt=0, le=20, description="Varied copies of each row; 0.5 makes one of every other row, drawn at random."
    )
    operations: tuple[Operation, ...] = Field(
        ("swap", "delete"),
        min_length=1,
        description="Of which one is drawn for each copy: `swap` exchanges neighbouring words, `delete` leaves words "
        "out, `synonym` puts others in their place, and where a text has none it makes noise, as `noise` does: "
        "characters exchanged, doubled or left out. A Chinese character counts as a word.",
    )
    share: float = Field(0.1, gt=0, le=0.5, description="The share of the words, or characters, that changes.")
    synonyms: dict[str, list[str]] = Field(
        default_factory=dict, description="Words, each with those that may stand in its place."
    )
    synonym_file: str | None = Field(
        None,
        min_length=1,
        description="A file of synonyms, as under `collect`: on each line words that may stand for "
        "each other, commas between them.",
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Another number makes other copies.")

    @field_validator("synonyms")
    @classmethod
    def _of_something(cls, synonyms: dict[str, list[str]]) -> dict[str, list[str]]:
        for word, others in synonyms.items():
            if not word.strip() or not others or not all(other.strip() for other in others):
                raise ValueError(f"{word!r} needs one word at least that may stand in its place, and none is empty")
        return synonyms

    @model_validator(mode="after")
    def _has_synonyms(self) -> Params:
        if "synonym" in self.operations and not self.synonyms and self.synonym_file is None:
            raise ValueError("the operation synonym needs synonyms: {word: [another, …]}, or synonym_file")
        return self


def files(params: Params) -> Mapping[str, str]:
    return {"synonym_file": params.synonym_file} if params.synonym_file is not None else {}


def read(params: Params, files: Mapping[str, Path]) -> Params:
    """The words of the file as synonyms, after those that the recipe lists itself."""
    path = files["synonym_file"]
    known = {word: list(others) for word, others in params.synonyms.items()}
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError("the synonyms are not UTF-8", where=str(path), hint=str(error)) from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = [word.strip() for word in _COMMA.split(line)]
        if len(words) < 2 or not all(words):
            raise DataError(
                "a line of synonyms holds two words at least, with commas between them", where=f"{path}:{number}"
            )
        for word in words:
            others = known.setdefault(word, [])
            others += [other for other in words if other != word and other not in others]
    return params.model_copy(update={"synonyms": known, "synonym_file": None})


class Step:
    """For train alone, so that no variant of a text that is learned stands among those that judge. A copy depends on
    the row, the seed and its number; the row itself stays, before its copies. What stands among the rows already, on
    whatever side, is not made again: that is why all rows are surveyed."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "train"
    LEARNS_FROM: ClassVar[Literal["all", "train"]] = "all"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._features = tuple(columns)
        self._synonyms = vary.Synonyms(params.synonyms)
        self._known: _bloom.Filter | None = None
        self._made: Counter[str] = Counter()
        self._unchanged = 0

    def survey(self, batch: Batch) -> Survey:
        """`contents` (n,): 64 bits of what stands in a row."""
        return {"contents": _bloom.contents(batch, self._features)}

    def conclude(self, surveys: Iterable[Survey], scratch: Path) -> None:
        self._known = _bloom.Filter.of(_Contents(surveys))

    def state(self) -> Mapping[str, Any]:
        assert self._known
        return {"known": self._known.written()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._known = _bloom.Filter.read(state["known"])

    def apply(self, batch: Batch) -> Batch | Sifted:
        copies = self._all_copies(batch)
        rows: Batch = {name: [] for name in batch}
        places: list[int] = []
        for place in range(len(next(iter(batch.values())))):
            for each in [{name: values[place] for name, values in batch.items()}, *copies.get(place, ())]:
                places.append(place)
                for name, value in each.items():
                    rows[name].append(value)
        return Sifted(rows, places)

    def _all_copies(self, batch: Batch) -> dict[int, list[dict[str, Any]]]:
        """The copies of the row at each place; those that are new."""
        assert self._known
        drawn = _draw.keys(batch, self._features, self.params.seed, "augment").tolist()
        made = [
            (place, operation, copy)
            for place, key in enumerate(drawn)
            for operation, copy in self._copies({name: values[place] for name, values in batch.items()}, key)
        ]
        features = {name: [copy[name] for _, _, copy in made] for name in self._features}
        known = self._known.holds(_bloom.contents(features, self._features)).tolist()
        found: dict[int, list[dict[str, Any]]] = {}
        for (place, operation, copy), stands in zip(made, known, strict=True):
            if stands or copy in found.get(place, ()):
                self._unchanged += 1
                continue
            self._made[operation] += 1
            found.setdefault(place, []).append(copy)
        return found

    def _copies(self, row: Mapping[str, Any], key: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """The varied copies of a row, each with what varied it."""
        chance = Random(key)  # noqa: S311
        for _ in range(int(self.params.copies) + (chance.random() < self.params.copies % 1)):
            operation = chance.choice(self.params.operations)
            changed = {name: self._vary(row[name], operation, chance) for name in self.columns}
            yield operation, {**row, **changed}

    def _vary(self, text: Any, operation: Operation, chance: Random) -> Any:
        if not isinstance(text, str) or not text:
            return text
        if operation == "synonym":
            if self._synonyms.found(text):
                return self._synonyms.put(text, self.params.share, chance)
            operation = "noise"
        change = {"swap": vary.swap, "delete": vary.delete, "noise": vary.noise}[operation]
        return change(text, self.params.share, chance)

    def report(self) -> Mapping[str, Any]:
        """Copies made by each operation, and those not made, as they would have been equal to a row."""
        return {"copies": dict(sorted(self._made.items())), "known": self._unchanged}


class _Contents:
    """The contents in surveys, as often as they are asked for."""

    def __init__(self, surveys: Iterable[Survey]) -> None:
        self._surveys = surveys

    def __iter__(self) -> Iterator[NDArray[np.uint64]]:
        return (survey["contents"] for survey in self._surveys)
