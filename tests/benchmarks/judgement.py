"""How far intervals and tests can be believed, on data whose truth is known, and what they cost.

    python tests/benchmarks/judgement.py coverage --rows 200 1000 3000
    python tests/benchmarks/judgement.py gate
    python tests/benchmarks/judgement.py time

`coverage` draws data sets of a classifier, a regression and a generator, and counts how many intervals hold the value
of a data set of a million rows. `gate` draws pairs of models that answer the same rows, equally good ones and some of
which the second is worse by three points, and counts how often the gate `against` is not met (accuracy by McNemar's
test, the others by the paired bootstrap; with `--margin` all by that). `time` measures one
process.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from aiaas import statistics
from aiaas.contracts import Signature, Statistic
from aiaas.evaluate.certainty import METHOD
from aiaas.gates.against import Pair, Side, hold
from aiaas.recipe.gate import Against
from aiaas.statistics import Resamples
from aiaas.tasks import tabular_regression, text_classification, text_generation

SHARES = (0.5, 0.3, 0.2)
SIGNATURE = Signature({}, "label", ("a", "b", "c"))
MANY = 1_000_000
Statistics = Mapping[str, Statistic]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["coverage", "gate", "time"])
    parser.add_argument("--rows", type=int, nargs="+", help="by default 200, 1000 and 3000; 3000; 10000")
    parser.add_argument("--sets", type=int, default=1000, help="how many data sets are drawn")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--method", choices=["bca", "percentile"], default=METHOD)
    parser.add_argument("--margin", type=float, default=0.0, help="gate: how much worse it may be")
    asked = parser.parse_args()
    defaults = {"coverage": [200, 1000, 3000], "gate": [3000], "time": [10_000]}
    for rows in asked.rows or defaults[asked.what]:
        told = {"coverage": coverage, "gate": gate, "time": cost}[asked.what](rows, asked)
        print(json.dumps({"what": asked.what, "rows": rows, **told}))


# --- coverage


def classifier(rng: np.random.Generator, rows: int) -> Statistics:
    targets = rng.choice(3, rows, p=SHARES)
    return text_classification.statistics(targets, answered(targets, rng.normal(size=(rows, 3))), SIGNATURE)


def answered(targets: Any, noise: Any, signal: float = 2.0) -> Any:
    """Probabilities of a model that sees the class through noise, and is somewhat too sure."""
    logits = noise.copy()
    logits[np.arange(len(targets)), targets] += signal
    powers = np.exp(1.5 * (logits - logits.max(axis=1, keepdims=True)))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def regression(rng: np.random.Generator, rows: int) -> Statistics:
    truth = rng.normal(10, 3, rows)
    return tabular_regression.statistics(truth, (truth + rng.normal(0, 1.5, rows))[:, None], Signature({}, "target"))


def generator(rng: np.random.Generator, rows: int) -> Statistics:
    """Texts of 3 to some hundred tokens, each as hard as another."""
    tokens = 3.0 + rng.geometric(1 / 30, rows)
    nats = tokens * rng.normal(3.5, 0.5, rows)
    return text_generation.statistics(np.empty(0), np.stack([nats, tokens, tokens * 1.4], axis=1), Signature({}, None))


KINDS: dict[str, tuple[Callable[[np.random.Generator, int], Statistics], tuple[str, ...]]] = {
    "classifier": (classifier, ("accuracy", "f1", "roc_auc", "log_loss", "ece")),
    "regression": (regression, ("mae", "rmse", "r2")),
    "generator": (generator, ("perplexity",)),
}


def coverage(rows: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Of each metric the share of intervals of 95 % that hold the truth."""
    shares: dict[str, float] = {}
    for drawn, names in KINDS.values():
        truth = statistics.observed(drawn(np.random.default_rng(99), MANY), MANY)
        held = dict.fromkeys(names, 0)
        for number in range(asked.sets):
            whole = drawn(np.random.default_rng([1, number]), rows)
            chosen = {name: whole[name] for name in names}
            found = statistics.intervals(chosen, Resamples(rows, asked.samples, number), method=asked.method)
            for name, interval in found.items():
                held[name] += interval is not None and interval.low <= truth[name] <= interval.high
        shares |= {name: round(count / asked.sets, 3) for name, count in held.items()}
    return {"sets": asked.sets, "samples": asked.samples, "method": asked.method, "covered": shares}


# --- the gate


def gate(rows: int, asked: argparse.Namespace) -> dict[str, Any]:
    """How often the second of two models is said to be worse: where both are equally good, and where it is worse by
    three points of accuracy."""
    return {
        "sets": asked.sets,
        "samples": asked.samples,
        "margin": asked.margin,
        "equal": _said(rows, asked, 2.0),
        "three_points_worse": _said(rows, asked, _weaker(0.03)),
    }


def _pair(rng: np.random.Generator, rows: int, signal: float) -> tuple[Any, Any, Any]:
    """Two models that find the same rows hard: most of their noise is the same."""
    targets = rng.choice(3, rows, p=SHARES)
    shared, first, second = rng.normal(size=(3, rows, 3))
    noise = [np.sqrt(0.8) * shared + np.sqrt(0.2) * own for own in (first, second)]
    return targets, answered(targets, noise[0]), answered(targets, noise[1], signal)


def _weaker(points: float) -> float:
    """The signal of a model whose accuracy is so many points below that of the first."""
    low, high = 1.0, 2.0
    for _ in range(20):
        signal = (low + high) / 2
        targets, first, second = _pair(np.random.default_rng(5), 400_000, signal)
        right = [np.mean(scores.argmax(axis=1) == targets) for scores in (first, second)]
        low, high = (signal, high) if right[0] - right[1] > points else (low, signal)
    return high


def _said(rows: int, asked: argparse.Namespace, signal: float) -> dict[str, float]:
    """The shares of pairs of which the gate `against` says that the second is worse, by each metric."""
    counts = dict.fromkeys(("accuracy", "f1", "log_loss"), 0)
    disagree = 0.0
    for number in range(asked.sets):
        targets, first, second = _pair(np.random.default_rng([2, number]), rows, signal)
        disagree += float(np.mean((first.argmax(axis=1) == targets) != (second.argmax(axis=1) == targets)))
        both = Pair(text_classification, targets, Side(first, SIGNATURE), Side(second, SIGNATURE))
        for metric in counts:
            held = hold(both, Against(margin=asked.margin), metric, Resamples(rows, asked.samples, number))
            counts[metric] += held is not None and held.worse
    shares = {name: round(count / asked.sets, 3) for name, count in counts.items()}
    return {**shares, "disagree": round(disagree / asked.sets, 3)}


# --- time


def cost(rows: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a processor for the intervals of all metrics, those of single classes included."""
    told: dict[str, Any] = {"samples": asked.samples, "method": asked.method}
    for classes in (2, 5, 20):
        rng = np.random.default_rng(0)
        targets, scores = rng.integers(0, classes, rows), rng.random((rows, classes))
        scores[np.arange(rows), targets] += 0.6
        scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
        signature = Signature({}, "label", tuple(map(str, range(classes))))
        began = time.process_time()
        flat = text_classification.statistics(targets, scores, signature)
        own = text_classification.class_statistics(targets, scores, signature)
        named: dict[Any, Statistic] = dict(flat)
        named |= {(label, name): each for label, figures in own.items() for name, each in figures.items()}
        statistics.intervals(named, Resamples(rows, asked.samples), method=asked.method)
        told[f"{classes} classes"] = round(time.process_time() - began, 2)
    return told


if __name__ == "__main__":
    main()
