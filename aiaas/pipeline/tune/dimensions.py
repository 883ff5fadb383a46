"""A dimension of the search space as Optuna knows it, and its values as a recipe takes them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from aiaas.recipe import Dimension

_DIGITS = 6


def suggest(trial: Any, name: str, dimension: Dimension) -> Any:
    """One value as Optuna keeps it: of a choice the text of its JSON, for Optuna takes no lists."""
    if dimension.choice is not None:
        return trial.suggest_categorical(name, [json.dumps(each) for each in dimension.choice])
    low, high = dimension.ends
    step = dimension.step
    if step is not None:
        high = float(Decimal(str(low)) + int(_steps(low, high, step)) * Decimal(str(step)))
    log = dimension.log is not None
    if dimension.whole:
        return trial.suggest_int(name, low, int(high), step=step or 1, log=log)
    return trial.suggest_float(name, low, high, step=step, log=log)


def told(dimension: Dimension, value: Any) -> JsonValue:
    """The same as a recipe takes it: fractions with as many digits as a person reads."""
    if dimension.choice is not None:
        found: JsonValue = json.loads(value)
        return found
    if dimension.whole:
        return int(value)
    low, high = dimension.ends
    return float(min(max(float(f"{value:.{_DIGITS}g}"), low), high))


def inside(dimension: Dimension, value: Any) -> Any:
    """A value of the recipe as Optuna keeps it; None where the space does not have it."""
    if dimension.choice is not None:
        text = json.dumps(value)
        return text if text in [json.dumps(each) for each in dimension.choice] else None
    low, high = dimension.ends
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return None
    if dimension.whole and not isinstance(value, int):
        return None
    if dimension.step is not None and _steps(low, value, dimension.step) % 1:
        return None
    return value


def _steps(low: float, high: float, step: float) -> Decimal:
    """How many steps it is from one value to another, as they are written: 10, not 9.99…, from 0 to 1 by 0.1."""
    return (Decimal(str(high)) - Decimal(str(low))) / Decimal(str(step))
