"""What cleans rows: one file a step.

A step is made here from its name and parameters, and made again from its record when a bundle answers a request, so
that a request meets exactly what the training rows met.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas import plugins
from aiaas.contracts import (
    Batch,
    Chooses,
    Judges,
    Params,
    Protects,
    Reshapes,
    Sifted,
    Stateful,
    Step,
    Summarises,
    TakesRequests,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Record = dict[str, Any]
"""A step as a bundle keeps it, in JSON: `name`, `params`, and the `state` of a step that has one."""

Protection = Callable[[Sequence[str]], list[str]]
"""Makes texts fit to be kept and shown."""


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
    """Take the examples of a request through all the steps, which keep their number and order. ExampleError names one
    that a step refuses."""
    for step in steps:
        mapped = step.request(batch) if _takes_requests(type(step)) else step.apply(batch)  # type: ignore[attr-defined]
        if isinstance(mapped, Sifted):
            raise TypeError(f"{type(step).__module__} changes the number of rows, which no step on a request may")
        batch = mapped
    return batch


@functools.cache
def _takes_requests(kind: type[Step]) -> bool:
    """Found out once for a class: it takes longer than many a step does."""
    return issubclass(kind, TakesRequests)


def protection(steps: Iterable[Step]) -> Protection | None:
    """What makes texts fit to be kept and shown, of the steps that protect; None where none does."""
    protecting = [step for step in steps if isinstance(step, Protects)]

    def protect(texts: Sequence[str]) -> list[str]:
        for step in protecting:
            texts = step.protect(texts)
        return list(texts)

    return protect if protecting else None


def shown(steps: Sequence[Step], batch: Batch) -> Batch:
    """Rows as an example of them may be kept: taken through the steps up to the last that protects, no row left out."""
    last = max((place for place, step in enumerate(steps) if isinstance(step, Protects)), default=-1)
    for step in steps[: last + 1]:
        protect = protection([step])
        batch = protected(batch, protect) if protect else apply([step], batch)
    return batch


def protected(value: Any, protect: Protection) -> Any:
    """JSON, or a batch, with every text in it made fit to be kept and shown."""
    match value:
        case str():
            return protect([value])[0]
        case Mapping():
            return {name: protected(inner, protect) for name, inner in value.items()}
        case list() if value and all(isinstance(inner, str) for inner in value):
            return protect(value)
        case list():
            return [protected(inner, protect) for inner in value]
    return value


def mapped(step: Step, batch: Batch, verdicts: NDArray[np.uint8] | None = None) -> Sifted:
    """What a step makes of a batch; `verdicts` are those of its rows where the step `Judges`."""
    made = step.judge(batch, verdicts) if isinstance(step, Judges) and verdicts is not None else step.apply(batch)
    return made if isinstance(made, Sifted) else Sifted(made, range(len(next(iter(made.values()), ()))))


def joined(step: Step, reports: Iterable[Mapping[str, Any]], protect: Protection | None = None) -> dict[str, Any]:
    """One report of those that the same step gave in several places, `step` being the one that concluded. A report may
    show rows that nothing has protected yet: `protect` is the `protection` of all the steps."""
    whole: dict[str, Any] = functools.reduce(_joined, reports, {})
    whole = protected(whole, protect) if protect else whole
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
