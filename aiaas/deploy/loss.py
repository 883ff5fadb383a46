"""What a form whose weights are whole numbers of eight bits gets wrong that the model itself does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Signature, Task
from aiaas.deploy.compare import Answers, Speed, share_changed
from aiaas.errors import ExportError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aiaas.recipe import Deploy

ACCURACY = "accuracy"
_HINT = "set deploy.quantize to none, or {} where so much is harmless"


@dataclass(frozen=True, slots=True)
class OfLabels:
    """`accuracy` of the int8 form and of the model on the same rows, `drop` by how much the form is worse (negative
    where it is better), and `changed`, the share of rows that get another label."""

    rows: int
    accuracy: float
    native_accuracy: float
    drop: float
    changed: float

    def check(self, section: Deploy) -> None:
        """Raises ExportError when it gets too many rows wrong."""
        if self.drop > section.max_accuracy_drop:
            raise ExportError(
                f"the int8 form is less accurate: {self.accuracy:.4f} in place of {self.native_accuracy:.4f} on "
                f"{self.rows:,} held-out rows, {self.changed:.2%} of which get another label; "
                f"deploy.max_accuracy_drop allows a drop of {section.max_accuracy_drop:g}",
                hint=_HINT.format("deploy.max_accuracy_drop higher"),
            )


@dataclass(frozen=True, slots=True)
class OfVectors:
    """The cosine between the vectors of the int8 form and those of the model: the least one, and the mean."""

    rows: int
    least_cosine: float
    mean_cosine: float

    def check(self, section: Deploy) -> None:
        """Raises ExportError when the vectors point elsewhere."""
        if self.mean_cosine < section.min_cosine:
            raise ExportError(
                f"the int8 form gives other vectors: their cosine with those of the model is {self.mean_cosine:.4f} in "
                f"the mean of {self.rows:,} held-out rows, {self.least_cosine:.4f} at least; deploy.min_cosine asks "
                f"for {section.min_cosine:g}",
                hint=_HINT.format("deploy.min_cosine lower"),
            )


Loss = OfLabels | OfVectors


@dataclass(frozen=True, slots=True)
class Quantised:
    """How fast the int8 form is, and what it loses."""

    speed: Speed
    loss: Loss

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self.speed), **asdict(self.loss)}


def loss(native: Answers, int8: Answers, targets: Sequence[Any], task: Task, signature: Signature) -> Loss:
    """What the int8 form loses: accuracy where the task is judged by it, with the number of the label of each row in
    `targets`; else the direction of the vectors.

    Raises ExportError where a model gives single numbers, of which it would not be clear what counts as wrong.
    """
    import numpy as np

    if ACCURACY in task.METRICS:
        right = [float((signature.decide(each.scores) == np.asarray(targets)).mean()) for each in (int8, native)]
        changed = share_changed(native.scores, int8.scores, signature)
        return OfLabels(len(targets), right[0], right[1], round(right[1] - right[0], 9), changed)
    if native.scores.shape[1] > 1:
        cosines = _cosines(native.scores, int8.scores)
        return OfVectors(len(cosines), float(cosines.min()), float(cosines.mean()))
    raise ExportError("an int8 form is judged by labels or vectors, and this model gives neither")


def accuracy_drop(
    native: Answers, other: Answers, targets: Sequence[Any], task: Task, signature: Signature
) -> float | None:
    """How much accuracy another form loses, negative where it is better; None where the task has no such metric."""
    found = loss(native, other, targets, task, signature) if ACCURACY in task.METRICS else None
    return found.drop if isinstance(found, OfLabels) else None


def _cosines(expected: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float64]:
    import numpy as np

    first, second = expected.astype(np.float64), found.astype(np.float64)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosines: NDArray[np.float64] = (first * second).sum(axis=1) / np.maximum(lengths, 1e-12)
    return cosines
