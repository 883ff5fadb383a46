"""What a gate says, and the error of those that are not met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aiaas.errors import GateError
from aiaas.readable import figure


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate's answer. `value` is None where there is nothing to compare; such a gate is not met, unless `note` says
    why nothing had to be compared.

    `bound` is the end of the interval that was compared in place of the value. `against` says how the other model was
    held against this one.
    """

    metric: str
    gate: str
    value: float | None
    met: bool
    bound: float | None = None
    note: str | None = None
    against: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON; what is said of some gates only is left away of the others."""
        further = ("bound", "note", "against")
        return {name: each for name, each in asdict(self).items() if name not in further or each is not None}


def told(verdict: Mapping[str, Any]) -> str:
    """A verdict in words: what is, and what was asked."""
    if "against" in verdict or verdict["value"] is None:
        return f"{verdict['metric']}: {verdict.get('note') or 'not defined on these rows'}"
    is_ = f"{verdict['metric']} is {figure(verdict['value'])}"
    if "bound" in verdict:
        is_ += f", its interval ends at {figure(verdict['bound'])}"
    if note := verdict.get("note"):
        is_ += f" ({note})"
    return f"{is_}, asked was {verdict['gate']}"


def enforce(verdicts: Sequence[Mapping[str, Any]]) -> None:
    """Raise GateError when a gate was not met; the model is then not registered."""
    failed = [each for each in verdicts if not each["met"]]
    if failed:
        raise GateError(
            f"{len(failed)} of {len(verdicts)} gates not met: {'; '.join(map(told, failed))}",
            where="evaluate.gates",
            hint="the model is not registered; improve it, or change the gate in the recipe",
        )
