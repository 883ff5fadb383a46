"""Whether the rows of a fit are held in memory or stay on disk, and how many processes read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from aiaas.backends import memory
from aiaas.backends.sklearn._hashing import Hashed
from aiaas.backends.sklearn._params import RowFeatures, TextFeatures
from aiaas.backends.sklearn._settings import Streaming
from aiaas.backends.sklearn._survey import new_tree
from aiaas.contracts import Training
from aiaas.cores import cores

if TYPE_CHECKING:
    from datasets import Dataset

BYTES_AN_ENTRY = 40
"""What a fit in memory takes for each n-gram of each text, or each number of a row, at its height."""
_MOST = 0.75  # of what is free
_SAMPLES, _SAMPLE = 16, 64
_PAYS = 20 * 2**20  # bytes of text for which it pays to start processes


def streams(train: Dataset, training: Training, at_most: int, estimate: Callable[[], int]) -> bool:
    """Whether to learn from rows on disk. `at_most` is a number of entries that is quickly known; where so many would
    not fit, `estimate` is asked for a better one. What follows from an estimate, a person is told. Raises TrainingError
    where the recipe says never and the rows do not fit."""
    settings = settings_of(training)
    if settings.stream == "always":
        training.notes["streamed"] = {"told": "streamed"}
        return True
    free = memory.available()
    if free is None or at_most * BYTES_AN_ENTRY <= free * _MOST:
        return False
    needed = estimate() * BYTES_AN_ENTRY
    if settings.stream == "never":
        memory.check(needed, "learning from all rows at once", "set train.stream to auto", int(free * _MOST))
        return False
    if needed <= free * _MOST:
        return False
    training.notes["streamed"] = {"told": "streamed", "bytes_in_memory": needed}
    training.warn(
        f"learning from all rows at once would take about {memory.readable(needed)} of memory, and "
        f"{memory.readable(free)} are free: the rows stay on disk (train.stream)"
    )
    return True


def text_streams(params: TextFeatures, train: Dataset, training: Training) -> bool:
    """See `streams`; for texts."""
    low, high = params.ngrams
    at_most = int(train.data.nbytes) * (high - low + 1)  # no text has more characters than bytes
    return streams(train, training, at_most, lambda: entries_of(params, train))


def rows_stream(params: RowFeatures, train: Dataset, training: Training, dense: bool = False) -> bool:
    """See `streams`; for rows of a table. `dense` is where every value of a column of words has a number a row."""
    names = list(training.signature.features)
    words = [name for name in names if training.signature.features[name] in {"string", "bool"}]
    width = len(names) + len(words) * (params.max_categories if dense else 1)

    def entries() -> int:
        found: dict[str, set[object]] = {name: set() for name in words}
        for sample in _samples(train):
            for name, known in found.items():
                known.update(sample[name])
        values = sum(min(len(known) + 1, params.max_categories) for known in found.values())
        return len(train) * (len(names) + values) if dense else len(train) * width

    return streams(train, training, len(train) * width, entries)


def entries_of(params: TextFeatures, train: Dataset) -> int:
    """About how many n-grams all texts hold, one that is repeated in a text counted once; from some of them, spread
    over the data."""
    entries = texts = 0
    counter = Hashed(params) if params.features == "hashing" else new_tree(params)
    for rows in _samples(train):
        sample = [text or "" for text in rows["text"]]
        texts += len(sample)
        entries += int(counter.learn(sample).features.size)
    return entries * len(train) // max(1, texts)


def _samples(train: Dataset) -> Iterator[dict[str, list[Any]]]:
    """Some rows, spread over the data, as columns."""
    for first in range(0, len(train), max(_SAMPLE, len(train) // _SAMPLES)):
        yield train[first : first + _SAMPLE]


def processes_for(train: Dataset, training: Training) -> int:
    """How many processes turn the texts into numbers; 1 is this one."""
    asked = settings_of(training).processes
    if asked != "auto":
        return asked
    return cores() if train.data.nbytes >= _PAYS else 1


def settings_of(training: Training) -> Streaming:
    """What the recipe says under `train`."""
    return training.settings if isinstance(training.settings, Streaming) else Streaming()
