"""From data, or from a template alone, to the text of a recipe and what was decided on the way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiaas import languages, plugins
from aiaas.errors import MissingPackageError, UsageError
from aiaas.propose import choose, sections, templates, write
from aiaas.propose.asked import Asked
from aiaas.propose.choose import Choice, Need
from aiaas.propose.facts import WIDE, missing
from aiaas.propose.look import Seen, look
from aiaas.propose.machine import machine

_TEXTS = 300
"""Texts by which the language is told."""
_MOSTLY = 0.6
_WIDE = 4
"""Letters that a Chinese, Japanese or Korean character counts for in a word."""
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


def of_data(data: Path, recipe: Path, asked: Asked) -> Proposal:
    """See `aiaas.propose.propose`."""
    if asked.task is not None:
        plugins.task(asked.task)  # refused with those that there are
    seen = look(data, asked)
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
        notes=sections.notes(seen),
    )
    split, split_why = sections.split(seen)
    entries = [sections.entry_of(entry, seen, recipe) for entry in seen.place.entries]
    steps, reasons = sections.steps(choice, seen), sections.reasons(seen)
    proposal.text = write.text(proposal, str(data), entries, reasons, steps, split, split_why)
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
    proposal.text = write.text(proposal, None, [entry], why, sections.plain_steps(template), split, "")
    return proposal


def name_of(data: Path, task: str) -> str:
    """What the model is called: as the file, as far as that is letters and digits."""
    stem = data.name.split(".")[0] if data.is_file() else data.resolve().name
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:_NAME].strip("-")
    return plain or task


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
    words = [each for text in texts for each in text.split()]
    word = sum(len(each) + (_WIDE - 1) * len(WIDE.findall(each)) for each in words) / len(words) if words else 0.0
    return Need(seen.guess.task, seen.sample.count, len(counts), rarest, language, length, word)
