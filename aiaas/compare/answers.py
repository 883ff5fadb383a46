"""What models answer, as callers read it: the labels that they decide on, how far they agree, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Task
from aiaas.evaluate import Kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABEL = "label"


@dataclass(frozen=True, slots=True)
class Differing:
    """A row that is answered differently. `row` is its number in the collected data, from 1; `answers` are by name,
    labels or numbers; `right` are those that gave the target; `spread` is how far apart they are: in the probability of
    the target, or in the number. `input` is the row as a request, where that is known."""

    row: int
    target: Any
    answers: Mapping[str, Any]
    right: Sequence[str]
    spread: float
    input: Any = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def decided(kept: Kept, task: Task) -> NDArray[np.object_] | None:
    """The label of each row (n,), as the task decides by the scores; None where its answers have none."""
    import numpy as np

    if not kept.signature.labels or LABEL not in task.answer(kept.scores[0], kept.signature):
        return None
    return np.array([task.answer(each, kept.signature)[LABEL] for each in kept.scores], object)


def truth(kept: Kept) -> NDArray[np.object_] | None:
    """The label that each row has (n,); None where the task has no labels, or the rows none."""
    import numpy as np

    if not kept.signature.labels or not len(kept.targets):
        return None
    return np.array(kept.signature.labels, object)[kept.targets.astype(np.int64)]


def differing(
    judged: Mapping[str, Kept], labels: Mapping[str, NDArray[np.object_]], base: str, most: int
) -> tuple[int, list[Differing], NDArray[np.intp]]:
    """How many rows are answered differently, and the `most` of them that are farthest apart, with their places.

    Labels differ where they are not the same; of numbers, one a row, all rows are ordered by how far they are apart.
    Answers of any other form, such as vectors, are not compared row by row: none.
    """
    import numpy as np

    kept = judged[base]
    if labels:
        differ = np.any([each != labels[base] for each in labels.values()], axis=0)
        spread = _of_target(judged, kept)
        given = {name: list(each) for name, each in labels.items()}
    elif kept.scores.shape[1] == 1:
        numbers = np.stack([each.scores[:, 0].astype(np.float64) for each in judged.values()])
        spread = np.ptp(numbers, axis=0)
        differ = spread > 0
        given = {name: [float(value) for value in each.scores[:, 0]] for name, each in judged.items()}
    else:
        return 0, [], np.empty(0, np.intp)
    places = np.flatnonzero(differ)
    places = places[np.argsort(-spread[places], kind="stable")][:most]
    true = truth(kept)
    targets = true if true is not None else kept.targets
    found = []
    for place in places.tolist():
        target = _plain(targets[place]) if len(targets) else None
        answers = {name: each[place] for name, each in given.items()}
        right = [name for name, answer in answers.items() if labels and true is not None and answer == target]
        found.append(Differing(int(kept.rows[place]), target, answers, right, float(spread[place])))
    return int(differ.sum()), found, places


def _of_target(judged: Mapping[str, Kept], kept: Kept) -> NDArray[np.float64]:
    """How far apart the probabilities of the target are, or of any label where there are no targets."""
    import numpy as np

    scores = np.stack([each.scores.astype(np.float64) for each in judged.values()])
    if len(kept.targets):
        scores = scores[:, np.arange(len(kept)), kept.targets.astype(np.int64)][..., None]
    spread: NDArray[np.float64] = np.ptp(scores, axis=0).max(axis=1)
    return spread


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
