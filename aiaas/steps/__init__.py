"""What cleans rows: one file a step.

A step is made here from its name and parameters, and made again from its record when a bundle answers a request, so
that a request meets exactly what the training rows met.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiaas import plugins
from aiaas.contracts import Batch, Params, Stateful, Step

Record = dict[str, Any]
"""A step as a bundle keeps it, in JSON: `name`, `params`, and the `state` of a step that has one."""


def build(name: str, params: Params | Mapping[str, Any], columns: Sequence[str], label: str | None) -> Step:
    """The step `name`, working on the feature `columns`; raises UsageError, DataError or pydantic's ValidationError."""
    module = plugins.step(name)
    checked = params if isinstance(params, module.Params) else module.Params.model_validate(dict(params))
    return module.Step(checked, columns, label)


def record(name: str, params: Params | Mapping[str, Any], step: Step) -> Record:
    """What makes the same step anywhere. To be called after the last `apply`: a state may be learned."""
    plain = params.model_dump(mode="json") if isinstance(params, Params) else dict(params)
    return {"name": name, "params": plain} | ({"state": dict(step.state())} if isinstance(step, Stateful) else {})


def restore(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[Step]:
    """The steps that a request goes through, from their records, in order."""
    steps = []
    for kept in records:
        step = build(kept["name"], kept["params"], columns, None)
        if isinstance(step, Stateful):
            step.restore(kept["state"])
        steps.append(step)
    return steps


def apply(steps: Iterable[Step], batch: Batch) -> Batch:
    """Take one batch through all the steps."""
    for step in steps:
        batch = step.apply(batch)
    return batch
