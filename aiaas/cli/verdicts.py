"""Gates as a person reads them, those on metrics aside, which stand beside them: at 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiaas import readable
from aiaas.cli import output

SHOWN_PARTS = 8
_PART = 30
"""Columns of the name of a part of the rows."""


def show_gates(gates: Sequence[Mapping[str, Any]]) -> None:
    """Each gate with what it found, and where a model is worse than the one that it is held against."""
    if not gates:
        return
    rows = [
        (
            gate["metric"],
            readable.figure(gate["value"]),
            gate["gate"],
            "met" if gate["met"] else "NOT MET",
        )
        for gate in gates
    ]
    output.table("Gates", ("gate", "value", "asked", ""), rows, stderr=True, right=(1,))
    for gate in gates:
        if note := gate.get("note"):
            output.say(output.wrapped(f"{gate['metric']}: {note}"))
        if "against" in gate and not gate["met"]:
            _show_where(gate["against"])


def _show_where(held: Mapping[str, Any]) -> None:
    """The parts of the rows, the significantly worse ones first and among these the farthest."""
    parts = sorted(held["where"], key=lambda each: (not each["worse"], -abs(each["difference"])))
    if not parts:
        return
    rows = [
        (
            _part(each, held["metric"]),
            f"{each['rows']:,}",
            f"{each['before']:.3f}",
            f"{each['after']:.3f}",
            f"{each['difference']:+.3f}",
            _p(each),
        )
        for each in parts[:SHOWN_PARTS]
    ]
    title = f"Held against {held['model']} by {held['metric']}"
    output.table(title, ("where", "rows", "was", "is", "by", "p"), rows, stderr=True, right=range(1, 6))


def _part(part: Mapping[str, Any], metric: str) -> str:
    """Its name, with the metric where that is not the one of the whole."""
    by = f" ({part['metric']})" if part["metric"] != metric else ""
    return named(part["kind"], part["value"], _PART - len(by)) + by


def named(kind: str, value: str, width: int) -> str:
    """A part of the rows, such as `length 1 to 27`; of an address its end, which tells it from others."""
    room = width - len(kind) - 1
    if kind == "source" and len(value) > room:
        value = f"…{value[1 - room :]}"
    return output.cut(f"{kind} {value}", width)


def _p(part: Mapping[str, Any]) -> str:
    p = readable.chance(part["p"])
    return f"{p} worse" if part["worse"] else p
