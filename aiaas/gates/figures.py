"""Gates on figures of an evaluation: metrics and their intervals, the gap between slices, what perturbations cost."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Literal

from aiaas.gates.verdict import Verdict
from aiaas.recipe.gate import Gate

Metrics = Mapping[str, Any]
Better = Mapping[str, Literal["higher", "lower"]]


def judge_figure(name: str, gate: Gate, metrics: Metrics, better: Better) -> Verdict:
    """The verdict of a gate on the metrics of an evaluation; `better` says of the task's which way each is good."""
    match name:
        case "slice_gap":
            return _of(name, gate, *slice_gap(metrics, better))
        case "robustness_drop":
            return _of(name, gate, *robustness_drop(metrics, better))
    if gate.by == "interval":
        return _by_interval(name, gate, metrics)
    return _of(name, gate, metrics.get(name))


def _of(name: str, gate: Gate, value: float | None, note: str | None = None) -> Verdict:
    return Verdict(name, str(gate), value, value is not None and gate.met(value), note=note)


def _by_interval(name: str, gate: Gate, metrics: Metrics) -> Verdict:
    value = metrics.get(name)
    ends = metrics.get("intervals", {}).get("metrics", {}).get(name)
    if value is None or ends is None:
        why = "has no interval: it is not defined on too many samples of these rows, or nothing varies among them"
        return Verdict(name, str(gate), value, False, note=why if value is not None else None)
    bound = ends[0] if gate.end == "lower" else ends[1]
    return Verdict(name, str(gate), value, gate.met(bound), bound=bound)


def main_metric(metrics: Metrics, better: Better) -> str | None:
    """The first metric of the task that is defined on the rows."""
    return next((name for name in better if metrics.get(name) is not None), None)


def slice_gap(metrics: Metrics, better: Better) -> tuple[float | None, str]:
    """How far the best and the worst slice of a kind are apart where that is most, and which they are. Slices of
    different kinds overlap, so that a gap between them says little; those of few rows say nothing."""
    metric = main_metric(metrics, better)
    large = [
        each for each in metrics.get("slices", ()) if not each["few"] and each["metrics"].get(metric or "") is not None
    ]
    widest: tuple[float | None, str] = (None, "there are no two slices of one kind with enough rows")
    for kind, group in groupby(sorted(large, key=lambda each: str(each["slice"])), key=lambda each: each["slice"]):
        figures = {each["value"]: each["metrics"][metric] for each in group}
        low, high = min(figures, key=figures.__getitem__), max(figures, key=figures.__getitem__)
        gap = figures[high] - figures[low]
        if len(figures) > 1 and (widest[0] is None or gap > widest[0]):
            widest = (gap, f"{metric} of {kind}: {low} {figures[low]:.4f}, {high} {figures[high]:.4f}")
    return widest


def robustness_drop(metrics: Metrics, better: Better) -> tuple[float | None, str | None]:
    """How much of the metric the worst perturbation costs, negative where all make it better, and which it is. None
    where one of them is not known: it may be the worst."""
    found = metrics.get("robustness")
    tried = (found or {}).get("perturbed", ())
    if found is None or not tried:
        return None, "no perturbation was measured"
    if unknown := [each["name"] for each in tried if each["difference"] is None]:
        return None, f"{found['metric']} is not defined under {', '.join(unknown)}: too few changed rows got an answer"
    sign = -1 if better.get(found["metric"], "higher") == "higher" else 1
    worst = max(tried, key=lambda each: sign * each["difference"])
    return sign * worst["difference"], f"{found['metric']} under {worst['name']}"


def of_thresholds(thresholds: Mapping[str, Mapping[str, Any]]) -> list[Verdict]:
    """A threshold that does not reach on the validation rows what was asked for is a gate that is not met."""
    found = []
    for label, each in thresholds.items():
        ((aim, value),) = each["asked"].items()
        if not each["reached"]:
            found.append(Verdict(f"{aim} of {label!r} on validation rows", f">= {value:g}", each["best"], False))
    return found
