"""Judge a fitted model on rows it has never seen: metrics and how sure they are, slices, gates, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.contracts import JudgesWriting, Signature
from aiaas.errors import DataError
from aiaas.evaluate import certainty, keeping, notes, robustness, slices, writing
from aiaas.evaluate.gates import Verdict, judge
from aiaas.evaluate.keeping import Kept, kept, matched
from aiaas.evaluate.origin import Origin
from aiaas.evaluate.picture import confusion_svg
from aiaas.evaluate.requests import Requests
from aiaas.evaluate.scoring import Scored, score
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from aiaas.recipe import Evaluate, ModelSection

__all__ = ["Given", "Kept", "Scored", "Verdict", "evaluate", "judge", "kept", "matched", "score"]


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
    """Score `test.arrow` with the saved model, and write into `out` `metrics.json`, `scores.arrow` and pictures.

    The model is loaded from what was saved, so what is judged is what will be served. Returns the metrics, which hold
    besides the flat ones `rows`, `classes`, `confusion`, `intervals`, `slices`, `worst`, `robustness` and `notes` as
    far as there are any, and the verdict on each gate. What a model that writes wrote is kept in `texts.jsonl`. Raises
    DataError when there is nothing to judge on, MissingPackageError, and TrainingError when the model
    gives no numbers.
    """
    from datasets import Dataset

    rows = Dataset.from_file(str(given.data / "test.arrow"))
    if len(rows) == 0:
        raise DataError(
            "there are no test rows to judge the model on", where="preprocess.split", hint="give test a share, as 0.2"
        )
    judge_of = plugins.task(task)
    loaded = plugins.architecture(model.backend, model.architecture).load(given.fitted)
    scored = score(loaded, rows, judge_of, signature)
    origin = Origin.read(given.collected, given.data)
    keeping.write(out, scored, task, signature, origin.keys(judge_of), origin.rows)
    metrics = {**judge_of.measure(scored.targets, scored.scores, signature), "rows": len(rows)}
    if found := certainty.of(section, seed, scored, judge_of, signature):
        metrics["intervals"] = found
    asking = Requests.read(given.data, judge_of, signature)
    if isinstance(judge_of, JudgesWriting) and (texts := writing.written(section, seed, loaded, asking, origin)):
        writing.keep(out, texts)
        figures, ends = writing.judged(section, seed, judge_of, texts)
        metrics |= figures
        metrics.get("intervals", {}).get("metrics", {}).update(ends)
    if changed := robustness.of(section, seed, loaded, asking, scored.targets, origin):
        metrics["robustness"] = changed
    if section.slices:
        metrics |= slices.of(section, seed, scored, judge_of, signature, rows, origin, given.addresses)
    if told := notes.of(metrics, section, judge_of):
        metrics["notes"] = told
    verdicts = judge(section.gates, metrics)
    atomic.write_json(out / "metrics.json", metrics)
    atomic.write_json(out / "gates.json", [verdict.as_dict() for verdict in verdicts])
    if "confusion" in metrics:
        atomic.write_text(out / "confusion.svg", confusion_svg(metrics["confusion"], signature.labels))
    return {"metrics": metrics, "gates": [verdict.as_dict() for verdict in verdicts]}
