"""Texts divided into words: Chinese with jieba, everything else with nltk's tokenizer, mixed texts piece by piece."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any

from aiaas import plugins

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # inside a character class
_PIECES = re.compile(rf"[{_HAN}]+|[^\s{_HAN}]+")
_CHINESE_ONLY = re.compile(rf"[{_HAN}]+")
_SIGNS = re.compile(r"\d+(?:[.,:]\d+)*|.")
_LOCK = threading.Lock()


def words(text: str) -> Iterator[str]:
    """The words, numbers and signs of a text, in order; white space is none. The same text gives the same words,
    whatever stands around it in a batch."""
    for piece in _PIECES.findall(text):
        if is_chinese(piece):
            yield from segmenter()(piece)
        else:
            yield from _divided(piece)


def is_chinese(word: str) -> bool:
    """Whether it is made of Chinese characters alone."""
    return _CHINESE_ONLY.fullmatch(word) is not None


@lru_cache(maxsize=1 << 16)
def _divided(piece: str) -> tuple[str, ...]:
    """A piece without white space: nltk's rules where it holds a letter (don't is do n't), else numbers and signs.

    nltk expects a sentence. A piece alone is the end of one, so its full stop is divided off wherever it stands; and
    pieces come again, so that one is divided only once.
    """
    if any(map(str.isalpha, piece)):
        return tuple(_tokenizer()(piece))
    return tuple(_SIGNS.findall(piece))


@cache
def _tokenizer() -> Callable[[str], list[str]]:
    """nltk's tokenizer after the rules of the Penn Treebank, which the common English vectors were made with. It needs
    none of nltk's data."""
    plugins.require(["nltk"], "dividing texts into words")
    from nltk.tokenize.destructive import NLTKWordTokenizer

    tokenize: Callable[[str], list[str]] = NLTKWordTokenizer().tokenize
    return tokenize


def segmenter(extra: tuple[str, ...] = (), *, search: bool = False, hmm: bool = True) -> Callable[[str], Iterator[str]]:
    """What cuts a Chinese text into its words. `extra` are words that the dictionary lacks, `search` gives the short
    words inside a long one as well, `hmm` guesses words that are in no dictionary."""
    with _LOCK:  # requests come in threads; the dictionary is read by the first
        tokenizer = _jieba(extra)
    cut = tokenizer.cut_for_search if search else tokenizer.cut
    return lambda text: cut(text, HMM=hmm)


@lru_cache(maxsize=2)
def _jieba(extra: tuple[str, ...]) -> Any:
    """A jieba tokenizer of our own, its dictionary read from the package: 0.7 s, once in a process.

    jieba would load a cache from the shared temporary folder, where anybody may have put one.
    """
    plugins.require(["jieba"], "dividing Chinese texts into words")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's invalid escapes, and pkg_resources
        import jieba
    jieba.setLogLevel("WARNING")
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for word in extra:
        tokenizer.add_word(word)
    return tokenizer
