"""The forms of one model over the same rows: what each answers, how fast, and how far the answers are apart."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Example, Model, Signature
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
class Answers:
    """Scores of all rows (n, outputs), those of the first rows asked one by one (at most `SINGLES`), and the speed."""

    scores: Scores
    alone: Scores
    speed: Speed


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


def ask(
    native: Model, others: Mapping[str, Model], batches: Iterable[Sequence[Example]]
) -> tuple[Answers, dict[str, Answers | ExportError]]:
    """What each form answers to every batch, and to single examples of the first. A form that fails, or gives something
    else than scores of the same shape, has an error in place of answers; the native one raises its own.

    The forms are asked in turn, so that a drift of the machine meets them alike.
    """
    first = _Asked(native.predict)
    asked = {name: _Asked(model.predict) for name, model in others.items()}
    faults: dict[str, ExportError] = {}
    for number, examples in enumerate(batches):
        expected = first.batch(examples)
        if number == 0:
            for example in examples[:SINGLES]:
                first.single(example)
        for name in (name for name in asked if name not in faults):
            try:
                _answer(name, asked[name], examples, expected, singles=number == 0)
            except ExportError as error:
                faults[name] = error
    return first.answers(), {name: faults.get(name) or each.answers() for name, each in asked.items()}


def _answer(form: str, asked: _Asked, examples: Sequence[Example], expected: Scores, *, singles: bool) -> None:
    try:
        found = [asked.batch(examples)]
        found += [asked.single(example) for example in examples[:SINGLES]] if singles else []
    except ExportError:
        raise
    except Exception as error:  # a runtime's own, such as an operator that takes no batch of one
        raise ExportError(f"the {form} form fails: {type(error).__name__}: {error}") from error
    for scores, rows in zip(found, [len(examples)] + [1] * SINGLES, strict=False):
        _check(form, scores, (rows, *expected.shape[1:]))


def _check(form: str, scores: Scores, shape: tuple[int, ...]) -> None:
    import numpy as np

    if scores.shape != shape:
        raise ExportError(f"the {form} form gives scores of shape {scores.shape} in place of {shape}")
    if not np.isfinite(scores).all():
        raise ExportError(f"the {form} form gives scores that are no finite numbers")


def compare(native: Answers, portable: Answers, signature: Signature) -> Comparison:
    """How far the answers of two forms to the same rows are apart, those to single examples included."""
    together = _difference(native.scores, portable.scores)
    alone = _difference(native.scores[: len(portable.alone)], portable.alone)
    changed = share_changed(native.scores, portable.scores, signature) if signature.labels else 0.0
    return Comparison(len(native.scores), max(together, alone), changed, native.speed, portable.speed)


def _difference(expected: Scores, found: Scores) -> float:
    import numpy as np

    apart = np.abs(found.astype(np.float64) - expected) / np.maximum(1.0, np.abs(expected))
    return float(apart.max(initial=0.0))


def share_changed(expected: Scores, found: Scores, signature: Signature) -> float:
    """The share of rows that get another label."""
    return float((signature.decide(expected) != signature.decide(found)).mean())


@dataclass(slots=True)
class _Asked:
    """Calls a model, keeps what it answers and how long it took; the first call of a kind, which prepares something,
    does not count."""

    predict: Callable[[Sequence[Example]], Scores]
    scores: list[Scores] = field(default_factory=list)
    alone: list[Scores] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    seconds_alone: list[float] = field(default_factory=list)

    def single(self, example: Example) -> Scores:
        began = time.perf_counter()
        scores = self.predict([example])
        self.seconds_alone.append(time.perf_counter() - began)
        self.alone.append(scores)
        return scores

    def batch(self, examples: Sequence[Example]) -> Scores:
        began = time.perf_counter()
        scores = self.predict(examples)
        self.seconds.append((time.perf_counter() - began) / len(examples))
        self.scores.append(scores)
        return scores

    def answers(self) -> Answers:
        import numpy as np

        speed = Speed(round(_median(self.seconds_alone) * 1e3, 4), round(1 / max(1e-9, _median(self.seconds)), 1))
        return Answers(np.concatenate(self.scores), np.concatenate(self.alone), speed)


def _median(seconds: list[float]) -> float:
    return statistics.median(seconds[1:] or seconds)
