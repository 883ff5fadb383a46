"""Judge a fitted model on rows it has never seen: metrics and how sure they are, slices, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import decision, plugins
from aiaas.contracts import JudgesWriting, Model, Signature, Task
from aiaas.errors import DataError
from aiaas.evaluate import (
    calibration,
    certainty,
    deciding,
    errors,
    keeping,
    notes,
    residuals,
    robustness,
    slices,
    writing,
)
from aiaas.evaluate.deciding import Decided
from aiaas.evaluate.keeping import Kept, kept, matched
from aiaas.evaluate.origin import Origin
from aiaas.evaluate.picture import confusion_svg
from aiaas.evaluate.requests import Requests
from aiaas.evaluate.scoring import Scored, score
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from datasets import Dataset

    from aiaas.recipe import Evaluate, ModelSection

__all__ = ["Given", "Kept", "Scored", "evaluate", "kept", "matched", "score"]


@dataclass(frozen=True, slots=True)
class Given:
    """What the stages before left: the collected rows, the folder of the preprocessed ones, that of the saved model;
    and the addresses of the sources, by their number."""

    collected: Path
    data: Path
    fitted: Path
    addresses: tuple[str, ...] = ()


def evaluate(
    section: Evaluate, *, model: ModelSection, task: str, seed: int, signature: Signature, given: Given, out: Path
) -> dict[str, Any]:
    """Score `test.arrow` with the saved model, and write into `out` `metrics.json`, `scores.arrow`, `decision.json`,
    `errors.jsonl` and pictures.

    The model is loaded from what was saved, so what is judged is what will be served. Returns the metrics, which hold
    besides the flat ones `rows`, `classes`, `confusion`, `intervals`, `calibration`, `thresholds`, `residuals`,
    `robustness`, `slices`, `worst` and `notes` as far as there are any. What a model that writes wrote is kept in
    `texts.jsonl`. Raises DataError when there is nothing to judge on or to decide by, MissingPackageError, and
    TrainingError when the model gives no numbers.
    """
    rows = _rows(given.data, "test")
    if len(rows) == 0:
        raise DataError(
            "there are no test rows to judge the model on", where="preprocess.split", hint="give test a share, as 0.2"
        )
    judge_of = plugins.task(task)
    loaded = plugins.architecture(model.backend, model.architecture).load(given.fitted)

    def validation() -> Scored:
        held_out = _rows(given.data, "validation")
        return score(loaded, held_out, judge_of, signature, "validation") if len(held_out) else deciding.nothing()

    found = deciding.decided(section, validation, signature)
    signature = found.decision.of(signature)
    raw = score(loaded, rows, judge_of, signature)
    scored = found.applied(raw)
    origin = Origin.read(given.collected, given.data)
    keeping.write(out, scored, task, signature, origin.keys(judge_of), origin.rows)
    found.decision.write(out)
    errors.write(out, scored, judge_of, signature, rows, origin.rows)
    metrics = _measured(section, seed, judge_of, signature, found, raw)
    asking = Requests.read(given.data, judge_of, signature)
    answering = decision.tempered(loaded, found.decision.temperature)
    _ask_more(metrics, section, seed, answering, asking, scored, origin, out)
    if section.slices:
        metrics |= slices.of(section, seed, scored, judge_of, signature, rows, origin, given.addresses)
    if told := notes.of(metrics, section, judge_of):
        metrics["notes"] = told
    atomic.write_json(out / "metrics.json", metrics)
    if "confusion" in metrics:
        atomic.write_text(out / "confusion.svg", confusion_svg(metrics["confusion"], signature.labels))
    return {"metrics": metrics}


def _measured(
    section: Evaluate, seed: int, task: Task, signature: Signature, found: Decided, raw: Scored
) -> dict[str, Any]:
    """What the scores alone tell: metrics, how far each may be off, calibration, thresholds, residuals."""
    scored = found.applied(raw)
    metrics = {**task.measure(scored.targets, scored.scores, signature), "rows": len(scored)}
    if intervals := certainty.of(section, seed, scored, task, signature):
        metrics["intervals"] = intervals
    metrics |= calibration.of(section, scored, raw, task, signature, found.decision.temperature)
    metrics |= residuals.of(section, seed, scored, task, signature)
    if found.thresholds:
        metrics["thresholds"] = found.judged(scored, signature, metrics)
    return metrics


def _ask_more(
    metrics: dict[str, Any],
    section: Evaluate,
    seed: int,
    model: Model,
    asking: Requests,
    scored: Scored,
    origin: Origin,
    out: Path,
) -> None:
    """What the model gives besides scores of the test rows: texts that it writes, answers to changed inputs."""
    if isinstance(asking.task, JudgesWriting) and (texts := writing.written(section, seed, model, asking, origin)):
        writing.keep(out, texts)
        figures, ends = writing.judged(section, seed, asking.task, texts)
        metrics |= figures
        metrics.get("intervals", {}).get("metrics", {}).update(ends)
    if changed := robustness.of(section, seed, model, asking, scored.targets, origin):
        metrics["robustness"] = changed


def _rows(data: Path, split: str) -> Dataset:
    from datasets import Dataset

    return Dataset.from_file(str(data / f"{split}.arrow"))
