"""From data, or from a template alone, to the text of a recipe and what was decided on the way."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiaas import languages, plugins
from aiaas.contracts import Batch
from aiaas.errors import DataError, MissingPackageError, UsageError
from aiaas.pictures import ENDINGS
from aiaas.propose import choose, decide, names, places, rows, templates, write
from aiaas.propose.asked import Asked
from aiaas.propose.choose import Choice, Need
from aiaas.propose.decide import Decided
from aiaas.propose.facts import Facts, facts, missing
from aiaas.propose.guess import Guess, of_facts
from aiaas.propose.machine import machine

_TEXTS = 300
"""Texts by which the language is told."""
_MOSTLY = 0.6
_FEW = 5_000
"""Rows up to which the shares of the splits are cut exactly."""
_FEW_OF_A_LABEL = 100
_HARDLY_ANY = 50
_NAME = 64


@dataclass(slots=True)
class Proposal:
    """A recipe: its text, and what it was made of. `rows` is None where nothing was read, `needs` the command that
    installs what its model needs and is missing here."""

    recipe: Path
    name: str
    task: str
    choice: Choice
    text: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    language: str | None = None
    rows: int | None = None
    needs: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def model(self) -> str:
        return f"{self.choice.template.model.backend}/{self.choice.template.model.architecture}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "recipe": str(self.recipe),
            "name": self.name,
            "task": self.task,
            "model": self.model,
            "template": self.choice.template.name,
            "columns": self.columns,
            "labels": dict(self.labels.most_common()),
            "language": self.language,
            "rows": self.rows,
            "needs": self.needs,
            "notes": self.notes,
        }


@dataclass(slots=True)
class Seen:
    """What was seen of data: where it is, a sample of it, what it is taken for."""

    place: places.Place
    sample: rows.Rows
    guess: Guess
    known: dict[str, Facts]
    decided: Decided


def of_data(data: Path, recipe: Path, asked: Asked) -> Proposal:
    """See `aiaas.propose.propose`."""
    place = places.look(data)
    seen = _of_folders(place) if place.labels is not None else _of_rows(place, asked)
    if asked.task not in (None, seen.guess.task):
        raise UsageError(f"--task: these are no data for {asked.task}, but for {seen.guess.task}", where=str(data))
    texts = _texts(seen) if seen.guess.task.startswith("text-") else []
    language = _language(texts)
    choice = choose.choose(_need(seen, texts, language), machine(), asked.template)
    proposal = Proposal(
        *(recipe, name_of(data, seen.guess.task), seen.guess.task, choice),
        columns=_columns(seen),
        labels=seen.decided.labels,
        language=language,
        rows=seen.sample.count,
        needs=choice.template.command(),
        notes=[*place.notes, *_notes(seen)],
    )
    entries = [_entry(entry, seen, recipe) for entry in place.entries]
    split, split_why = _split(seen)
    proposal.text = write.text(proposal, str(data), entries, _reasons(seen), _steps(choice, seen), split, split_why)
    return proposal


def of_template(name: str, recipe: Path) -> Proposal:
    """See `aiaas.propose.start`."""
    template = templates.named(name)
    choice = Choice(template, template.model.params, template.train, template.about)
    proposal = Proposal(recipe, name, template.task, choice, needs=template.command())
    entry: dict[str, Any] = {"source": "data.csv"}
    columns = [column.name for column in plugins.task(template.task).COLUMNS if not column.optional]
    if template.task == "image-classification":
        entry = {"source": "pictures"}
    elif template.task == "text-generation":
        entry = {"source": "texts.txt"}
    else:
        entry["columns"] = {name: name for name in columns}
    why = {"source": "put your own here", "columns": "our column: yours"}
    split = {"train": 0.7, "validation": 0.1, "test": 0.2, "stable": False}
    proposal.text = write.text(proposal, None, [entry], why, _plain_steps(template), split, "")
    return proposal


def name_of(data: Path, task: str) -> str:
    """What the model is called: as the file, as far as that is letters and digits."""
    stem = data.name.split(".")[0] if data.is_file() else data.resolve().name
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:_NAME].strip("-")
    return plain or task


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
    if not sample.count:
        raise DataError("there is no row", where=str(place.entries[0]["source"]), hint="name a file with rows")
    known = {name: facts(name, values) for name, values in sample.columns.items()}
    picture = _named_picture(place, sample.columns)
    if picture is not None:
        label = asked.label or _label_beside(picture, sample.columns, known)
        columns = {ours: theirs for ours, theirs in (("image", picture), ("label", label)) if ours != theirs}
        guess = Guess("image-classification", columns, None)
    else:
        guess = of_facts(known, sample.columns, asked.text, asked.label, asked.task)
    if not place.header:
        guess = _name(place, sample, known, guess)
        known = {name: facts(name, values) for name, values in sample.columns.items()}
    return Seen(place, sample, guess, known, decide.decide(guess, sample.columns, known))


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


def _label_beside(picture: str, columns: Batch, known: dict[str, Facts]) -> str:
    rest = {name: each for name, each in known.items() if name != picture}
    found = of_facts(rest, {name: columns[name] for name in rest} | {"_": []}, None, None, "tabular-classification")
    return found.columns.get("label", "label")


def _name(place: places.Place, sample: rows.Rows, known: dict[str, Facts], guess: Guess) -> Guess:
    """Names for the columns of a file that has none: those of the task, and numbers."""
    ours = {theirs: name for name, theirs in guess.columns.items()}
    sample.columns = {ours.get(name, name): values for name, values in sample.columns.items()}
    for entry in place.entries:
        entry["names"] = [ours.get(name, name) for name in entry["names"]]
    return Guess(guess.task, {}, guess.split)


def _columns(seen: Seen) -> dict[str, str]:
    """Which columns were taken for what, also where they are called so."""
    task = plugins.task(seen.guess.task)
    ours = [column.name for column in task.COLUMNS if column.name in (*seen.guess.columns, *seen.sample.columns)]
    return {name: seen.guess.columns.get(name, name) for name in ours}


def _texts(seen: Seen) -> list[str]:
    values = seen.sample.columns[seen.guess.columns.get("text", "text")]
    there = [str(value) for value in values if not missing(value)]
    return there[:: len(there) // _TEXTS + 1]


def _language(texts: Sequence[str]) -> str | None:
    """The language of most texts; None where there is no such, or it cannot be told."""
    if not texts:
        return None
    try:
        found = Counter(code for code, _ in languages.detect(texts))
    except MissingPackageError:
        return None
    ((code, count),) = found.most_common(1)
    return code if count >= _MOSTLY * len(texts) and code != languages.UNKNOWN else None


def _need(seen: Seen, texts: Sequence[str], language: str | None) -> Need:
    counts = [count for name, count in seen.decided.labels.items() if name not in seen.decided.rare]
    rarest = min(counts) / sum(counts) if counts else 1.0
    length = sum(map(len, texts)) / len(texts) if texts else 0.0
    return Need(seen.guess.task, seen.sample.count, len(counts), rarest, language, length)


def _entry(entry: dict[str, Any], seen: Seen, recipe: Path) -> dict[str, Any]:
    """An entry as the recipe says it, its path seen from there."""
    columns = {ours: theirs for ours, theirs in seen.guess.columns.items() if ours != "label" or "label" not in entry}
    said = {**entry, "source": _seen_from(recipe, Path(entry["source"]))}
    if seen.guess.task in ("text-generation", "text-embedding"):
        said.pop("label", None)
    if columns:
        said["columns"] = columns
    if seen.decided.without:
        said["without"] = list(seen.decided.without)
    return said


def _seen_from(recipe: Path, path: Path) -> str:
    try:
        shown = os.path.relpath(path, recipe.parent)
    except ValueError:
        shown = str(path.absolute())
    return f"./{shown}" if ":" in shown else shown


def _reasons(seen: Seen) -> dict[str, str]:
    """What a person should know of the keys of an entry."""
    without = "; ".join(f"{name} {why}" for name, why in seen.decided.without.items())
    return {
        "columns": "our column: yours",
        "without": without,
        "names": "the file has no header",
        "on_error": "some rows are malformed and left out; `aiaas inspect` shows them",
    }


def _plain_steps(template: templates.Template) -> list[tuple[Any, str]]:
    return [(step, write.STEPS.get(step if isinstance(step, str) else next(iter(step)), "")) for step in template.steps]


def _steps(choice: Choice, seen: Seen) -> list[tuple[Any, str]]:
    """The template's steps and those that the data needs, each with the reason."""
    gaps = any(
        each.numeric and each.present < each.rows and name not in (seen.decided.target, *seen.decided.without)
        for name, each in seen.known.items()
    )
    steps = [
        (step, why) for step, why in _plain_steps(choice.template) if gaps or not (isinstance(step, dict) and "impute" in step)
    ]
    added: list[tuple[Any, str]] = []
    if seen.decided.rare:
        rare = ", ".join(seen.decided.rare[:5]) + (" …" if len(seen.decided.rare) > 5 else "")
        added.append(({"labels": {"min_rows": decide.FEWEST}}, f"labels with too few rows to learn from go: {rare}"))
    added += [(step, "dates as numbers") for step in decide.steps_for_dates(seen.decided)]
    place = next((at for at, (step, _) in enumerate(steps) if isinstance(step, dict) and "impute" in step), len(steps))
    return [*steps[:place], *added, *steps[place:]]


def _split(seen: Seen) -> tuple[dict[str, Any], str]:
    """How the rows are divided, and why so."""
    given = {entry["split"] for entry in seen.place.entries if "split" in entry}
    if given:
        if "test" not in given:
            for entry in seen.place.entries:
                entry["split"] = "test" if entry["split"] == "validation" else entry["split"]
        return {"train": 1.0, "validation": 0.0, "test": 0.0}, "the data comes divided"
    column = seen.guess.split
    if column is not None:
        sides = {str(value).strip().lower() for value in seen.sample.columns[column] if not missing(value)}
        if {"train", "test"} <= sides <= {"train", "validation", "test"}:
            return {"column": column}, "the data says which row belongs where"
    shares: dict[str, Any] = {"train": 0.7, "validation": 0.1, "test": 0.2}
    if seen.decided.group is not None:
        return {**shares, "group": seen.decided.group}, f"rows of one {seen.decided.group} stay together"
    counts = [count for name, count in seen.decided.labels.items() if name not in seen.decided.rare]
    if seen.sample.count < _FEW or (counts and min(counts) < _FEW_OF_A_LABEL):
        return {**shares, "stable": False}, "exact shares; without stable: false a row keeps its side when rows come"
    return shares, "a row keeps its side when rows are added"


def _notes(seen: Seen) -> list[str]:
    """What a person should know before he relies on it."""
    notes = [f"{name} is left out: it {why}" for name, why in seen.decided.without.items()]
    if seen.sample.more:
        notes.append(f"the first {seen.sample.count:,} rows were looked at; there are more")
    if seen.sample.count < _HARDLY_ANY:
        notes.append(f"{seen.sample.count} rows are few: what is measured on them says little")
    total = sum(seen.decided.labels.values())
    if total and (rarest := min(seen.decided.labels.values())) < choose.RARE * total:
        notes.append(f"the labels are uneven, {rarest / total:.1%} have the rarest: look at f1, not at accuracy")
    if seen.decided.rare:
        notes.append(f"labels with fewer than {decide.FEWEST} rows are left out: {', '.join(seen.decided.rare[:5])}")
    if seen.guess.split is not None and names.place(seen.guess.split, ("split",)) is None:
        notes.append(f"{seen.guess.split} divides the rows")
    return notes
