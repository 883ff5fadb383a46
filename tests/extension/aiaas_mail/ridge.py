"""Ridge regression over the pairs of characters of a text, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from aiaas import contracts
from aiaas.errors import Interrupted, VerificationError

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

REQUIRES = ("numpy",)
TASKS = ("text-rating",)
_BATCH = 256


class Params(contracts.Params):
    """Hyper-parameters."""

    columns: int = Field(512, ge=16, le=4096, description="How many columns the pairs are counted in.")
    l2: float = Field(1.0, gt=0, le=1e6, description="How strongly large weights are held back.")


class Model:
    """Weights (columns + 1,): the last one is what a text without pairs gets."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        self.weights = weights

    def predict(self, examples: Sequence[str]) -> NDArray[np.float32]:
        """Numbers of stars, (n, 1)."""
        import numpy as np

        return (_vectors(examples, len(self.weights) - 1) @ self.weights).astype(np.float32)[:, None]

    def save(self, directory: Path) -> None:
        import numpy as np

        np.save(directory / "weights.npy", self.weights)


def fit(params: Params, train: Dataset, validation: Dataset, training: contracts.Training) -> Model:
    """Sums of products, a batch at a time, then one system of equations. Raises Interrupted."""
    import numpy as np

    size = params.columns + 1
    products, sums = np.zeros((size, size)), np.zeros(size)
    for number, batch in enumerate(train.iter(_BATCH)):
        if training.should_stop():
            raise Interrupted("training was stopped", hint="run the same command again")
        rows, stars = _vectors(batch["text"], params.columns), np.asarray(batch["target"], np.float64)
        products += rows.T @ rows
        sums += rows.T @ stars
        training.report(number, {"rows": float(min((number + 1) * _BATCH, len(train)))})
    held_back = np.full(size, params.l2)
    held_back[-1] = 0  # the mean is no large weight
    weights = np.linalg.solve(products + np.diag(held_back), sums).astype(np.float64, copy=False)
    return Model(weights)


def load(directory: Path) -> Model:
    """The model that `save` wrote. Raises VerificationError."""
    import numpy as np

    file = directory / "weights.npy"
    try:
        return Model(np.load(file, allow_pickle=False))
    except (OSError, EOFError, ValueError) as error:
        raise VerificationError(f"the weights cannot be read: {error}", where=str(file)) from None


def _vectors(texts: Sequence[str], columns: int) -> NDArray[Any]:
    """Counts of hashed pairs, a row of length 1 for each text, and a column of ones."""
    import numpy as np

    rows = np.zeros((len(texts), columns + 1))
    for row, text in zip(rows, texts, strict=True):
        codes = np.array([ord(character) for character in text], np.int64)
        row[:-1] = np.bincount((codes[:-1] * 8191 + codes[1:]) % columns, minlength=columns)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)
    rows[:, -1] = 1
    return rows
