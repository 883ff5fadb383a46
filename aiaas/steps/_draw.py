"""Rows drawn at random, by what stands in them: the same rows wherever they stand and however they are divided into
batches, and equal rows alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from aiaas.contracts import Batch
from aiaas.errors import DataError
from aiaas.steps._content import SIZE, digests

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Survey = Mapping[str, NDArray[Any]]

ALL = 2**63
"""Above every key."""
_BITS = 12


def keys(batch: Batch, columns: Sequence[str], seed: int, purpose: str) -> NDArray[np.uint64]:
    """A number below 2**63 for each row (n,), evenly spread, that its content, the seed and the purpose decide."""
    import numpy as np

    from aiaas.near.shingles import mixed

    salt = np.frombuffer(blake2b(f"{purpose} {seed}".encode(), digest_size=8).digest(), dtype="<u8")
    contents = np.frombuffer(digests(batch, columns), dtype="<u8").reshape(-1, SIZE // 8)[:, 0]
    return mixed(contents ^ salt) >> np.uint64(1)


def labels(batch: Batch, label: str | None) -> NDArray[np.uint64]:
    """64 bits of each row's label (n,); 0 where there are none, or the target is a number."""
    import numpy as np

    values = batch[label] if label is not None else []
    if not any(isinstance(value, str) for value in values):
        return np.zeros(len(next(iter(batch.values()), ())), np.uint64)
    known = {value: code(value) for value in set(values)}
    return np.fromiter((known[value] for value in values), np.uint64, len(values))


def code(label: str) -> int:
    """What `labels` gives for a label."""
    return int.from_bytes(digests({"": [label]}, [""])[:8], "little")


def counted(surveys: Iterable[Survey]) -> dict[int, int]:
    """Rows of each label in all surveys, which hold `labels` and `keys`."""
    import numpy as np

    counts: dict[int, int] = {}
    for survey in surveys:
        for each, count in zip(*np.unique(survey["labels"], return_counts=True), strict=True):
            counts[int(each)] = counts.get(int(each), 0) + int(count)
    return counts


def bounds(
    surveys: Callable[[], Iterable[Survey]], counts: Mapping[int, int], take: Mapping[int, int]
) -> dict[int, int]:
    """Of each label the bound below which the keys of so many rows lie as `take` says; of equal rows that would be
    divided all lie below it. Goes through the surveys twice and holds a share of the keys in memory."""
    import numpy as np

    asked = {label: rank for label, rank in take.items() if 0 < rank < counts[label]}
    result = {label: 0 if rank <= 0 else ALL for label, rank in take.items() if label not in asked}
    shift = np.uint64(63 - _BITS)
    spread = {label: np.zeros(2**_BITS, np.int64) for label in asked}
    for survey in surveys():
        for label in asked.keys() & {int(each) for each in np.unique(survey["labels"])}:
            found = survey["keys"][survey["labels"] == np.uint64(label)] >> shift
            spread[label] += np.bincount(found.astype(np.int64), minlength=2**_BITS)
    place = {label: int(np.searchsorted(np.cumsum(spread[label]), rank)) for label, rank in asked.items()}
    inside: dict[int, list[NDArray[np.uint64]]] = {label: [] for label in asked}
    for survey in surveys():
        for label in asked.keys() & {int(each) for each in np.unique(survey["labels"])}:
            found = survey["keys"][survey["labels"] == np.uint64(label)]
            inside[label].append(found[found >> shift == np.uint64(place[label])])
    for label, rank in asked.items():
        before = int(spread[label][: place[label]].sum())
        ordered = np.sort(np.concatenate(inside[label]))
        result[label] = int(ordered[rank - before - 1]) + 1
    return result


def refuse_unknown(named: Iterable[str], counts: Mapping[int, int], step: str) -> None:
    """DataError where a label that the recipe names has no row."""
    for label in named:
        if code(label) not in counts:
            raise DataError(f"no row has the label {label!r}, which {step} names", where="preprocess.steps")
