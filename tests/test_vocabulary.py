"""Texts as words, words as numbers, numbers as batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiaas.backends import vocabulary
from aiaas.backends.lexicon import FIRST, UNKNOWN
from aiaas.backends.sequences import PADDING, Sequences, by_length, shuffled
from aiaas.backends.texts import Tokens
from aiaas.backends.vocabulary import Vocabulary
from aiaas.errors import TrainingError, VerificationError
from aiaas.words import words

TEXTS = ["房间很干净，服务也好", "房间不干净！", "The room isn't clean.", "", "房间 2 间, room 3.5"]


def learned(texts: list[str], **params: Any) -> tuple[Vocabulary, Sequences]:
    found, encoded, _ = vocabulary.learn(Tokens(**params), [texts])
    return found, encoded


def spelled(found: Vocabulary, sequences: Sequences) -> list[list[str]]:
    names = ["_", "?", *found.tokens]
    return [
        [names[number] for number in sequences.tokens[first:last]]
        for first, last in zip(sequences.starts[:-1], sequences.starts[1:], strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我来到北京清华大学", ["我", "来到", "北京", "清华大学"]),
        ("It isn't clean. Really!", ["It", "is", "n't", "clean", ".", "Really", "!"]),
        ("iPhone 手机3.5寸，\t不错", ["iPhone", "手机", "3.5", "寸", "，", "不错"]),
        ("  \n ", []),
        ("😀😀", ["😀", "😀"]),
    ],
)
def test_a_text_is_divided_into_words(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


def test_characters_are_numbered_by_how_often_they_stand() -> None:
    found, texts = learned(["aab  A", "ab", "c"], min_count=2)
    assert found.tokens == ("a", "b")
    assert spelled(found, texts) == [["a", "a", "b", "?", "a"], ["a", "b"], ["?"]]
    assert spelled(found, found.encode(["ba", "xyz", ""])) == [["b", "a"], ["?", "?", "?"], ["?"]]


def test_case_counts_where_the_recipe_says_so() -> None:
    found, _ = learned(["aA"], lowercase=False, min_count=1)
    assert found.tokens == ("A", "a")


def test_a_rare_word_is_unknown_or_is_spelled() -> None:
    texts = ["房间干净"] * 3 + ["干净利落"]
    by_word, encoded = learned(texts, tokens="word", min_count=2)
    assert by_word.tokens == ("房间", "干净")
    assert spelled(by_word, encoded)[3] == ["?"]
    by_spelling, encoded = learned([*texts, "利落"], tokens="spelled", min_count=2)
    assert by_spelling.tokens == ("房间", "干净", "利", "落")
    assert spelled(by_spelling, encoded)[3:] == [["?", "?", "利", "落"], ["利", "落"]]


def test_the_most_frequent_tokens_stay() -> None:
    found, _ = learned(["aaabbc"], min_count=1, max_size=2)
    assert found.tokens == ("a", "b")


@pytest.mark.parametrize("kind", ["char", "word", "spelled", "both"])
def test_nothing_to_learn_from_is_an_error(kind: str) -> None:
    with pytest.raises(TrainingError, match="no token is left"):
        learned(["", " "] if kind != "char" else [""], tokens=kind)


@pytest.mark.parametrize("kind", ["char", "word", "spelled", "both"])
def test_what_was_learned_is_what_is_encoded_again(kind: str, tmp_path: Path) -> None:
    found, encoded, longer = vocabulary.learn(Tokens(tokens=kind, min_count=1), [TEXTS[:2], TEXTS[2:]])  # type: ignore[arg-type]
    assert not longer
    again = found.encode(TEXTS)
    np.testing.assert_array_equal(again.tokens, encoded.tokens)
    np.testing.assert_array_equal(again.starts, encoded.starts)
    assert not (again.tokens[again.starts[0] : again.starts[3]] == UNKNOWN).any()
    found.save(tmp_path)
    loaded = Vocabulary.load(tmp_path, found.params)
    np.testing.assert_array_equal(loaded.encode(TEXTS).tokens, again.tokens)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=30), max_size=8), st.sampled_from(["char", "word", "spelled", "both"]))
def test_a_text_is_encoded_alike_alone_and_among_others(texts: list[str], kind: Any) -> None:
    found, _ = learned(TEXTS, tokens=kind, min_count=1)
    together = found.encode(texts)
    alone = [found.encode([text]).tokens for text in texts]
    assert together.lengths.tolist() == [len(each) for each in alone]
    assert (together.lengths >= 1).all()
    assert together.tokens.tolist() == [number for each in alone for number in each]
    assert ((together.tokens >= UNKNOWN) & (together.tokens < len(found))).all()


@pytest.mark.parametrize("content", ["{}", "[1]", "[[1]]", '[["a", "a"]]', '[["ab"]]', '[[""]]', '[["a"], ["b"]]', "["])
def test_a_damaged_vocabulary_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / vocabulary.FILE).write_text(content, encoding="utf-8")
    with pytest.raises(VerificationError):
        Vocabulary.load(tmp_path, Tokens())


def sequences(lengths: list[int]) -> Sequences:
    return Sequences(
        np.concatenate([np.full(length, FIRST + place, np.int32) for place, length in enumerate(lengths)]),
        np.cumsum([0, *lengths]),
    )


def test_a_batch_is_padded_behind_the_ends() -> None:
    batch = sequences([3, 1, 9]).padded(np.array([2, 1]))
    assert batch.shape == (2, 16)
    assert batch[0].tolist() == [FIRST + 2] * 9 + [PADDING] * 7
    assert batch[1].tolist() == [FIRST + 1] + [PADDING] * 15


def test_words_and_characters_stand_one_behind_the_other() -> None:
    found, texts = learned(["房间 房间", "房 间", ""], tokens="both", min_count=1)
    assert found.tokens == ("房间", "房", "间", "房", "间", " ")
    assert texts.tokens.tolist() == [2, 2, 5, 6, 7, 5, 6, 3, 4, 5, 7, 6, UNKNOWN]
    assert texts.lengths.tolist() == [7, 5, 1]


def test_texts_beyond_the_limit_are_cut_and_counted() -> None:
    texts = ["房间干净", "房间", "abcd efgh"]
    found, encoded, longer = vocabulary.learn(Tokens(tokens="both", min_count=1, max_length=3), [texts])
    assert longer == 2
    assert spelled(found, encoded)[0] == ["房间", "干净", "房", "间", "干"]
    assert encoded.lengths.tolist() == [5, 3, 5]
    np.testing.assert_array_equal(found.encode(texts).tokens, encoded.tokens)


def test_long_ones_are_cut() -> None:
    kept = sequences([3, 1, 9]).cut(2)
    assert kept.lengths.tolist() == [2, 1, 2]
    assert kept.tokens.tolist() == [FIRST, FIRST, FIRST + 1, FIRST + 2, FIRST + 2]


def test_an_epoch_has_every_row_once_and_hardly_any_padding() -> None:
    random = np.random.default_rng(5)
    lengths = random.geometric(0.02, 5000)
    batches = shuffled(lengths, 32, seed=3, epoch=1)
    assert sorted(np.concatenate(batches).tolist()) == list(range(5000))
    assert {len(batch) for batch in batches} == {32, 5000 % 32}
    computed = sum(len(batch) * lengths[batch].max() for batch in batches)
    order = random.permutation(5000)
    carelessly = sum(len(batch) * lengths[batch].max() for batch in np.array_split(order, len(batches)))
    assert lengths.sum() / computed > 0.85
    assert lengths.sum() / carelessly < 0.35
    first = [batch.tolist() for batch in batches]
    assert [batch.tolist() for batch in shuffled(lengths, 32, seed=3, epoch=1)] == first
    assert [batch.tolist() for batch in shuffled(lengths, 32, seed=3, epoch=2)] != first
    longest = np.array([lengths[batch].max() for batch in batches])
    assert 0 < (np.diff(longest) > 0).mean() < 1  # long and short batches in turn


def test_the_shortest_come_first_where_nothing_is_shuffled() -> None:
    assert [batch.tolist() for batch in by_length(np.array([5, 1, 3, 1]), 3)] == [[1, 3, 2], [0]]
    assert list(by_length(np.empty(0, np.int64), 3)) == []
