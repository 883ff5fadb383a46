"""Which n-grams stand in the training texts, and how often: counted block by block in memory that has a bound.

What was counted is a trie. A new one is merged with those before it as soon as these are not much larger, so that each
n-gram is touched a few times only. Where they hold more than `NGRAMS` together, they go to disk as a run; at the end
the runs are merged in passing, and what the recipe leaves out is never held. The result follows from the texts alone:
not from where blocks end, nor from what lay on disk.
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aiaas.backends.sklearn._ngrams import Counts, NGrams, batches
from aiaas.backends.sklearn._params import TextFeatures
from aiaas.backends.sklearn._tokens import Characters, Words
from aiaas.backends.sklearn._trie import Trie, merged, size_of, trie_of, with_tokens
from aiaas.workspace import atomic

if TYPE_CHECKING:
    from numpy.typing import NDArray

NGRAMS, WORDS = 1 << 22, 1 << 20
"""How many are held before they go to disk: some hundreds of megabytes."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The n-grams of one block; of words also which they are, by their number."""

    trie: Trie
    words: list[str] | None


def new_tree(params: TextFeatures) -> NGrams:
    """A tree of n-grams in which nothing is learned yet."""
    tokens = Words(params.lowercase) if params.analyzer == "word" else Characters(params.lowercase)
    return NGrams(tokens, *params.ngrams)


def count(params: TextFeatures, texts: Sequence[str]) -> Counted:
    """The n-grams of one block of texts. Depends on nothing else, so that any process may do it."""
    return count_and_keep(params, texts)[0]


def count_and_keep(params: TextFeatures, texts: Sequence[str]) -> tuple[Counted, NGrams, list[Counts]]:
    """The same, with the tree and the counts of each text by its nodes."""
    tree = new_tree(params)
    parts = [tree.learn(batch) for batch in batches(texts)]
    texts_with, total = np.zeros(len(tree), np.int64), np.zeros(len(tree), np.int64)
    for part in parts:
        texts_with += np.bincount(part.features, minlength=len(tree))
        total += np.bincount(part.features, weights=part.counts, minlength=len(tree)).astype(np.int64)
    words = tree.tokens.words if isinstance(tree.tokens, Words) else None
    return Counted(trie_of(tree, texts_with, total), words), tree, parts


class Survey:
    """Adds up what was counted."""

    def __init__(self, params: TextFeatures, folder: Path | None = None, runs: int = 0) -> None:
        """`folder` is where runs go, and `runs` are there already; without one, everything is held."""
        self._folder, self.runs = folder, runs
        self._tries: list[Trie] = []
        self._words: dict[str, int] | None = {} if params.analyzer == "word" else None

    def add(self, counted: Counted) -> None:
        """Take the n-grams of one more block."""
        trie = counted.trie
        if self._words is not None and counted.words is not None:
            known = self._words
            numbers = [known.setdefault(word, len(known)) for word in counted.words]
            trie = with_tokens(trie, np.array(numbers, np.int64))
        self._tries.append(trie)
        while len(self._tries) > 1 and size_of(self._tries[-2]) < 2 * size_of(self._tries[-1]):
            self._tries[-2:] = [merged(self._tries[-2:])]
        if sum(map(size_of, self._tries)) > NGRAMS or len(self._words or ()) > WORDS:
            self.spill()

    def held(self) -> Counted | None:
        """What is held, as one, words in their order; nothing is held afterwards."""
        if not self._tries:
            return None
        trie, words = merged(self._tries), None
        self._tries.clear()
        if self._words is not None:
            words = sorted(self._words)
            ranks = np.empty(len(words), np.int64)
            ranks[[self._words[word] for word in words]] = np.arange(len(words))
            trie = with_tokens(trie, ranks)
            self._words.clear()
        return Counted(trie, words)

    def spill(self) -> None:
        """Put what is held on disk."""
        if self._folder is None or (held := self.held()) is None:
            return
        folder = run(self._folder, self.runs)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with atomic.disk_errors(folder):
            for number, level in enumerate(held.trie):
                for name in ("keys", "texts", "total"):
                    (folder / f"{number}.{name}").write_bytes(getattr(level, name).data)
            if held.words is not None:
                with (folder / "words").open("w", encoding="utf-8", newline="\n") as stream:
                    stream.writelines(f"{word}\n" for word in held.words)
        self.runs += 1


def run(folder: Path, number: int) -> Path:
    """Where a run lies."""
    return folder / f"run{number}"


def words_of(folder: Path) -> Iterator[str]:
    """The words of a run, in their order."""
    with (folder / "words").open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            yield line[:-1]


def words_together(
    lists: Sequence[Iterator[str]], sizes: Sequence[int], texts: Sequence[NDArray[np.int64]], least: int
) -> tuple[list[str], list[NDArray[np.int64]]]:
    """The words of several sorted lists that stand in `least` texts, and the new number of each list's words (-1 for
    those left out). `texts` says in how many texts each word of each list stands."""

    def numbered(source: int, words: Iterator[str]) -> Iterator[tuple[str, int, int]]:
        return ((word, source, place) for place, word in enumerate(words))

    numbers = [np.full(size, -1, np.int64) for size in sizes]
    kept: list[str] = []
    for word, same in groupby(heapq.merge(*(numbered(*each) for each in enumerate(lists))), lambda each: each[0]):
        found = [(source, place) for _, source, place in same]
        if sum(int(texts[source][place]) for source, place in found) >= least:
            for source, place in found:
                numbers[source][place] = len(kept)
            kept.append(word)
    return kept, numbers
