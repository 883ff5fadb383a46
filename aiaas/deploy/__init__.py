"""A model that passed its gates becomes a bundle: packaged, verified, its example requests replayed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aiaas import bundle, plugins, steps
from aiaas.contracts import Generative, Signature
from aiaas.decision import Decision
from aiaas.deploy.form import INT8, Fitted, choose, tools
from aiaas.deploy.latency import latency, timed

if TYPE_CHECKING:
    from aiaas.recipe import Recipe

__all__ = ["Trained", "latency", "package", "timed", "tools"]

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
    decision = Decision.read(trained.judged)
    signature = decision.of(Signature.from_dict(fit["signature"]))
    fitted = Fitted(trained.fit / "model", fit["packages"], signature, trained.data, decision.temperature)
    report = json.loads((trained.data / "report.json").read_text("utf-8"))
    records = report["request_steps"]
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
            temperature=decision.temperature,
            packages=form.packages,
            metrics=json.loads((trained.judged / "metrics.json").read_text("utf-8")),
            examples=_examples(trained.collected / "data.arrow", recipe, asked, records),
            steps=records,
            origins=fit.get("origins"),
            data=_data(trained),
        )
    shutil.copyfile(trained.collected / "provenance.json", out / "provenance.json")
    loaded = bundle.load(folder, digest=digest)
    replayed = loaded.replay()
    asked_for = "latency_p95_ms" in recipe.evaluate.gates
    return {
        "digest": digest,
        "signature": asked.as_dict(),
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "examples": replayed,
        "answer": next(loaded.examples())["answer"],
        "packages": dict(form.packages),
        "runtime": form.summary(),
        **({"latency_p95_ms": latency(loaded)} if asked_for else {}),
    }


def _data(trained: Trained) -> dict[str, Any]:
    """Where the rows came from and what became of them. When they were fetched is no property of the model."""
    collected = json.loads((trained.collected / "provenance.json").read_text("utf-8"))
    made = json.loads((trained.data / "report.json").read_text("utf-8"))
    known = ("source", "sha256", "licence", "revision", "read", "rows", "dropped")
    return {
        "sources": [{name: source.get(name) for name in known} for source in collected["sources"]],
        "rows": made["rows"],
        "steps": [{"name": step["name"], "rows": step["rows"]} for step in made["steps"]],
        "dropped": made["dropped"],
        "splits": made["splits"],
    }


def _examples(collected: Path, recipe: Recipe, signature: Signature, records: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Some inputs as a caller would send them, one at least, spread evenly over the collected rows: before any step,
    unless one protects what stands in them."""
    from datasets import Dataset

    task = plugins.task(recipe.task)
    rows = Dataset.from_file(str(collected)).select_columns(list(signature.features))
    chosen = range(0, len(rows), max(1, len(rows) // EXAMPLES))[:EXAMPLES]
    stated = task.opening if isinstance(task, Generative) else task.request
    batch = steps.shown(steps.restore(records, signature.features), rows.select(chosen).to_dict())
    examples: list[Any] = []
    size = 0
    for values in zip(*batch.values(), strict=True):
        example = stated(dict(zip(batch, values, strict=True)), signature)
        size += len(json.dumps(example))
        if examples and size > EXAMPLES_SIZE:
            break
        examples.append(example)
    return examples
