"""How much what a model wrote repeats: within a text, and over all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from aiaas.contracts import Statistic
from aiaas.statistics.weighted import Once, Sums, ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METRICS: Mapping[str, Literal["higher", "lower"]] = {
    "distinct_1": "higher",
    "distinct_2": "higher",
    "repetition": "lower",
}
_REPEATED = 4
"""Words of which two in a row are no chance any more: the n of `repetition`."""
_EASTERN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U000323af"
_WORDS = re.compile(rf"[{_EASTERN}]|[^\W{_EASTERN}]+|[^\w\s]")
"""A Chinese character, a word of other scripts, a sign."""

Grams = list[tuple[str, ...]]


def statistics(texts: Sequence[str]) -> Mapping[str, Statistic]:
    """Of n-grams of words, as functions of weights, which count texts.

    `distinct_n` (Li et al. 2016): how many different ones there are in all texts together, of how many. Each counts as
    one, shared among the places where it stands, so that to draw a text twice makes no text less distinct.
    `repetition` (Welleck et al. 2020): the share of those that stood in the same text before.
    """
    words = [_WORDS.findall(text.lower()) for text in texts]
    return {
        **{f"distinct_{n}": _distinct([_grams(each, n) for each in words]) for n in (1, 2)},
        "repetition": _again(words),
    }


def _grams(words: Sequence[str], n: int) -> Grams:
    return [tuple(words[place : place + n]) for place in range(len(words) - n + 1)]


def _distinct(grams: Sequence[Grams]) -> Statistic:
    counts = Counter(gram for each in grams for gram in each)
    return _share([(sum(1 / counts[gram] for gram in each), len(each)) for each in grams])


def _again(words: Sequence[Sequence[str]]) -> Statistic:
    found = [_grams(each, _REPEATED) for each in words]
    return _share([(len(each) - len(set(each)), len(each)) for each in found])


def _share(parts: Sequence[tuple[float, int]]) -> Statistic:
    """The weighted sum of the first of each text through that of the second."""
    import numpy as np

    sums = Once(Sums(np.array(parts, np.float64).reshape(-1, 2)))

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        some, all_of_them = sums(weights)
        return ratio(some, all_of_them, np.nan)

    return statistic
