"""A model that passed its gates becomes a bundle: packaged, verified, its example requests replayed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import bundle, plugins
from aiaas.contracts import Signature, Task

if TYPE_CHECKING:
    from aiaas.recipe import Recipe

EXAMPLES = 8
EXAMPLES_SIZE = 1 << 20
"""Characters of JSON that the examples may have together, so that pictures do not make a bundle large."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What the stages before leave for a bundle: the folders of the collected rows, of the split ones, of the fit and
    of the evaluation."""

    collected: Path
    data: Path
    fit: Path
    judged: Path


def package(recipe: Recipe, trained: Trained, out: Path) -> dict[str, Any]:
    """Write `out/bundle`, verify it, replay its example requests, and return the summary of the stage."""
    fit = json.loads((trained.fit / "training.json").read_text("utf-8"))
    signature = Signature.from_dict(fit["signature"])
    folder = out / "bundle"
    folder.mkdir()
    digest = bundle.write(
        folder,
        recipe=recipe,
        model=trained.fit / "model",
        signature=signature,
        packages=fit["packages"],
        metrics=json.loads((trained.judged / "metrics.json").read_text("utf-8")),
        examples=_examples(trained.collected / "data.arrow", plugins.task(recipe.task), signature),
        steps=json.loads((trained.data / "report.json").read_text("utf-8"))["request_steps"],
    )
    loaded = bundle.load(folder, digest=digest)
    replayed = loaded.replay()
    answer = next(loaded.examples())["answer"]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"digest": digest, "bytes": size, "examples": replayed, "answer": answer, "packages": fit["packages"]}


def _examples(collected: Path, task: Task, signature: Signature) -> list[Any]:
    """Some inputs as a caller would send them, one at least: before any step, spread evenly over the collected rows."""
    from datasets import Dataset

    rows = Dataset.from_file(str(collected)).select_columns(list(signature.features))
    chosen = range(0, len(rows), max(1, len(rows) // EXAMPLES))[:EXAMPLES]
    examples: list[Any] = []
    size = 0
    for row in rows.select(chosen):
        example = task.request(row, signature)
        size += len(json.dumps(example))
        if examples and size > EXAMPLES_SIZE:
            break
        examples.append(example)
    return examples
