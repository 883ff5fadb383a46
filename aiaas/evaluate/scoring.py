"""A model's scores of rows, and whether they can be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiaas import tasks
from aiaas.backends.streaming import pieces, regular
from aiaas.contracts import Model, Signature, Task
from aiaas.errors import DataError, TrainingError

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

ROWS_AT_ONCE = 2048
BYTES_AT_ONCE = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Scored:
    """Targets (n,), or (0,) where the task has none, and scores (n, outputs)."""

    targets: NDArray[Any]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)


def score(model: Model, rows: Dataset, task: Task, signature: Signature) -> Scored:
    """What the model gives for the rows, batch by batch. A label is its index among those of the signature, whatever
    its index is in the data.

    Raises DataError for a label that the model does not know, TrainingError for scores that are no numbers.
    """
    import numpy as np

    targets: list[NDArray[Any]] = []
    scores: list[NDArray[np.float32]] = []
    done = 0
    # Rows that are files are large, and a model may decode them to several times their size.
    bytes_a_row = max(1, rows.data.nbytes // len(rows))
    for table in regular(pieces(rows), max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE // bytes_a_row))):
        batch = table.to_pydict()
        if signature.target:
            targets.append(np.asarray(batch[signature.target]))
        given = model.predict(tasks.examples(batch, task, signature))
        refuse_no_numbers(given, done)
        scores.append(given)
        done += len(given)
    found = np.concatenate(targets) if targets else np.empty(0)
    names = getattr(rows.features.get(signature.target), "names", None) if signature.target else None
    if signature.labels and names is not None:
        found = _of_model(found, names, signature.labels)
    return Scored(found, np.concatenate(scores))


def refuse_no_numbers(scores: NDArray[np.float32], before: int = 0) -> None:
    """TrainingError for scores (n, outputs) that are not finite; `before` is how many test rows come before them."""
    import numpy as np

    wrong = np.flatnonzero(~np.isfinite(scores).reshape(len(scores), -1).all(axis=1))
    if wrong.size:
        raise TrainingError(
            f"the model gives no number for row {before + int(wrong[0]) + 1:,} of test: "
            f"{', '.join(str(value) for value in np.ravel(scores[wrong[0]])[:5])}",
            hint="its weights are no numbers either, or a feature of that row is none; train it with a smaller "
            "learning rate, or look at the row",
        )


def _of_model(targets: NDArray[Any], names: Sequence[str], labels: Sequence[str]) -> NDArray[Any]:
    """Indices among the labels of the data as indices among those of the model."""
    import numpy as np

    if list(names) == list(labels):
        return targets
    places = {label: place for place, label in enumerate(labels)}
    known: NDArray[np.int64] = np.array([places.get(name, -1) for name in names], np.int64)[targets]
    strange = np.flatnonzero(known < 0)
    if strange.size:
        raise DataError(
            f"{strange.size:,} of {len(targets):,} rows have a label that the model does not know, first row "
            f"{int(strange[0]) + 1:,} with {names[int(targets[strange[0]])]!r}; it knows {', '.join(labels[:10])}",
            hint="train the model on rows of every label, or leave these out",
        )
    return known
