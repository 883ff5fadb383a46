"""Test rows as callers would send them: what was collected, through the request-time steps, to the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import steps, tasks
from aiaas.contracts import Example, Model, Signature, Step, Task
from aiaas.errors import DataError, ExampleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Requests:
    """The way that a bundle of this model would take: `signature` says what a request holds, `fitted` what the model
    takes."""

    task: Task
    signature: Signature
    fitted: Signature
    steps: tuple[Step, ...]

    @classmethod
    def read(cls, data: Path, task: Task, fitted: Signature) -> Requests:
        """From what preprocess wrote into the folder `data`."""
        report = json.loads((data / "report.json").read_text("utf-8"))
        signature = replace(fitted, features=dict(report.get("inputs", fitted.features)))
        return cls(task, signature, fitted, tuple(steps.restore(report["request_steps"], list(signature.features))))

    def examples(self, columns: Columns) -> list[Example]:
        """Rows of features as the model takes them. ExampleError names one that a step refuses."""
        batch = {name: list(columns[name]) for name in self.signature.features}
        return tasks.examples(steps.apply(self.steps, batch), self.task, self.fitted)

    def scores(self, model: Model, columns: Columns) -> list[NDArray[np.float32] | None]:
        """What the model gives for each row, in their order; None for one that a step or the model refuses, or that it
        has no number for."""
        import numpy as np

        rows = len(columns[next(iter(self.signature.features))])
        if not rows:
            return []
        try:
            found = model.predict(self.examples(columns))
        except DataError as error:
            if rows == 1:
                return [None]
            named = isinstance(error, ExampleError)
            at = error.index if isinstance(error, ExampleError) else rows // 2
            before, after = _part(columns, 0, at), _part(columns, at + named, rows)
            return [*self.scores(model, before), *[None] * named, *self.scores(model, after)]
        return [each if np.isfinite(each).all() else None for each in found]


def _part(columns: Columns, start: int, stop: int) -> Columns:
    return {name: values[start:stop] for name, values in columns.items()}
