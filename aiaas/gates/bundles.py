"""Gates on what a bundle takes: judged when it is made, before it is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiaas.gates.verdict import Verdict
from aiaas.recipe.gate import OF_BUNDLE, Gate

LATENCY = "latency_p95_ms"


def judge_bundle(
    gates: Mapping[str, Gate], deployed: Mapping[str, Any], again: Callable[[], float | None] = lambda: None
) -> list[Verdict]:
    """The verdicts on the bundle, from the summary of the stage `deploy`, in the order of the recipe.

    How long a request takes depends on what else the machine does. Where it took too long, `again` is asked once more
    and the better of both counts; it gives None where the bundle was measured just now.
    """
    verdicts = []
    for name, gate in gates.items():
        if name not in OF_BUNDLE:
            continue
        value = _figure(name, deployed)
        if name == LATENCY and value is not None and not gate.met(value) and (once_more := again()) is not None:
            value = min(value, once_more)
        verdicts.append(Verdict(name, str(gate), value, value is not None and gate.met(value), note=_note(name, value)))
    return verdicts


def _figure(name: str, deployed: Mapping[str, Any]) -> float | None:
    match name:
        case "size_mb":
            return float(deployed["bytes"]) / 1e6
        case "max_accuracy_drop":
            drop: float | None = deployed["runtime"].get("accuracy_drop", 0.0)  # the model itself loses nothing
            return drop
    found: float | None = deployed.get(name)
    return found


def _note(name: str, value: float | None) -> str | None:
    return "it was not measured" if value is None else None
