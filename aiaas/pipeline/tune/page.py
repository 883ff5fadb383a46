"""A search as a page: how it went, what each parameter did, and the best trials; one file that asks no host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiaas import charts, readable
from aiaas.pipeline.tune.objectives import Objective
from aiaas.pipeline.tune.outcome import Outcome, Trial
from aiaas.recipe import Dimension, Recipe

SHOWN = 15
"""Trials in the table."""


def page(outcome: Outcome, recipe: Recipe) -> str:
    """The page as HTML, of a search in which a trial at least was done."""
    assert recipe.tune is not None
    environment = charts.environment("aiaas.pipeline.tune")
    environment.filters["value"] = value
    main = outcome.wanted[0]
    better = sorted(outcome.done, key=lambda each: each.values[0], reverse=main.better == "higher")
    return environment.get_template("tune.html.j2").render(
        outcome=outcome,
        recipe=recipe,
        course=_course(outcome, main),
        front=_front(outcome),
        importance=_importance(outcome),
        parameters=[_parameter(name, each, outcome.done, main) for name, each in recipe.tune.space.items()],
        names=list(recipe.tune.space),
        shown=[*outcome.front, *(each for each in better if each not in outcome.front)][:SHOWN],
    )


def value(given: Any) -> str:
    """A value that was tried, as a recipe has it."""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _course(outcome: Outcome, main: Objective) -> charts.Lines | None:
    """Every trial, and the best one by then."""
    points = [(float(each.number), each.values[0]) for each in outcome.done]
    best: list[tuple[float, float]] = []
    for at, found in points:
        last = best[-1][1] if best else found
        best.append((at, max(last, found) if main.better == "higher" else min(last, found)))
    series = [
        charts.Series("best by then", best, 1),
        charts.Series("a trial", points, 0, dots=True, joined=False),
    ]
    return charts.lines("How it went", series, charts.Axis("trial"), charts.Axis(main.name), width=560)


def _front(outcome: Outcome) -> charts.Lines | None:
    """The first two objectives against each other; None where there is one."""
    if len(outcome.wanted) < 2:
        return None
    one, two = outcome.wanted[:2]

    def points(trials: Sequence[Trial]) -> list[tuple[float, float]]:
        return sorted((each.values[1], each.values[0]) for each in trials)

    series = [
        charts.Series("better than all others in something", points(outcome.front), 1, dots=True),
        charts.Series("a trial", points(outcome.done), 0, dots=True, joined=False),
    ]
    return charts.lines("What one costs the other", series, charts.Axis(two.name), charts.Axis(one.name), width=560)


def _importance(outcome: Outcome) -> charts.Ranges | None:
    bars = [charts.Range(name, share, 0.0, share, told=f"{share:.0%}") for name, share in outcome.importance.items()]
    return charts.ranges("What share each parameter has in whether a trial is among the best", bars)


def _parameter(name: str, dimension: Dimension, trials: Sequence[Trial], main: Objective) -> dict[str, Any]:
    """What came of each value of a parameter, whatever the others were."""
    if dimension.choice is not None:
        return {"name": name, "lines": None, "ranges": _choices(name, dimension, trials, main)}
    points = []
    for each in trials:
        tried = each.settings[name]
        assert isinstance(tried, int | float)
        points.append((float(tried), each.values[0]))
    across = charts.Axis(name, log=dimension.log is not None)
    series = [charts.Series("a trial", points, 0, dots=True, joined=False)]
    return {"name": name, "lines": charts.lines(name, series, across, charts.Axis(main.name))}


def _choices(name: str, dimension: Dimension, trials: Sequence[Trial], main: Objective) -> charts.Ranges | None:
    """Of each value the best trial, with the others as its range."""
    lines = []
    for choice in dimension.choice or ():
        found = [each.values[0] for each in trials if each.settings[name] == choice]
        if found:
            best = max(found) if main.better == "higher" else min(found)
            told = f"best {readable.figure(best)} of {len(found)}"
            lines.append(charts.Range(value(choice), best, min(found), max(found), told=told))
    return charts.ranges(name, lines)
