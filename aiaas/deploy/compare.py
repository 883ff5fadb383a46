"""Two forms of one model over the same rows: how far their scores are apart, and how fast each is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Example, Model
from aiaas.errors import ExportError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

SINGLES = 32


@dataclass(frozen=True, slots=True)
class Speed:
    """`milliseconds` for one example alone (the median), and examples a second where they come in batches."""

    milliseconds: float
    examples_per_second: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """`difference` is the biggest one of a score: absolute, or relative to a score above 1. `changed` is the share of
    rows whose label is another one, 0 where there are no labels."""

    rows: int
    difference: float
    changed: float
    native: Speed
    portable: Speed

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(native: Model, portable: Model, batches: Iterable[Sequence[Example]], *, labelled: bool) -> Comparison:
    """Ask both for every batch, and the portable one again for single examples of the first.

    Raises ExportError when the portable form gives something else than scores of the same shape, or fails.
    """
    rows, different, changed = 0, 0.0, 0
    first, second = _Timed(native.predict), _Timed(portable.predict)
    for number, examples in enumerate(batches):
        expected, found = first.batch(examples), _asked(second.batch, examples)
        different = max(different, _difference(expected, found))
        changed += _changed(expected, found) if labelled else 0
        rows += len(examples)
        if number == 0:
            for place, example in enumerate(examples[:SINGLES]):
                first.single(example)
                alone = _asked(second.single, example)
                different = max(different, _difference(expected[place : place + 1], alone))
    return Comparison(rows, different, changed / rows, first.speed(), second.speed())


def _asked(ask: Callable[[Any], Scores], given: Any) -> Scores:
    try:
        return ask(given)
    except ExportError:
        raise
    except Exception as error:  # a runtime's own, such as an operator that takes no batch of one
        raise ExportError(f"the portable form fails: {type(error).__name__}: {error}") from error


def _difference(expected: Scores, found: Scores) -> float:
    import numpy as np

    if expected.shape != found.shape:
        raise ExportError(f"the portable form gives scores of shape {found.shape} in place of {expected.shape}")
    if not np.isfinite(found).all():
        raise ExportError("the portable form gives scores that are no finite numbers")
    apart = np.abs(found.astype(np.float64) - expected) / np.maximum(1.0, np.abs(expected))
    return float(apart.max(initial=0.0))


def _changed(expected: Scores, found: Scores) -> int:
    return int((expected.argmax(axis=1) != found.argmax(axis=1)).sum())


@dataclass(slots=True)
class _Timed:
    """Calls a model and notes how long it took; the first call of a kind, which prepares something, does not count."""

    predict: Callable[[Sequence[Example]], Scores]
    alone: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)

    def single(self, example: Example) -> Scores:
        began = time.perf_counter()
        scores = self.predict([example])
        self.alone.append(time.perf_counter() - began)
        return scores

    def batch(self, examples: Sequence[Example]) -> Scores:
        began = time.perf_counter()
        scores = self.predict(examples)
        self.together.append((time.perf_counter() - began) / len(examples))
        return scores

    def speed(self) -> Speed:
        return Speed(round(_median(self.alone) * 1e3, 4), round(1 / max(1e-9, _median(self.together)), 1))


def _median(seconds: list[float]) -> float:
    return statistics.median(seconds[1:] or seconds)
