"""How long a request of one input takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

from aiaas.bundle import Bundle

REQUESTS, SECONDS = 200, 3.0
"""At most so many, and none is begun after so long, save the first few."""
FEWEST = 5
WARMING = 10


def latency(bundle: Bundle) -> float:
    """Milliseconds within which 95 of 100 requests of one input are answered: the example requests of the bundle in
    turn, one after the other, as Python calls. The first ones, which prepare something, do not count."""
    return timed(bundle.predict, [each["input"] for each in bundle.examples()])


def timed(predict: Callable[[list[Any]], object], given: Sequence[Any]) -> float:
    """The same of whatever answers, over these inputs."""
    import numpy as np

    inputs = cycle(given)
    began = time.perf_counter()
    took: list[float] = []
    for number in range(WARMING + REQUESTS):
        if len(took) >= FEWEST and time.perf_counter() - began > SECONDS:
            break
        one = next(inputs)
        start = time.perf_counter()
        predict([one])
        if number >= WARMING or start - began > SECONDS / 2:
            took.append(time.perf_counter() - start)
    return round(float(np.quantile(took, 0.95)) * 1e3, 3)
