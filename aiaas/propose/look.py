"""What data is: where it is, a sample of it, what it is taken for and what becomes of its columns."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.pictures import ENDINGS
from aiaas.propose import alike, decide, names, places, rows
from aiaas.propose.asked import Asked
from aiaas.propose.decide import Decided
from aiaas.propose.facts import Facts, facts, missing
from aiaas.propose.guess import Guess, likeliest, of_facts
from aiaas.sources._params import FileParams

_WITHOUT_MISSING = (".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".arrow", ".feather", ".ipc", ".txt", ".lines")
_FEW_LABELS, _OF_EACH = 20, 20
"""Different values of a column that may be meant as the label, and rows that each has in the mean."""
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")


@dataclass(slots=True)
class Seen:
    """What was seen of data: where it is, a sample of it, what it is taken for; of texts to be told apart, the share
    that is nearly equal to another one, and the columns that may be meant as the label too, where none was said."""

    place: places.Place
    sample: rows.Rows
    guess: Guess
    known: dict[str, Facts]
    decided: Decided
    alike: float = 0.0
    rivals: tuple[str, ...] = ()


def look(data: Path, asked: Asked) -> Seen:
    """What stands at a path. Raises DataError, UsageError."""
    place = places.look(data)
    return _of_folders(place) if place.labels is not None else _of_rows(place, asked)


def _of_folders(place: places.Place) -> Seen:
    """Pictures in class folders: what they are called and how many they are says enough."""
    labels = place.labels or Counter()
    if len(labels) < 2:
        raise DataError("there is one class folder; a classifier needs two at least", hint="add a folder of another")
    sample = rows.Rows({}, sum(labels.values()))
    return Seen(place, sample, Guess("image-classification", {}, None), {}, Decided("label", labels))


def _of_rows(place: places.Place, asked: Asked) -> Seen:
    read = [{name: value for name, value in entry.items() if name != "picture_folder"} for entry in place.entries]
    sample = rows.read(read)
    for entry in place.entries:
        entry |= sample.said
    if sample.count < rows.FEWEST:
        rows_ = f"{sample.count} row{'s' * (sample.count != 1)}"
        told = f"there {'is' if sample.count == 1 else 'are'} {rows_}, too few to learn from and to judge by"
        raise DataError(
            told, where=str(place.entries[0]["source"]), hint=f"bring {rows.FEWEST} at least, better hundreds"
        )
    if said := _no_values(place, sample.columns):
        for entry in [*read, *place.entries]:
            entry["missing"] = said
        sample = rows.read(read)
    known = {name: facts(name, values) for name, values in sample.columns.items()}
    picture = _named_picture(place, sample.columns)
    if picture is not None:
        label = asked.label or likeliest({name: each for name, each in known.items() if name != picture}, None)
        if label is None:
            raise DataError("no column holds the labels of the pictures", where=str(place.entries[0]["source"]))
        columns = {ours: theirs for ours, theirs in (("image", picture), ("label", label)) if ours != theirs}
        guess = Guess("image-classification", columns, None)
    else:
        guess = of_facts(known, sample.columns, asked.text, asked.label, asked.task)
    if not place.header:
        guess = _name(place, sample, known, guess)
        known = {name: facts(name, values) for name, values in sample.columns.items()}
    decided = decide.decide(guess, sample.columns, known)
    rivals = () if asked.label or guess.task != "text-classification" else _rivals(known, decided.target)
    return Seen(place, sample, guess, known, decided, _alike(guess, sample), rivals)


def _rivals(known: dict[str, Facts], label: str | None) -> tuple[str, ...]:
    """Columns that are called like labels and hold few different values."""
    return tuple(
        name
        for name, each in known.items()
        if name != label
        and names.place(name, names.LABELS) is not None
        and each.kind in ("words", "truth", "whole")
        and 2 <= each.distinct <= _FEW_LABELS
        and each.present >= _OF_EACH * each.distinct
    )


def _alike(guess: Guess, sample: rows.Rows) -> float:
    if guess.task != "text-classification":
        return 0.0
    texts = [str(value) for value in sample.columns[guess.columns.get("text", "text")] if not missing(value)]
    return alike.share(texts, sample.count)


def _no_values(place: places.Place, columns: Batch) -> list[str] | None:
    """What stands for no value, the usual ones too, where a few such words make text of a column of numbers."""
    found: dict[str, None] = {}
    if any(str(entry["source"]).lower().endswith(_WITHOUT_MISSING) for entry in place.entries):
        return None
    if any(entry.get("format") not in (None, "csv", "tsv") for entry in place.entries):
        return None
    for values in columns.values():
        words = [value for value in values if isinstance(value, str)]
        others = [value for value in words if not _NUMBER.fullmatch(value.strip())]
        if others and len(others) * 10 <= len(words) and len(set(others)) <= 3:
            found |= dict.fromkeys(others)
    return [*FileParams.model_fields["missing"].default, *found] if found else None


def _named_picture(place: places.Place, columns: Batch) -> str | None:
    """The column that names pictures, where a folder of such lies beside the table."""
    if not any("picture_folder" in entry for entry in place.entries):
        return None
    found = [name for name, values in columns.items() if all(_is_picture(value) for value in values)]
    if not found:
        raise DataError("no column names the pictures of the folder beside it", where=str(place.entries[0]["source"]))
    return found[0]


def _is_picture(value: Any) -> bool:
    return isinstance(value, str) and Path(value).suffix.lower() in ENDINGS


def _name(place: places.Place, sample: rows.Rows, known: dict[str, Facts], guess: Guess) -> Guess:
    """Names for the columns of a file that has none: those of the task, and numbers."""
    ours = {theirs: name for name, theirs in guess.columns.items()}
    sample.columns = {ours.get(name, name): values for name, values in sample.columns.items()}
    for entry in place.entries:
        entry["names"] = [ours.get(name, name) for name in entry["names"]]
    return Guess(guess.task, {}, guess.split)
