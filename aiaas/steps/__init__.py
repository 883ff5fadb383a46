"""What cleans rows: one file a step.

A step is made here from its name and parameters, and made again from its record when a bundle answers a request, so
that a request meets exactly what the training rows met.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.contracts import Batch, Chooses, Judges, Params, Reshapes, Sifted, Stateful, Step, Summarises

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Record = dict[str, Any]
"""A step as a bundle keeps it, in JSON: `name`, `params`, and the `state` of a step that has one."""


def build(name: str, params: Params | Mapping[str, Any], columns: Sequence[str], label: str | None) -> Step:
    """The step `name`, working on the feature `columns`; raises UsageError, DataError or pydantic's ValidationError."""
    checked = _checked(name, params)
    return kind(name, checked)(checked, columns, label)


def kind(name: str, params: Params | Mapping[str, Any]) -> type[Step]:
    """The class that `build` makes the step of."""
    module = plugins.step(name)
    return module.choose(_checked(name, params)) if isinstance(module, Chooses) else module.Step


def _checked(name: str, params: Params | Mapping[str, Any]) -> Params:
    expected = plugins.step(name).Params
    return params if isinstance(params, expected) else expected.model_validate(dict(params))


def record(name: str, params: Params | Mapping[str, Any], step: Step) -> Record:
    """What makes the same step anywhere. To be called after the last `apply`: a state may be learned."""
    plain = params.model_dump(mode="json") if isinstance(params, Params) else dict(params)
    return {"name": name, "params": plain} | ({"state": dict(step.state())} if isinstance(step, Stateful) else {})


def restore(records: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> list[Step]:
    """The steps that a request goes through, from their records, in order; `columns` are those of the request."""
    steps = []
    features = dict.fromkeys(columns, "null")
    for kept in records:
        step = build(kept["name"], kept["params"], list(features), None)
        if isinstance(step, Stateful):
            step.restore(kept["state"])
        features = reshaped(step, features)
        steps.append(step)
    return steps


def reshaped(step: Step, features: Mapping[str, str]) -> dict[str, str]:
    """The feature columns after a step that is ready to map, with their types, of those before it."""
    return dict(step.reshape(features)) if isinstance(step, Reshapes) else dict(features)


def apply(steps: Iterable[Step], batch: Batch) -> Batch:
    """Take the examples of a request through all the steps, which keep their number and order."""
    for step in steps:
        mapped = step.apply(batch)
        if isinstance(mapped, Sifted):
            raise TypeError(f"{type(step).__module__} changes the number of rows, which no step on a request may")
        batch = mapped
    return batch


def mapped(step: Step, batch: Batch, verdicts: NDArray[np.uint8] | None = None) -> Sifted:
    """What a step makes of a batch; `verdicts` are those of its rows where the step `Judges`."""
    made = step.judge(batch, verdicts) if isinstance(step, Judges) and verdicts is not None else step.apply(batch)
    return made if isinstance(made, Sifted) else Sifted(made, range(len(next(iter(made.values()), ()))))


def joined(step: Step, reports: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One report of those that the same step gave in several places, `step` being the one that concluded."""
    whole: dict[str, Any] = functools.reduce(_joined, reports, {})
    return dict(step.summarise(whole)) if isinstance(step, Summarises) else whole


def _joined(one: Any, other: Any) -> Any:
    match one, other:
        case Mapping(), Mapping():
            return {
                **one,
                **{name: _joined(one[name], value) if name in one else value for name, value in other.items()},
            }
        case list(), list():
            return [*one, *other]
        case bool() | str() | None, _:
            return one
    return one + other
