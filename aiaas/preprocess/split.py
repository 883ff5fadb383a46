"""Divides rows into train, validation and test, by what stands in them and not by where they stand.

Equal rows get equal keys and stay together, so that no row of test stands in train; the order of the data decides
nothing. `Sides` draws the side of a row from its key alone, so that it stays there whatever else is in the data; `cut`
divides all keys at the exact shares.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiaas.errors import DataError
from aiaas.preprocess.rows import UNNAMED

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
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
    """The seeded 64-bit key of each content (n,), 64 bits themselves: an order that is random and yet the same for the
    same rows.

    The finaliser of splitmix64 (Steele, Lea and Flood, 2014), a bijection, so that only equal contents tie.
    """
    salt = np.frombuffer(blake2b(str(seed).encode(), digest_size=8).digest(), dtype="<u8")
    mixed = contents ^ salt
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Sides:
    """How the rows are divided whose side the data does not say: those of the part `pool`, which are the ones that name
    none, or those of train where every row names one. `shares` are those of test and validation; the rest is train.
    With `folds`, test is the `fold`-th of so many equal folds, and the share of validation is one of the others."""

    seed: int
    pool: int
    shares: Mapping[int, float]
    folds: int | None = None
    fold: int | None = None

    @property
    def parts(self) -> tuple[int, ...]:
        """The parts that rows of the pool come to."""
        return (TRAIN, *((TEST,) if self.folds else ()), *(part for part, share in self.shares.items() if share))

    def draw(self, named: Parts, contents: NDArray[np.uint64]) -> Parts:
        """The part of each row, by 64 bits of what decides it (n,)."""
        order = keys(contents, self.seed)
        drawn = np.full(len(order), TRAIN, np.int8)
        if self.folds and self.fold:
            # Independent of the folds, so that every fold holds as many of each side.
            _share(drawn, keys(order, self.seed + 1), self.shares)
            drawn[_unit(order) * self.folds // 1 == self.fold - 1] = TEST
        else:
            _share(drawn, order, self.shares)
        parts = np.where(named == self.pool, drawn, named)
        return np.where(parts == UNNAMED, TRAIN, parts).astype(np.int8)


def _share(parts: Parts, order: NDArray[np.uint64], shares: Mapping[int, float]) -> None:
    """Give each part its share of the keys."""
    place = _unit(order)
    begin = 0.0
    for part, share in shares.items():
        parts[(place >= begin) & (place < begin + share)] = part
        begin += share


def _unit(order: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Keys as numbers from 0 to 1."""
    return (order >> np.uint64(11)).astype(np.float64) * 2.0**-53


def sides(section: Any, seed: int, named: Container[int]) -> Sides:
    """How a recipe's split divides rows of which some are `named`: parts, and `UNNAMED` where any names none."""
    pool = UNNAMED if UNNAMED in named else TRAIN
    if section.time:  # what the time says, it says of every row
        return Sides(seed, UNNAMED, {})
    missing = [part for part in (TEST, VALIDATION) if getattr(section, PARTS[part]) > 0 and part not in named]
    if section.folds:
        return Sides(seed, pool, dict.fromkeys(missing, section.validation), section.folds, section.fold)
    whole = section.train + sum(getattr(section, PARTS[part]) for part in missing)
    return Sides(seed, pool, {part: getattr(section, PARTS[part]) / whole for part in missing})


def cut(
    named: Parts, order: NDArray[np.uint64], codes: NDArray[np.int32] | None, names: list[str], how: Sides
) -> Parts:
    """The part of each row, `named` where the data says it; the rest at the exact shares. `codes` are the classes to
    keep in balance, `order` the keys."""
    parts = named.copy()
    pool = named == how.pool
    if not how.shares:
        parts[named == UNNAMED] = TRAIN
    elif pool.any():
        strata = np.zeros(int(pool.sum()), dtype=np.int32) if codes is None else codes[pool]
        parts[pool] = _cut(order[pool], strata, names if codes is not None else [], how.shares)
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
