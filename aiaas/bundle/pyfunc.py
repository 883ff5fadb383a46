"""What MLflow calls to load a registered model: the bundle itself, verified, without unpickling.

`mlflow.pyfunc.load_model("models:/NAME@champion").predict(data)` takes a list of texts, or of files as bytes or base64,
or a DataFrame (with a column `text` or, of files, their feature's; else one row an example), and gives a DataFrame with
a row an answer: the columns `label`, `score` and `scores` of a classifier, `value` of a regression, `embedding`
(a list) of a text that gets a vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas.bundle.load import Bundle, load
from aiaas.contracts import Signature
from aiaas.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def _load_pyfunc(path: str) -> PyfuncModel:
    """The name and signature are MLflow's. Raises VerificationError when a file differs from its digest."""
    return PyfuncModel(load(Path(path)))


class PyfuncModel:
    """A bundle as MLflow's scoring calls it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """One answer a row of `model_input`, in order; DataError names the first row that does not fit."""
        import pandas as pd

        answers = self.bundle.predict(inputs_of(model_input, self.bundle.signature))
        return pd.DataFrame(answers)


def inputs_of(data: Any, signature: Signature) -> list[Any]:
    """Whatever MLflow hands over as inputs of a request: texts or files where that is all a model takes, else rows
    without missing values."""
    import pandas as pd

    if isinstance(data, pd.Series):
        data = data.to_frame()
    if not isinstance(data, pd.DataFrame):
        return [data] if isinstance(data, str | bytes | Mapping) else list(data)
    if bare := signature.bare:
        # MLflow turns a plain list into a table whose only column is called 0.
        column = bare if bare in data.columns else data.columns[0]
        if column not in (bare, 0):
            raise DataError(
                f"the first column is {column!r}; a list of values is taken, or a table with a column {bare!r}",
                hint=f"predict(table[[{bare!r}]])",
            )
        return list(data[column])
    # astype(object) makes whole numbers of Python out of numpy's, which no JSON has.
    rows: list[dict[str, Any]] = data.astype(object).to_dict("records")
    return [{name: value for name, value in row.items() if not pd.isna(value)} for row in rows]
