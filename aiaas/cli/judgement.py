"""How a model was judged, as a person reads it: metrics, classes, slices, at 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiaas import readable
from aiaas.cli import output
from aiaas.cli.verdicts import named, show_gates

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN_CLASSES = 12
SHOWN_SLICES = 5
_NAME, _LABEL = 34, 16
"""Columns of the names of a slice and of a class."""


def show_judgement(metrics: Mapping[str, Any], gates: Sequence[Mapping[str, Any]]) -> None:
    """Metrics with intervals and gates, classes, confusion, the worst slices, changed inputs and what is to be known of
    them, as tables on stderr."""
    _show_metrics(metrics, gates)
    if classes := metrics.get("classes"):
        _show_classes(classes, metrics)
    if "thresholds" in metrics:
        _show_thresholds(metrics["thresholds"])
    if before := metrics.get("calibration", {}).get("before"):
        output.say(output.wrapped(_calibrated(metrics, before)))
    if "slices" in metrics:
        _show_slices(metrics)
    if "robustness" in metrics:
        _show_robustness(metrics["robustness"])
    show_gates([gate for gate in gates if gate["metric"] not in metrics])
    for note in metrics.get("notes", ()):
        output.say(output.wrapped(f"note: {note}"))


def _show_metrics(metrics: Mapping[str, Any], gates: Sequence[Mapping[str, Any]]) -> None:
    known = metrics.get("intervals")
    asked = {gate["metric"]: f"{gate['gate']} {'met' if gate['met'] else 'NOT MET'}" for gate in gates}
    columns = ["metric", "value", *([_level(known)] if known else []), *(["gate"] if asked else [])]
    rows = []
    for name, value in metrics.items():
        if isinstance(value, float) or value is None:
            interval = [_span(known["metrics"].get(name))] if known else []
            rows.append([name, value, *interval, *([asked.get(name, "")] if asked else [])])
    output.table(f"On {metrics['rows']:,} test rows", columns, rows, stderr=True, right=(1,))


def _show_classes(classes: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, Any]) -> None:
    if len(classes) > SHOWN_CLASSES:
        output.say(f"{len(classes)} classes: their table is in metrics.json and confusion.svg of the run")
        return
    own = metrics.get("intervals", {}).get("classes", {})
    header = ["class", *next(iter(classes.values())), *(["f1 interval"] if own else [])]
    rows = [
        [output.cut(name, _LABEL), *of.values(), *([_span(own[name]["f1"], digits=3)] if own else [])]
        for name, of in classes.items()
    ]
    output.table(None, header, rows, stderr=True, right=range(1, len(header)))
    output.show("[bold]Confusion: true classes in rows, predicted in columns[/bold]", stderr=True)
    output.show(confusion(metrics["confusion"], list(classes)), stderr=True)


def _show_thresholds(thresholds: Mapping[str, Mapping[str, Any]]) -> None:
    """From which score on a label is answered, and what that reaches."""
    rows = []
    for label, each in list(thresholds.items())[:SHOWN_CLASSES]:
        ((aim, value),) = each["asked"].items()
        least = "none" if each["threshold"] is None else f"{each['threshold']:.4f}"
        reached = [each["validation"][aim], each["test"][aim]]
        rows.append([output.cut(label, _LABEL), f"{aim} {value:g}", least, *reached])
    header = ("label", "asked", "from a score of", "on validation", "on test")
    output.table("Thresholds", header, rows, stderr=True, right=range(2, 5))


def _calibrated(metrics: Mapping[str, Any], before: Mapping[str, float | None]) -> str:
    """Such as `calibrated by the temperature 1.31: ece 0.0812 -> 0.0203, log_loss 0.5312 -> 0.4920`."""
    calibration = metrics["calibration"]
    now = {"ece": calibration["ece"], "log_loss": metrics.get("log_loss")}
    changes = [f"{name} {was:.4f} -> {now[name]:.4f}" for name, was in before.items() if was is not None]
    return f"calibrated by the temperature {calibration['temperature']:.3g}: {', '.join(changes)}"


def _show_slices(metrics: Mapping[str, Any]) -> None:
    """The slices that are worse than the rest, the worst first, or that none is."""
    slices, worst = metrics["slices"], metrics["worst"]
    few = sum(each["few"] for each in slices)
    small = f"{few} of {len(slices)} slices with too few rows to prove anything" if few else ""
    if not worst:
        told = f"none of {len(slices)} slices is significantly worse than the rest"
        output.say(output.wrapped("; ".join(filter(None, (told, small)))))
        return
    metric = worst[0]["metric"]
    rows = [
        (
            named(each["slice"], each["value"], _NAME),
            f"{each['rows']:,}",
            each["here"],
            readable.signed(each["difference"]),
            readable.chance(each["p"]),
        )
        for each in worst[:SHOWN_SLICES]
    ]
    more = f", the worst {SHOWN_SLICES}" if len(worst) > SHOWN_SLICES else ""
    title = f"{len(worst)} of {len(slices)} slices significantly worse than the rest{more}"
    output.table(title, ("slice", "rows", metric, "than rest", "p"), rows, stderr=True, right=range(1, 5))
    if small:
        output.say(small)


def _show_robustness(found: Mapping[str, Any]) -> None:
    """What is left of the metric where inputs are changed; what is significantly worse is said to be."""
    metric = found["metric"]
    rows: list[tuple[Any, ...]] = [("as they are", found["plain"], "", "", "", "")]
    rows += [
        (
            each["name"],
            each["value"],
            readable.signed(each["difference"]),
            _span(each["interval"]),
            readable.chance(each["p"]),
            "worse" if each["worse"] else "",
        )
        for each in found["perturbed"]
        if each["changed"]
    ]
    header = ("inputs", metric, "apart", _level(found), "p", "")
    output.table(f"Inputs changed, {found['rows']:,} test rows", header, rows, stderr=True, right=(1, 2, 4))


def _level(known: Mapping[str, Any]) -> str:
    return f"{100 * known['level']:g} % interval"


def _span(interval: Sequence[float] | None, digits: int = 4) -> str:
    return "–" if interval is None else f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"


def confusion(matrix: list[list[int]], labels: list[str]) -> RenderableType:
    """The confusion matrix as a table: true classes in rows, predicted in columns; what is right stands bold."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("")
    for label in labels:
        grid.add_column(escape(label), justify="right")
    for row, (label, counts) in enumerate(zip(labels, matrix, strict=True)):
        cells = [f"[bold]{count:,}[/bold]" if row == column else f"{count:,}" for column, count in enumerate(counts)]
        grid.add_row(escape(label), *cells)
    return grid
