"""Judge a fitted model on rows it has never seen: metrics, gates, a picture of the confusion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import plugins, tasks
from aiaas.backends.streaming import pieces, regular
from aiaas.contracts import Model, Signature, Task
from aiaas.errors import DataError
from aiaas.evaluate.gates import Verdict, judge
from aiaas.evaluate.picture import confusion_svg
from aiaas.workspace import atomic

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from aiaas.recipe import Evaluate, ModelSection

__all__ = ["Verdict", "evaluate", "judge"]

ROWS_AT_ONCE = 2048
BYTES_AT_ONCE = 32 * 2**20


def evaluate(
    section: Evaluate, *, model: ModelSection, task: str, signature: Signature, fitted: Path, data: Path, out: Path
) -> dict[str, Any]:
    """Score `data/test.arrow` with the model saved in `fitted`, and write `metrics.json` and pictures into `out`.

    The model is loaded from what was saved, so what is judged is what will be served. Returns the metrics and the
    verdict on each gate. Raises DataError when there is nothing to judge on.
    """
    from datasets import Dataset

    rows = Dataset.from_file(str(data / "test.arrow"))
    if len(rows) == 0:
        raise DataError(
            "there are no test rows to judge the model on", where="preprocess.split", hint="give test a share, as 0.2"
        )
    judge_of = plugins.task(task)
    loaded = plugins.architecture(model.backend, model.architecture).load(fitted)
    targets, scores = _score(loaded, rows, judge_of, signature)
    metrics = {**judge_of.measure(targets, scores, signature), "rows": len(rows)}
    verdicts = judge(section.gates, metrics)
    atomic.write_json(out / "metrics.json", metrics)
    atomic.write_json(out / "gates.json", [verdict.as_dict() for verdict in verdicts])
    if "confusion" in metrics:
        atomic.write_text(out / "confusion.svg", confusion_svg(metrics["confusion"], signature.labels))
    return {"metrics": metrics, "gates": [verdict.as_dict() for verdict in verdicts]}


def _score(model: Model, rows: Dataset, task: Task, signature: Signature) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Targets (n,), or (0,) where the task has none, and scores (n, outputs), computed batch by batch."""
    import numpy as np

    targets: list[NDArray[Any]] = []
    scores: list[NDArray[np.float32]] = []
    # Rows that are files are large, and a model may decode them to several times their size.
    bytes_a_row = max(1, rows.data.nbytes // len(rows))
    for table in regular(pieces(rows), max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE // bytes_a_row))):
        batch = table.to_pydict()
        if signature.target:
            targets.append(np.asarray(batch[signature.target]))
        scores.append(model.predict(tasks.examples(batch, task, signature)))
    return np.concatenate(targets) if targets else np.empty(0), np.concatenate(scores)
