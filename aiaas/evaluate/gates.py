"""Gates: what a model must reach before anyone may call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aiaas.errors import GateError

if TYPE_CHECKING:
    from aiaas.recipe import Gate


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's answer. `value` is None where the metric is not defined on these rows; such a gate is not met."""

    metric: str
    gate: str
    value: float | None
    met: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(gates: Mapping[str, Gate], metrics: Mapping[str, Any]) -> list[Verdict]:
    """The verdict of every gate on flat metrics, in the order of the recipe."""
    verdicts = []
    for name, gate in gates.items():
        value = metrics.get(name)
        verdicts.append(Verdict(name, str(gate), value, value is not None and gate.met(value)))
    return verdicts


def enforce(verdicts: Sequence[Mapping[str, Any]]) -> None:
    """Raise GateError when a gate was not met; the model is then neither packaged nor registered."""
    failed = [each for each in verdicts if not each["met"]]
    if failed:
        told = "; ".join(f"{each['metric']} is {_number(each['value'])}, asked was {each['gate']}" for each in failed)
        raise GateError(
            f"{len(failed)} of {len(verdicts)} gates not met: {told}",
            where="evaluate.gates",
            hint="the model is not registered; improve it, or change the gate in the recipe",
        )


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"
