"""What was measured, as rows of tables and as ranges: metrics, classes, slices, perturbations, gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiaas import readable
from aiaas.charts import Range, Ranges, Scale, ranges
from aiaas.report.judged import Judged

TILES = 4
CLASSES = 40
SLICES = 60
CONFUSED = 8
_BAR = 150
_FIGURES = ("precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval as a line from `low` to `high` with a dot `at` the value, in pixels of `width`."""

    at: float
    low: float
    high: float
    width: int = _BAR


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric: its value, its interval in words and as a bar, which way is better, and the gate upon it."""

    name: str
    value: float | None
    ends: Sequence[float] | None
    better: str
    bar: Bar | None
    gate: str = ""
    met: bool = True


def measured(judged: Judged) -> list[Measured]:
    """Every flat metric, in the order of the evaluation."""
    gates = {gate["metric"]: gate for gate in floors(judged)}
    shares = [each for name in judged.flat for each in judged.interval(name) or () if _is_share(judged, name)]
    low = int(10 * min(shares)) / 10 if shares else 0.0
    scale = Scale(low, 1, _BAR)
    found = []
    for name, value in judged.flat.items():
        ends, gate = judged.interval(name), gates.get(name)
        shown = Bar(scale(value), scale(ends[0]), scale(ends[1])) if value is not None and ends else None
        found.append(
            Measured(
                name,
                value,
                ends,
                judged.directions.get(name, ""),
                shown if _is_share(judged, name) else None,
                str(gate["gate"]) if gate else "",
                bool(gate["met"]) if gate else True,
            )
        )
    return found


def floors(judged: Judged) -> list[Mapping[str, Any]]:
    """The gates that say what a flat metric must reach; the last one upon each."""
    return [gate for gate in judged.gates if gate["metric"] in judged.flat and not gate.get("against")]


def further(judged: Judged) -> list[Mapping[str, Any]]:
    """All others: another model, slices, what was found on other rows."""
    known = [id(gate) for gate in {gate["metric"]: gate for gate in floors(judged)}.values()]
    return [gate for gate in judged.gates if id(gate) not in known]


def _is_share(judged: Judged, name: str) -> bool:
    """Whether a metric runs up to 1, so that it can stand over one axis with others of the kind."""
    ends, value = judged.interval(name), judged.flat[name]
    known = [each for each in (*(ends or ()), value) if each is not None]
    return judged.directions.get(name) == "higher" and all(0 <= each <= 1 for each in known)


def headline(judged: Judged) -> list[Measured]:
    """The few that stand first: that of the task, those that gates are upon, then the others."""
    found = measured(judged)
    first = [each for each in found if each.gate]
    return list({each.name: each for each in (*found[:1], *first, *found)}.values())[:TILES]


# --- classes


@dataclass(frozen=True, slots=True)
class Class:
    """A label, its rows, its figures and the interval of its F1."""

    label: str
    rows: int
    figures: Mapping[str, float | None]
    ends: Sequence[float] | None
    bar: Bar | None


def classes(judged: Judged) -> list[Class]:
    """Every class, the one with the lowest F1 first where they are more than fit on a page."""
    own = judged.metrics.get("intervals", {}).get("classes", {})
    lows = [each["f1"][0] for each in own.values() if each.get("f1")]
    scale = Scale(int(10 * min(lows)) / 10 if lows else 0, 1, _BAR)
    found = []
    for label, figures in judged.metrics.get("classes", {}).items():
        ends = own.get(label, {}).get("f1")
        bar = Bar(scale(figures["f1"]), scale(ends[0]), scale(ends[1])) if ends and figures["f1"] is not None else None
        found.append(Class(label, figures["rows"], {name: figures[name] for name in _FIGURES}, ends, bar))
    return sorted(found, key=lambda each: each.figures["f1"] or 0.0) if len(found) > CLASSES else found


def confused(judged: Judged) -> list[tuple[str, str, int, float]]:
    """Which class was most often answered as which other: true, answered, how many rows, and the share of the class."""
    labels = list(judged.metrics.get("classes", {}))
    found = [
        (labels[row], labels[column], count, count / sum(line))
        for row, line in enumerate(judged.metrics.get("confusion", ()))
        for column, count in enumerate(line)
        if row != column and count
    ]
    return sorted(found, key=lambda each: -each[2])[:CONFUSED]


# --- slices, perturbations


def sliced(judged: Judged) -> tuple[str, Ranges] | None:
    """The slices by the first metric of the task, those of one kind together, and that metric."""
    slices = judged.metrics.get("slices") or ()
    metric = next((name for name in judged.flat if any(name in each["metrics"] for each in slices)), None)
    if metric is None:
        return None
    values = []
    for each in slices[:SLICES]:
        value, ends = each["metrics"].get(metric), each.get("intervals", {}).get(metric)
        low, high = ends or (None, None)
        bad = bool(each.get("against_rest", {}).get("worse"))
        so = ", too few" if each["few"] else ", worse" if bad else ""
        told = f"{readable.figure(value)} on {each['rows']:,} rows{so}"
        values.append(Range(str(each["value"]), value, low, high, told, bad, each["few"], each["slice"]))
    over_all = judged.flat[metric]
    plot = ranges(
        f"{readable.named(metric)} by slice", values, mark=over_all, mark_told=f"all rows {readable.figure(over_all)}"
    )
    return (metric, plot) if plot else None


def perturbed(judged: Judged) -> Ranges | None:
    """How far the metric falls with each perturbation; none where nothing was perturbed."""
    found = judged.robustness
    if found is None:
        return None
    values = []
    for each in found.perturbed:
        low, high = each.interval or (None, None)
        told = f"{readable.figure(each.value)} ({readable.signed(each.difference)}){', worse' if each.worse else ''}"
        values.append(Range(each.name, each.difference, low, high, told, each.worse))
    return ranges(
        f"{readable.named(found.metric)} of perturbed inputs, against plain ones",
        values,
        mark=0.0,
        mark_told=f"plain {readable.figure(found.plain)}",
    )


def beside(judged: Judged) -> tuple[str, Ranges] | None:
    """How this model stands beside the one that a gate holds it against, by class and slice: what that is called, and
    the differences."""
    held = next((gate["against"] for gate in judged.gates if gate.get("against")), None)
    if held is None:
        return None
    values = []
    for each in held.get("where") or ():
        low, high = each.get("interval") or (None, None)
        told = f"{readable.figure(each.get('before'))} → {readable.figure(each.get('after'))} on {each['rows']:,} rows"
        told += ", worse" if each["worse"] else ""
        bad, group = each["worse"], f"{each['kind']}, {readable.named(each['metric'])}"
        values.append(Range(str(each["value"]), each["difference"], low, high, told, bad, group=group))
    plot = ranges("differences by class and slice", values, mark=0.0, mark_told="equal")
    return (str(held["model"]), plot) if plot else None


def thresholds(judged: Judged) -> list[dict[str, Any]]:
    """From which score on a label is answered, and what that reaches on the rows it was chosen on and on the test
    rows."""
    found = []
    for label, told in (judged.metrics.get("thresholds") or {}).items():
        given = told if isinstance(told, Mapping) else {"threshold": told}
        reached = {
            name: {figure: given[name].get(figure) for figure in ("precision", "recall")}
            for name in ("validation", "test")
            if isinstance(given.get(name), Mapping)
        }
        found.append({"label": label, "threshold": given.get("threshold"), "reached": reached})
    return found
