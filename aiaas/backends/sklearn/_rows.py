"""A model of rows: columns as numbers, then scikit-learn's own pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aiaas.backends import arrays
from aiaas.backends.rows import Codec, ColumnCode
from aiaas.backends.sklearn import _skops
from aiaas.contracts import Params

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS, PIPELINE = "rows.json", "pipeline.skops"
_ROWS = 8192


class Saved(Params):
    """What `rows.json` holds."""

    format: Literal[1] = 1
    columns: tuple[ColumnCode, ...]
    outputs: int
    """Number of classes; 1 for a regression."""


class RowModel:
    """Rows in, probabilities or values out."""

    def __init__(self, codec: Codec, pipeline: Any, outputs: int) -> None:
        self._codec, self.pipeline, self._outputs = codec, pipeline, outputs

    def predict(self, examples: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        """Probabilities (n, classes), or (n, 1) values of a regression."""
        scores = np.empty((len(examples), self._outputs), np.float32)
        for first in range(0, len(examples), _ROWS):
            batch = examples[first : first + _ROWS]
            scores[first : first + _ROWS] = self._predict(self._codec.encode(batch))
        return scores

    def _predict(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._outputs == 1:
            return np.asarray(self.pipeline.predict(matrix), np.float64).reshape(-1, 1)
        return np.asarray(self.pipeline.predict_proba(matrix), np.float64)

    def save(self, directory: Path) -> None:
        """Write the columns as JSON and the pipeline with skops."""
        saved = Saved(columns=self._codec.columns, outputs=self._outputs)
        arrays.write_json(directory / SETTINGS, saved.model_dump(mode="json"))
        _skops.save(self.pipeline, directory / PIPELINE)


def load(directory: Path) -> RowModel:
    """The model that `RowModel.save` wrote; VerificationError where a file is missing or does not fit the other."""
    saved = arrays.read_settings(directory / SETTINGS, Saved)
    model = RowModel(Codec(saved.columns), _skops.load(directory / PIPELINE), saved.outputs)
    try:
        scores = model.predict([{}])
    except Exception as error:
        what = f"the pipeline of the model does not fit its columns ({type(error).__name__})"
        raise arrays.damaged(directory / PIPELINE, what) from error
    if not np.isfinite(scores).all():
        raise arrays.damaged(directory / PIPELINE, "the pipeline of the model answers with what is no number")
    return model
