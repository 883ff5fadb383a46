"""Adds varied copies of the training rows: words swapped or left out, synonyms, slips of the pen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from aiaas import contracts
from aiaas.contracts import Batch, Sifted
from aiaas.steps import _draw
from aiaas.steps._columns import chosen

_EASTERN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_UNITS = re.compile(rf"[{_EASTERN}]|[^\s{_EASTERN}]+")
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
        if "synonym" in self.operations and not self.synonyms:
            raise ValueError("the operation synonym needs synonyms: {word: [another, …]}")
        return self


class Step:
    """For train alone, so that no variant of a text that is learned stands among those that judge. A copy depends on
    the row, the seed and its number; the row itself stays, before its copies."""

    ON_REQUEST: ClassVar[bool] = False
    ROWS: ClassVar[Literal["all", "train"]] = "train"

    def __init__(self, params: Any, columns: Sequence[str], label: str | None) -> None:
        self.columns = chosen(params.columns, columns)
        self.params: Params = params
        self._features = tuple(columns)
        self._synonyms = _pattern(params.synonyms)
        self._made: Counter[str] = Counter()
        self._unchanged = 0

    def apply(self, batch: Batch) -> Batch | Sifted:
        places: list[int] = []
        rows: Batch = {name: [] for name in batch}
        drawn = _draw.keys(batch, self._features, self.params.seed, "augment").tolist()
        for place, key in enumerate(drawn):
            row = {name: values[place] for name, values in batch.items()}
            for each in [row, *self._copies(row, key)]:
                places.append(place)
                for name, value in each.items():
                    rows[name].append(value)
        return Sifted(rows, places)

    def _copies(self, row: Mapping[str, Any], key: int) -> list[dict[str, Any]]:
        """The varied copies of a row, each different from it and from the others."""
        chance = Random(key)  # noqa: S311
        wanted = int(self.params.copies) + (chance.random() < self.params.copies % 1)
        copies: list[dict[str, Any]] = []
        for _ in range(wanted):
            operation = chance.choice(self.params.operations)
            changed = {name: self._vary(row[name], operation, chance) for name in self.columns}
            copy = {**row, **changed}
            if copy == row or copy in copies:
                self._unchanged += 1
                continue
            self._made[operation] += 1
            copies.append(copy)
        return copies

    def _vary(self, text: Any, operation: Operation, chance: Random) -> Any:
        if not isinstance(text, str) or not text:
            return text
        if operation == "synonym":
            if self._synonyms and self._synonyms.search(text):
                return self._replace(text, chance)
            operation = "noise"
        if operation == "noise":
            return _noise(text, self.params.share, chance)
        return (_swap if operation == "swap" else _delete)(text, self.params.share, chance)

    def _replace(self, text: str, chance: Random) -> str:
        """Some words that have synonyms, one at least, become one of them."""
        assert self._synonyms
        found = list(self._synonyms.finditer(text))
        units = len(_UNITS.findall(text))
        chosen_ones = {each.start() for each in chance.sample(found, min(len(found), _some(units, self.params.share)))}
        known = self.params.synonyms

        def other(match: re.Match[str]) -> str:
            return chance.choice(known[match.group()]) if match.start() in chosen_ones else match.group()

        return self._synonyms.sub(other, text)

    def report(self) -> Mapping[str, Any]:
        """Copies made by each operation, and those not made as they would have been equal to a row."""
        return {"copies": dict(sorted(self._made.items())), "unchanged": self._unchanged}


def _pattern(words: Mapping[str, Any]) -> re.Pattern[str] | None:
    """Any of the words, the longest that fits; one of letters stands alone, one in Chinese anywhere."""
    if not words:
        return None
    edge = rf"[^\W{_EASTERN}]"
    longest_first = sorted(words, key=len, reverse=True)
    parts = [
        (rf"(?<!{edge})" if re.match(edge, word) else "")
        + re.escape(word)
        + (rf"(?!{edge})" if re.match(edge, word[-1]) else "")
        for word in longest_first
    ]
    return re.compile("|".join(parts))


def _some(count: int, share: float) -> int:
    return max(1, round(count * share))


def _swap(text: str, share: float, chance: Random) -> str:
    units = list(_UNITS.finditer(text))
    if len(units) < 2:
        return text
    words = [unit.group() for unit in units]
    for place in chance.sample(range(len(words) - 1), min(len(words) - 1, _some(len(words), share))):
        words[place], words[place + 1] = words[place + 1], words[place]
    return _written(text, units, words)


def _delete(text: str, share: float, chance: Random) -> str:
    """One word stays at least."""
    units = list(_UNITS.finditer(text))
    gone = set(chance.sample(range(len(units)), min(len(units) - 1, _some(len(units), share)))) if units else set()
    if not gone:
        return text
    words = ["" if place in gone else unit.group() for place, unit in enumerate(units)]
    return re.sub(r"(\s)\s+", r"\1", _written(text, units, words)).strip()


def _written(text: str, units: Sequence[re.Match[str]], words: Sequence[str]) -> str:
    """The text with other words in the place of its units."""
    pieces: list[str] = []
    start = 0
    for unit, word in zip(units, words, strict=True):
        pieces += [text[start : unit.start()], word]
        start = unit.end()
    return "".join([*pieces, text[start:]])


def _noise(text: str, share: float, chance: Random) -> str:
    """Characters doubled, left out, or exchanged with the next."""
    characters = list(text)
    inside = [place for place, character in enumerate(characters) if not character.isspace()]
    slips: list[Callable[[int], None]] = [
        lambda place: characters.__setitem__(place, characters[place] * 2),
        lambda place: characters.__setitem__(place, ""),
        lambda place: characters.__setitem__(slice(place, place + 2), characters[place : place + 2][::-1]),
    ]
    for place in chance.sample(inside, min(len(inside), _some(len(inside), share))):
        chance.choice(slips)(place)
    return "".join(characters) if "".join(characters).strip() else text
