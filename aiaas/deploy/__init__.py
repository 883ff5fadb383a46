"""A model that passed its gates becomes a bundle: packaged, verified, its example requests replayed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aiaas import bundle, plugins
from aiaas.contracts import Generative, Signature, Task
from aiaas.deploy.form import INT8, Fitted, choose, tools

if TYPE_CHECKING:
    from aiaas.recipe import Recipe

__all__ = ["Trained", "package", "tools"]

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


def package(
    recipe: Recipe, trained: Trained, out: Path, warn: Callable[[str], None] = lambda message: None
) -> dict[str, Any]:
    """Write `out/bundle`, verify it, replay its example requests, and return the summary of the stage.

    Raises what `form.choose` raises, and VerificationError.
    """
    fit = json.loads((trained.fit / "training.json").read_text("utf-8"))
    fitted = Fitted(trained.fit / "model", fit["packages"], Signature.from_dict(fit["signature"]), trained.data)
    report = json.loads((trained.data / "report.json").read_text("utf-8"))
    asked = replace(fitted.signature, features=report.get("inputs", fitted.signature.features))
    folder = out / "bundle"
    folder.mkdir()
    with TemporaryDirectory(dir=out) as scratch:
        form = choose(recipe, fitted, Path(scratch), warn)
        digest = bundle.write(
            folder,
            recipe=recipe,
            model=form.folder,
            runtime=form.runtime,
            precision=form.precision,
            lost=asdict(form.int8.loss) if form.int8 and form.precision == INT8 else None,
            signature=asked,
            fitted=fitted.signature,
            packages=form.packages,
            metrics=json.loads((trained.judged / "metrics.json").read_text("utf-8")),
            examples=_examples(trained.collected / "data.arrow", plugins.task(recipe.task), asked),
            steps=report["request_steps"],
            origins=fit.get("origins"),
            data=_data(trained),
        )
    loaded = bundle.load(folder, digest=digest)
    replayed = loaded.replay()
    return {
        "digest": digest,
        "signature": asked.as_dict(),
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "examples": replayed,
        "answer": next(loaded.examples())["answer"],
        "packages": dict(form.packages),
        "runtime": form.summary(),
    }


def _data(trained: Trained) -> dict[str, Any]:
    """Where the rows came from and what became of them. When they were fetched is no property of the model."""
    collected = json.loads((trained.collected / "provenance.json").read_text("utf-8"))
    made = json.loads((trained.data / "report.json").read_text("utf-8"))
    known = ("source", "sha256", "licence", "revision")
    return {
        "sources": [{name: source.get(name) for name in known} for source in collected["sources"]],
        "rows": made["rows"],
        "steps": [{"name": step["name"], "rows": step["rows"]} for step in made["steps"]],
        "dropped": made["dropped"],
        "splits": made["splits"],
    }


def _examples(collected: Path, task: Task, signature: Signature) -> list[Any]:
    """Some inputs as a caller would send them, one at least: before any step, spread evenly over the collected rows."""
    from datasets import Dataset

    rows = Dataset.from_file(str(collected)).select_columns(list(signature.features))
    chosen = range(0, len(rows), max(1, len(rows) // EXAMPLES))[:EXAMPLES]
    stated = task.opening if isinstance(task, Generative) else task.request
    examples: list[Any] = []
    size = 0
    for row in rows.select(chosen):
        example = stated(row, signature)
        size += len(json.dumps(example))
        if examples and size > EXAMPLES_SIZE:
            break
        examples.append(example)
    return examples
