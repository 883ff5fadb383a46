"""Divides rows into train, validation and test, by what stands in them and not by where they stand.

Equal rows get equal keys and stay together, so that no row of test stands in train; the order of the data decides
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from aiaas.errors import DataError

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
UNNAMED = -1
SYNONYMS = {"dev": "validation", "val": "validation", "valid": "validation"}

_SHOWN = 5

Parts = NDArray[np.int8]
"""The part of each row: an index into `PARTS`, or `UNNAMED`."""


def part_of(name: object, column: str) -> int:
    """The part that a value of a split column names; DataError when it names none."""
    if name is None or not str(name).strip():
        return UNNAMED
    word = str(name).strip().lower()
    word = SYNONYMS.get(word, word)
    if word not in PARTS:
        raise DataError(
            f"the column {column!r} says {name!r}; allowed: {', '.join([*PARTS, *SYNONYMS])}",
            where="preprocess.split.column",
        )
    return PARTS.index(word)


def keys(contents: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """The seeded 64-bit key of each content (n, 2): an order that is random and yet the same for the same rows.

    The finaliser of splitmix64 (Steele, Lea and Flood, 2014), a bijection, so that only equal contents tie.
    """
    salt = np.frombuffer(blake2b(str(seed).encode(), digest_size=8).digest(), dtype="<u8")
    mixed = contents[:, 0] ^ salt
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def divide(
    named: Parts,
    order: NDArray[np.uint64],
    codes: NDArray[np.int32] | None,
    names: list[str],
    shares: Mapping[int, float],
) -> Parts:
    """The part of each row, `named` where the data says it.

    Rows that name no part are divided among train and the parts that no row names; where every row names one, and a
    part with a share is named by none, it is cut from train. `codes` are the classes to keep in balance.
    """
    parts = named.copy()
    missing = [part for part in (TEST, VALIDATION) if shares[part] > 0 and not (named == part).any()]
    unnamed = named == UNNAMED
    pool = unnamed if unnamed.any() else named == TRAIN
    whole = shares[TRAIN] + sum(shares[part] for part in missing)
    if not missing:
        parts[unnamed] = TRAIN
    elif pool.any():
        wanted = {part: shares[part] / whole for part in missing}
        strata = np.zeros(int(pool.sum()), dtype=np.int32) if codes is None else codes[pool]
        parts[pool] = _cut(order[pool], strata, names if codes is not None else [], wanted)
    return parts


def _cut(order: NDArray[np.uint64], strata: NDArray[np.int32], names: list[str], shares: Mapping[int, float]) -> Parts:
    """Cut each stratum, in the order of its keys, at the shares; what remains is train.

    What rounding gives one stratum too much it takes from the next, so that the sums are right as well.
    """
    _, group, sizes = np.unique(order, return_inverse=True, return_counts=True)
    _refuse_few(group, strata, names, len(shares) + 1)
    # Equal contents with unequal labels go together, and count as the rarest of these classes.
    rarest = np.argsort(np.bincount(strata), kind="stable")
    rank = np.argsort(rarest).astype(np.int32)
    owner = np.full(len(sizes), np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(owner, group, rank[strata])
    parts = np.full(len(sizes), TRAIN, dtype=np.int8)
    by_owner = np.argsort(owner, kind="stable")
    carried = dict.fromkeys(shares, 0.0)
    for members in np.split(by_owner, np.flatnonzero(np.diff(owner[by_owner])) + 1):
        rows = np.cumsum(sizes[members])
        begin = 0
        for after, (part, share) in zip(range(len(shares), 0, -1), shares.items(), strict=True):
            before = int(rows[begin - 1]) if begin else 0
            wanted = int(rows[-1]) * share + carried[part]
            end = _nearest(rows, before + wanted)
            if len(members) > len(shares):
                end = min(max(end, begin + 1), len(members) - after)
            end = max(end, begin)
            parts[members[begin:end]] = part
            carried[part] = wanted - (int(rows[end - 1]) - before if end else 0)
            begin = end
    _refuse_unspread(parts[group], strata, names, len(shares) + 1)
    return parts[group]


def _nearest(rows: NDArray[np.int64], wanted: float) -> int:
    """How many groups hold `wanted` rows as nearly as may be; `rows` are their running sums."""
    end = int(np.searchsorted(rows, wanted))
    if end == len(rows):
        return end
    below = int(rows[end - 1]) if end else 0
    return end + 1 if int(rows[end]) - wanted < wanted - below else end


def _refuse_few(group: NDArray[np.intp], strata: NDArray[np.int32], names: list[str], needed: int) -> None:
    """DataError when there are fewer different contents, or fewer of a class, than parts."""
    rows = np.bincount(strata, minlength=max(len(names), 1))
    pairs = np.sort(group.astype(np.int64) * len(rows) + strata)
    distinct = np.bincount(pairs[np.diff(pairs, prepend=-1) > 0] % len(rows), minlength=len(rows))
    few = [int(code) for code in np.flatnonzero(distinct < needed) if rows[code]]
    if not few:
        return
    if not names:
        raise DataError(
            f"{distinct[0]} different rows cannot be divided into {needed} parts",
            where="preprocess.split",
            hint="bring more rows, or give the ratio of a part to train",
        )
    told = ", ".join(f"{names[code]!r} has {_rows(int(rows[code]), int(distinct[code]))}" for code in few[:_SHOWN])
    more = f" and {len(few) - _SHOWN} more classes" if len(few) > _SHOWN else ""
    raise DataError(
        f"too few rows to split by class: {told}{more}; each of the {needed} parts needs one at least",
        where="preprocess.split.stratify",
        hint="merge or drop the class, bring more rows of it, or set preprocess.split.stratify to false",
    )


def _refuse_unspread(parts: Parts, strata: NDArray[np.int32], names: list[str], needed: int) -> None:
    """DataError when a class is in some parts only, as its rows equal rows of rarer classes."""
    for code, name in enumerate(names):
        found = np.count_nonzero(np.bincount(parts[strata == code]))
        if 0 < found < needed:
            raise DataError(
                f"the class {name!r} cannot be spread over {needed} parts: its rows equal rows of other classes",
                where="preprocess.split.stratify",
                hint="add the step deduplicate, or set preprocess.split.stratify to false",
            )


def _rows(rows: int, distinct: int) -> str:
    told = "1 row" if rows == 1 else f"{rows:,} rows"
    return told if rows == distinct else f"{told}, of which {distinct} different"
