"""Which n-grams a model keeps of all that were counted: those that are frequent enough, the most frequent first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends.sklearn._ngrams import SHIFT, TOKEN, NGrams
from aiaas.backends.sklearn._params import TextFeatures
from aiaas.backends.sklearn._survey import Counted, Survey, run, words_of, words_together
from aiaas.backends.sklearn._tokens import Characters, Words
from aiaas.backends.sklearn._trie import GONE, Level, added
from aiaas.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 1 << 21  # n-grams that are looked at together


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tree of the n-grams that are kept, and in how many texts each of its nodes stands; 0 where a node is only the
    beginning of others."""

    tree: NGrams
    texts_with: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Source:
    """Counted n-grams, in memory or on disk. `read(n, first, count)` gives a part of level n, from 0."""

    sizes: Sequence[int]
    read: Callable[[int, int, int], Level]
    tokens: NDArray[np.int64] | None


def choose(params: TextFeatures, survey: Survey, folder: Path | None = None) -> Chosen:
    """The n-grams that `params` keep. They are numbered from the most frequent on; of equally frequent ones the shorter
    comes first, then the one whose tokens come first. Raises TrainingError when none is left."""
    held = survey.held()
    runs = [run(folder, number) for number in range(survey.runs)] if folder else []
    words, sources = _sources(params, held, runs)
    levels = _frequent(params, sources) if sources else []
    wanted = _wanted(params, levels)
    if not wanted.any():
        raise TrainingError(
            "no n-gram is left to learn from: the texts are empty or too short, or min_count is too high",
            hint="lower min_count, or shorten the n-grams",
        )
    return _numbered(params, levels, wanted, words)


def _sources(
    params: TextFeatures, held: Counted | None, runs: Sequence[Path]
) -> tuple[list[str] | None, list[_Source]]:
    """What was counted, and the words as all sources together number them."""
    high = params.ngrams[1]
    sizes = [[(each / f"{level}.keys").stat().st_size // 8 for level in range(high)] for each in runs]
    reads = [_from_disk(each) for each in runs]
    lists = [words_of(each) for each in runs] if params.analyzer == "word" else []
    if held is not None:
        sizes.append([len(level) for level in held.trie])
        reads.append(lambda level, first, count: held.trie[level][first : first + count])
        if held.words is not None:
            lists.append(iter(held.words))
    if params.analyzer != "word":
        return None, [_Source(*each, None) for each in zip(sizes, reads, strict=True)]
    # Every word is an n-gram of one word; where those are not counted, no word is rare.
    texts = [read(0, 0, size[0]).texts for read, size in zip(reads, sizes, strict=True)]
    least = params.min_count if params.ngrams[0] == 1 else 0
    words, tokens = words_together(lists, [size[0] for size in sizes], texts, least)
    return words, [_Source(*each) for each in zip(sizes, reads, tokens, strict=True)]


def _from_disk(folder: Path) -> Callable[[int, int, int], Level]:
    def read(level: int, first: int, count: int) -> Level:
        columns = (folder / f"{level}.{name}" for name in ("keys", "texts", "total"))
        return Level(*(np.fromfile(column, np.int64, count, offset=8 * first) for column in columns))

    return read


def _frequent(params: TextFeatures, sources: Sequence[_Source]) -> list[Level]:
    """All n-grams that may be kept, level by level. An n-gram is never more frequent than its beginning, so what
    follows one that is too rare is passed over; with `max_features`, rarer than so many others is too rare."""
    low, high = params.ngrams
    places = [np.zeros(1, np.int64) for _ in sources]
    least_total = 0
    levels: list[Level] = []
    for number in range(high):
        counted = number + 1 >= low
        cursors = [_Cursor(source, number, place, len(sources)) for source, place in zip(sources, places, strict=True)]
        levels.append(_level(cursors, params.min_count if counted else 0, least_total if counted else 0))
        places = [cursor.places for cursor in cursors]
        most = params.max_features
        if counted and most is not None:
            totals = np.concatenate([level.total for level in levels[low - 1 :]])
            if totals.size > most:
                least_total = int(np.partition(totals, -most)[-most])
    return levels


class _Cursor:
    """Reads one level of a source, a part at a time."""

    def __init__(self, source: _Source, level: int, above: NDArray[np.int64], sources: int) -> None:
        """`above` is where each n-gram of the level before went."""
        self._source, self._level, self._above = source, level, above
        self._count = max(1, _AT_ONCE // sources)
        self._next = 0
        self._held, self._from = Level.joined([]), np.empty(0, np.int64)
        self.places = np.full(source.sizes[level], GONE, np.int64)
        """Where each n-gram of this level went; known at the end."""

    def fill(self) -> bool:
        """Hold something where something is left. True where there is more to read."""
        size = self._source.sizes[self._level]
        while not len(self._held) and self._next < size:
            part = self._source.read(self._level, self._next, self._count)
            parents, tokens = self._above.take(part.keys >> SHIFT), part.keys & TOKEN
            if self._source.tokens is not None:
                tokens = self._source.tokens.take(tokens)
            stays = ((parents != GONE) & (tokens != GONE)).nonzero()[0]
            keys = (parents.take(stays) << SHIFT) | tokens.take(stays)
            self._held = Level(keys, part.texts.take(stays), part.total.take(stays))
            self._from = self._next + stays
            self._next += len(part)
        return self._next < size

    @property
    def last(self) -> int:
        return int(self._held.keys[-1])

    def take(self, bound: int | None) -> tuple[Level, NDArray[np.int64]]:
        """What is held up to the key `bound`, or all, and where in the level it stands."""
        count = len(self._held) if bound is None else int(self._held.keys.searchsorted(bound, "right"))
        taken, places = self._held[:count], self._from[:count]
        self._held, self._from = self._held[count:], self._from[count:]
        return taken, places


def _level(cursors: Sequence[_Cursor], least_texts: int, least_total: int) -> Level:
    """One level of all sources together: their n-grams in order, those that are frequent enough."""
    kept: list[Level] = []
    size = 0
    more = True
    while more:
        unread = [cursor.last for cursor in cursors if cursor.fill()]
        more = bool(unread)
        taken = [cursor.take(min(unread) if unread else None) for cursor in cursors]
        part, places = added(
            np.concatenate([each.keys for each, _ in taken]), Level.joined([each for each, _ in taken])
        )
        stays = (part.texts >= least_texts) & (part.total >= least_total)
        numbers = np.where(stays, size + stays.cumsum() - 1, GONE).take(places)
        begin = 0
        for cursor, (each, source_places) in zip(cursors, taken, strict=True):
            cursor.places[source_places] = numbers[begin : begin + len(each)]
            begin += len(each)
        chosen = stays.nonzero()[0]
        kept.append(Level(part.keys.take(chosen), part.texts.take(chosen), part.total.take(chosen)))
        size += chosen.size
    return Level.joined(kept)


def _wanted(params: TextFeatures, levels: Sequence[Level]) -> NDArray[np.bool_]:
    """Which n-grams of all levels, one after the other, are features."""
    low = params.ngrams[0]
    wanted = np.concatenate(
        [np.empty(0, np.bool_), *(np.full(len(level), number >= low) for number, level in enumerate(levels, 1))]
    )
    if params.max_features is not None and params.max_features < wanted.sum():
        candidates = wanted.nonzero()[0]
        total = np.concatenate([level.total for level in levels]).take(candidates)
        wanted[candidates[np.argsort(-total, kind="stable")[params.max_features :]]] = False
    return wanted


def _numbered(
    params: TextFeatures, levels: Sequence[Level], wanted: NDArray[np.bool_], words: list[str] | None
) -> Chosen:
    """The tree of what is wanted and of what leads there."""
    low, high = params.ngrams
    whole = Level.joined(levels)
    sizes = [len(level) for level in levels]
    begins = np.concatenate(([0], np.cumsum(sizes)))
    parents = np.concatenate(  # 0 is the root, and the others are counted from 1
        [(level.keys >> SHIFT) + (1 + begins[number - 1] if number else 0) for number, level in enumerate(levels)]
    )
    needed = np.concatenate(([True], wanted))
    for _ in range(high - 1):
        needed[parents[needed[1:]]] = True
    nodes = needed.nonzero()[0][1:]
    # What is only a beginning goes before all others: so every n-gram comes behind its own beginning.
    total = np.where(np.arange(whole.keys.size) < begins[low - 1], np.iinfo(np.int64).max, whole.total)
    nodes = nodes.take(np.argsort(-total.take(nodes - 1), kind="stable"))
    numbers = np.zeros(needed.size, np.int64)
    numbers[nodes] = np.arange(1, nodes.size + 1)
    tokens = (whole.keys & TOKEN).take(nodes - 1)
    learned: Words | Characters = Characters(params.lowercase)
    if words is not None:
        used, tokens = np.unique(tokens, return_inverse=True)
        learned = Words(params.lowercase, [words[number] for number in used.tolist()])
    keys = (numbers.take(parents.take(nodes - 1)) << SHIFT) | tokens
    texts_with = np.concatenate(([0], np.where(wanted, whole.texts, 0).take(nodes - 1)))
    return Chosen(NGrams(learned, low, high, keys=keys), texts_with)
