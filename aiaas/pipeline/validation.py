"""How good a fitted model is on the validation rows: what settings are chosen by, so that the test rows stay unseen."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiaas import plugins
from aiaas.contracts import Signature
from aiaas.pipeline.stages import Made, Work
from aiaas.workspace import Artefact, atomic, keys


def judged(work: Work, made: Made, fitted: Artefact) -> Mapping[str, float]:
    """The metrics of a fitted model on the validation rows. Kept in the cache of the workspace."""
    what = {
        "task": work.recipe.task,
        "model": fitted.key,
        "rows": made["preprocess"].digest,
        "code": keys.digest_code("evaluate", "tasks"),
    }
    kept = work.workspace.cache / "validation" / f"{keys.digest_json(what)}.json"
    if not kept.exists():
        atomic.write_json(kept, _judge(work, made, fitted))
    found: dict[str, float] = json.loads(kept.read_text("utf-8"))
    return found


def _judge(work: Work, made: Made, fitted: Artefact) -> Mapping[str, float]:
    from datasets import Dataset

    from aiaas import evaluate

    rows = Dataset.from_file(str(made["preprocess"].path / "validation.arrow"))
    task, model = plugins.task(work.recipe.task), work.recipe.model
    loaded = plugins.architecture(model.backend, model.architecture).load(fitted.path / "model")
    signature = Signature.from_dict(fitted.summary["signature"])
    scored = evaluate.score(loaded, rows, task, signature)
    measured = task.measure(scored.targets, scored.scores, signature)
    return {
        name: float(measured[name])
        for name in task.METRICS
        if isinstance(measured.get(name), float) and measured[name] == measured[name]
    }
