"""The process that measures one bundle; `measures` starts it.

    python -P -m aiaas.compare.process FD

FD is a socket. In come the places where modules are found, the bundle and the rows; out goes what was found.
"""

from __future__ import annotations

import pickle
import re
import sys
import time
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiaas import children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiaas.bundle import Bundle, Located
    from aiaas.compare.ground import Ground
    from aiaas.compare.measures import Measured
    from aiaas.compare.subjects import Costs

ALONE, BATCH, ROWS = 50, 64, 512
"""Rows asked one by one; at once; in batches altogether."""
SECONDS = 3.0
"""After which no more are asked to time them."""
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def main() -> None:
    parent = children.parent()
    sys.path[:] = pickle.loads(parent.recv_bytes())  # noqa: S301 - from the process that started this one
    from aiaas.compare.measures import Measured, said_of

    try:
        located, ground, scores = pickle.loads(parent.recv_bytes())  # noqa: S301
        parent.send((Measured, measure(located, ground, scores=scores)))
    except BaseException as error:
        parent.send(said_of(error))


def measure(located: Located, ground: Ground, *, scores: bool) -> Measured:
    """What `Measured` says, of this process: nothing else may be in it."""
    from aiaas.compare.ground import answered, refuse_others
    from aiaas.compare.measures import Measured

    bundle = located.load()
    refuse_others(ground, str(bundle.manifest["task"]), bundle.signature.labels, located.name)
    inputs = list(islice(chain.from_iterable(ground.requests(bundle.signature)), ROWS))
    found = costs(bundle, inputs)
    return Measured(bundle.signature, answered(bundle, ground) if scores else None, found)


def costs(bundle: Bundle, inputs: Sequence[Any]) -> Costs:
    """The way of a request, from the input to the answer, for rows alone and in batches. Of a model that writes a row
    is a text of the usual length, and comes alone."""
    from aiaas.compare.measures import latency, megabytes
    from aiaas.compare.subjects import Costs

    alone = _timed(bundle.predict, [[each] for each in inputs[:ALONE]])
    together: list[float] = []
    if bundle.options is None:
        whole = range(0, len(inputs) - BATCH + 1, BATCH) or [0]
        together = [
            seconds / min(BATCH, len(inputs))
            for seconds in _timed(bundle.predict, [inputs[start : start + BATCH] for start in whole])
        ]
    times = together or alone
    median, most = latency(alone)
    rate = len(times) / sum(times) if times else None
    return Costs(median, most, rate, _peak(), megabytes(bundle.path))


def _timed(predict: Callable[[Sequence[Any]], object], batches: Sequence[Sequence[Any]]) -> list[float]:
    """The seconds of each batch but the first, which prepares something, unless it is the only one: what it takes
    longer, as where a framework is imported, is neither a latency nor taken off the time that there is."""
    began, found = time.perf_counter(), []
    for batch in batches:
        start = time.perf_counter()
        predict(batch)
        found.append(time.perf_counter() - start)
        if len(found) == 1:
            began = time.perf_counter()
        elif time.perf_counter() - began > SECONDS:
            break
    return found[1:] or found


def _peak() -> float | None:
    """The most MB that this process had in memory; None where the system does not tell. What `getrusage` says begins
    with what the process had that started this one."""
    try:
        found = _PEAK.search(Path("/proc/self/status").read_text("utf-8"))
    except OSError:
        return None
    return int(found[1]) / 1e3 * 1.024 if found else None


if __name__ == "__main__":
    main()
