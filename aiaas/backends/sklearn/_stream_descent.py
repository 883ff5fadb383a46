"""Learn from rows that stay on disk by stochastic gradient descent: rows become numbers once, then pass after pass."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiaas.backends import memory
from aiaas.backends.reading import check_classes, targets_of
from aiaas.backends.sklearn._decide import entries_of
from aiaas.backends.sklearn._descent import Descent, Fit
from aiaas.backends.sklearn._features import Rows, text_features
from aiaas.backends.sklearn._fit_text import model_of
from aiaas.backends.sklearn._linear import Linear
from aiaas.backends.sklearn._shards import BYTES_AN_ENTRY, Shards, parts_for
from aiaas.backends.sklearn._stream_text import Walk, features_of
from aiaas.backends.sklearn._text import TextModel
from aiaas.backends.solver import solving
from aiaas.contracts import Training
from aiaas.errors import TrainingError
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

Dealt = Iterable[tuple[int, Rows, "NDArray[np.int64]"]]
"""Rows with the place of the first of them, and their labels."""


def fit_text(
    params: Any,
    train: Dataset,
    validation: Dataset,
    training: Training,
    descent: Descent,
    head: Callable[[Any], Linear],
    processes: int,
) -> TextModel:
    """Learn from texts. Raises TrainingError, DataError, and Interrupted once it has kept where it stands."""
    targets = targets_of(train, training)
    check_classes(targets, training, descent.folds or 1)
    features = features_of(params, train, training, False, processes)
    width = features.nodes.size
    training.notes["features"] = width

    def numbers(rows: Dataset, end: int, keep: Callable[[int], None]) -> Dealt:
        walk = Walk(training, len(rows), end)
        for block, made in walk.over(rows, features, processes, lambda: keep(walk.end)):
            yield block.first, made, block.labels

    entries = entries_of(text_features(params), train)
    fitted = fit(descent, targets, numbers, train, validation, entries, width, training)
    return model_of(params, features, head(fitted))


def fit(
    descent: Descent,
    targets: NDArray[np.int64],
    numbers: Callable[[Dataset, int, Callable[[int], None]], Dealt],
    train: Dataset,
    validation: Dataset,
    entries: int,
    width: int,
    training: Training,
) -> Any:
    """Fit on rows of `width` columns that `numbers` makes of a data set from one of its rows on, calling what it is
    given from time to time with the row up to which they were dealt with. `entries` is about how many numbers the
    training rows hold."""
    _check_disk(training, entries)
    folder = training.checkpoints / "rows"
    held_out = descent.held_out(targets, training.seed)
    shards = Shards(folder / "train", parts_for(entries), training.seed)
    held = Shards(folder / "held", 1, training.seed)
    _deal(train, numbers, [shards, held], held_out, folder)
    judged = None
    if len(validation):
        parts = parts_for(entries * len(validation) // max(1, len(train)))
        judged = Shards(folder / "validation", parts, training.seed)
        _deal(validation, numbers, [judged], np.zeros(len(validation), np.bool_), folder / "validation")
    counts = np.bincount(targets[~held_out], minlength=len(training.signature.labels))
    estimator = descent.estimator(counts, training.seed)
    with solving():  # of descent nobody knows whether it came to an end
        fitted = Fit(estimator, shards, judged, width, training).run()
        return descent.calibrated(fitted, held.read(0), width)


def _check_disk(training: Training, entries: int) -> None:
    training.checkpoints.mkdir(parents=True, exist_ok=True)
    needed, free = entries * BYTES_AN_ENTRY, shutil.disk_usage(training.checkpoints).free
    if needed > free and not (training.checkpoints / "rows").exists():
        raise TrainingError(
            f"the rows as numbers need about {memory.readable(needed)} on disk while the model learns, and "
            f"{memory.readable(free)} are free",
            where=str(training.checkpoints),
            hint="make room, shorten the n-grams, or choose another disk with --workspace",
        )


def _deal(
    rows: Dataset,
    numbers: Callable[[Dataset, int, Callable[[int], None]], Dealt],
    to: list[Shards],
    held_out: NDArray[np.bool_],
    folder: Path,
) -> None:
    """Deal all rows out, those that are held out to the last of `to`; go on where it was interrupted."""
    state = folder / "dealt.json"
    kept = json.loads(state.read_text("utf-8")) if state.exists() else {}
    begin = int(kept.get("end", 0))
    nothing = [[[0, 0, 0]] * shards.parts for shards in to]
    for shards, sizes in zip(to, kept.get("sizes", nothing), strict=True):
        shards.cut(sizes)

    def keep(end: int) -> None:
        atomic.write_json(state, {"end": end, "sizes": [shards.sizes() for shards in to]})

    if begin < len(rows):
        for first, made, labels in numbers(rows, begin, keep):
            held = held_out[first : first + len(made)]
            if held.any():
                to[-1].deal(first, made.take(held.nonzero()[0]), labels[held])
                made, labels = made.take((~held).nonzero()[0]), labels[~held]
            to[0].deal(first, made, labels)
        keep(len(rows))
