"""What a person must know before believing the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Task, Weighs

if TYPE_CHECKING:
    from aiaas.recipe import Evaluate

FEW = 30
"""Rows below which a figure says nearly nothing, and its interval is too narrow."""
_SHOWN = 5


def of(metrics: Mapping[str, Any], section: Evaluate, task: Task) -> list[str]:
    """Sentences, the weightiest first; none where there is nothing to be said."""
    told = []
    rows = metrics["rows"]
    if rows < FEW:
        told.append(f"there {_are(rows, 'test row')}: too few to judge by")
    classes = metrics.get("classes", {})
    absent = [label for label, figures in classes.items() if not figures["rows"]]
    if absent:
        told.append(f"no test row has {_listed(absent)}: nothing is known of how well the model tells that")
    few = [label for label, figures in classes.items() if 0 < figures["rows"] < FEW]
    if few and rows >= FEW:
        told.append(f"fewer than {FEW} test rows have {_listed(few)}: the figures of these classes are rough")
    found = metrics.get("intervals", {}).get("metrics", {})
    of_rows = {name: interval for name, interval in found.items() if name in task.METRICS}
    still = [name for name, interval in of_rows.items() if interval is None and metrics.get(name) is not None]
    if still and rows >= FEW:
        told.append(
            f"{', '.join(still)}: no interval, for nothing varies among the test rows; what {rows:,} rows never show "
            f"may still happen in {3 / rows:.1%} of all"  # the rule of three: with 95 % at most so often
        )
    told += _decided(metrics, section)
    if section.intervals.samples and not isinstance(task, Weighs):
        told.append("the task has no statistics, so there are no intervals and no slices")
    if metrics.get("texts", FEW) < FEW:
        told.append(f"the model wrote {metrics['texts']:,} text{'s' * (metrics['texts'] > 1)}: too few to judge it by")
    told += _of_robustness(metrics.get("robustness", {}))
    return told


def _of_robustness(found: Mapping[str, Any]) -> list[str]:
    """What was not tried, what got no answer, and what there was nothing to change in."""
    told = [
        f"robustness to {each['name']} was not tried: it needs {each['needs']}, pip install 'aiaas[data]'"
        for each in found.get("left_out", ())
    ]
    tried = found.get("perturbed", ())
    told += [
        f"with {each['name']}, {each['refused']:,} of {found['rows']:,} rows got no answer and do not count"
        for each in tried
        if each["refused"]
    ]
    if same := [each["name"] for each in tried if not each["changed"]]:
        told.append(f"{', '.join(same)}: no row had anything to change")
    return told


def _decided(metrics: Mapping[str, Any], section: Evaluate) -> list[str]:
    """What of the temperature and the thresholds is not as the recipe wants it."""
    told = []
    if section.calibrate and metrics.get("calibration", {}).get("temperature") is None:
        told.append(
            "no temperature was fitted: the validation rows do not say how sure to be, for all are answered rightly, "
            "or the scores tell nothing apart; scores are left as they are"
        )
    for label, each in metrics.get("thresholds", {}).items():
        ((aim, value),) = each["asked"].items()
        interval = each["test"]["interval"]
        if each["threshold"] is None:
            best = "no validation row has it" if each["best"] is None else f"the most is {each['best']:.4f}"
            told.append(f"no threshold gives {label!r} a {aim} of {value:g} on the validation rows: {best}")
        elif not each["reached"]:
            told.append(
                f"{label!r} has a {aim} of {each['best']:.4f} on the validation rows in place of {value:g}: other "
                "labels with thresholds take rows from it"
            )
        elif interval is not None and interval[1] < value:
            told.append(
                f"{label!r} has a {aim} of {each['test'][aim]:.4f} on the test rows: less, by more than chance, than "
                f"the {value:g} on the validation rows"
            )
    return told


def _are(count: int, noun: str) -> str:
    return f"is {count} {noun}" if count == 1 else f"are {count} {noun}s"


def _listed(labels: list[str]) -> str:
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return f"the label{'s' if len(labels) > 1 else ''} " + ", ".join(map(repr, labels[:_SHOWN])) + more
