"""What a model writes when it is let: texts, and what can be said of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Generative, Generator, JudgesWriting, Model
from aiaas.evaluate.certainty import METHOD, Ends, ends
from aiaas.evaluate.origin import Origin
from aiaas.evaluate.requests import Requests
from aiaas.statistics import Resamples, intervals, known, observed
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from aiaas.recipe import Evaluate

FILE = "texts.jsonl"


@dataclass(frozen=True, slots=True)
class Text:
    """What a model wrote, on from a prompt as it reads it, after the steps; equal seeds, equal text."""

    prompt: str
    text: str
    seed: int

    def as_dict(self) -> dict[str, Any]:
        return {"prompt": self.prompt, "text": self.text, "seed": self.seed}


def written(section: Evaluate, seed: int, model: Model, requests: Requests, origin: Origin) -> list[Text]:
    """As many texts as the recipe wants, on from the beginnings of test rows that are drawn; where there are fewer
    rows, several on from each. None of a model or a task that does not write."""
    import numpy as np

    task, wanted = requests.task, section.samples
    if not (isinstance(task, Generative) and isinstance(task, JudgesWriting) and isinstance(model, Generator)):
        return []
    order = np.random.default_rng(seed).permutation(len(origin.rows))
    places = [int(order[number % len(order)]) for number in range(wanted.texts)]
    drawn = Origin(origin.collected, origin.rows[places])
    columns = {name: drawn.column(name) for name in requests.signature.features}
    found = []
    for number in range(wanted.texts):
        row = {name: values[number] for name, values in columns.items()}
        opening = task.decode(task.opening(row, requests.signature), requests.signature)
        (prompt,) = requests.examples({name: [value] for name, value in opening.items()})
        pieces = model.generate(prompt, task.asked(wanted.length, seed + number))
        found.append(Text(prompt, "".join(pieces), seed + number))
    return found


def keep(folder: Path, texts: list[Text]) -> None:
    """One line of JSON a text, into `texts.jsonl`."""
    lines = [json.dumps(each.as_dict(), ensure_ascii=False) for each in texts]
    atomic.write_text(folder / FILE, "".join(f"{line}\n" for line in lines))


def judged(
    section: Evaluate, seed: int, task: JudgesWriting, texts: list[Text]
) -> tuple[dict[str, Any], dict[str, Ends]]:
    """The metrics of the texts, with how many they are as `texts`, and the intervals of the metrics."""
    statistics = task.writing_statistics([each.text for each in texts])
    figures = observed(statistics, len(texts))
    flat = {name: known(value) for name, value in figures.items()}
    wanted = section.intervals
    found = {}
    if wanted.samples:
        judged = intervals(statistics, Resamples(len(texts), wanted.samples, seed), wanted.level, METHOD)
        found = {name: ends(each) for name, each in judged.items()}
    return {**flat, "texts": len(texts)}, found
