"""Subwords: the numbers an encoder was pretrained on, the same in training and in serving."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiaas.backends.sequences import bounds, by_length
from aiaas.backends.subwords import FILE, Subwords
from aiaas.errors import VerificationError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "room", "##s", "房", "间"]
PAD, UNKNOWN, CLS, SEP, GOOD, BAD, ROOM, PLURAL = range(8)


def bert(words: list[str] = WORDS) -> Any:
    """A tokenizer as BERT has it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", SEP), ("[CLS]", CLS))
    return tokenizer


def subwords(max_length: int = 8) -> Subwords:
    return Subwords.of(bert(), max_length, (PAD, "[PAD]"))


def test_texts_and_pairs_become_numbers_and_types() -> None:
    encoded = subwords().encode(["Good rooms", ("good", "bad room"), ""])
    batch = encoded.padded(np.arange(3))
    assert batch["input_ids"].tolist() == [
        [CLS, GOOD, ROOM, PLURAL, SEP, PAD],
        [CLS, GOOD, SEP, BAD, ROOM, SEP],
        [CLS, SEP, PAD, PAD, PAD, PAD],
    ]
    assert batch["attention_mask"].sum(axis=1).tolist() == encoded.lengths.tolist() == [5, 6, 2]
    assert batch["token_type_ids"][1].tolist() == [0, 0, 0, 1, 1, 1]
    assert batch["token_type_ids"][[0, 2]].sum() == 0
    assert not encoded.cut.any()


def test_what_is_longer_is_cut_and_counted() -> None:
    encoded = subwords().encode(["good " * 6, "good " * 7, ("good " * 9, "bad"), ("good " * 9, "bad " * 9)])
    assert encoded.lengths.tolist() == [8, 8, 8, 8]
    assert encoded.cut.tolist() == [False, True, True, True]
    batch = encoded.padded(np.array([2, 3]))["input_ids"]
    assert batch[0].tolist() == [CLS, GOOD, GOOD, GOOD, GOOD, SEP, BAD, SEP]
    assert (batch[1] == GOOD).sum() + (batch[1] == BAD).sum() == 5


def test_a_long_pair_costs_no_more_than_its_length() -> None:
    """Cut parts of one text with cut parts of the other would be 10 ** 8 objects."""
    texts = subwords()
    long = texts.encode([("good " * 50_000, "bad rooms " * 50_000)])
    short = texts.encode([("good " * 50, "bad rooms " * 50)])
    assert long.tokens.tolist() == short.tokens.tolist()
    assert long.cut.all()


def test_a_batch_is_as_wide_as_asked() -> None:
    encoded = subwords().encode(["good", "good bad room"])
    assert encoded.padded(np.array([0]))["input_ids"].shape == (1, 3)
    assert encoded.padded(np.array([0, 1]))["input_ids"].shape == (2, 5)
    assert encoded.padded(np.array([0, 1]), multiple=8)["input_ids"].shape == (2, 8)


@given(st.lists(st.text() | st.tuples(st.text(), st.text()) | st.just("\ud800 good"), max_size=5))
def test_any_text_gives_the_same_tokens_alone_and_beside_others(texts: list[Any]) -> None:
    tokenizer = subwords(16)
    together = tokenizer.encode(texts)
    assert len(together) == len(texts)
    for place, text in enumerate(texts):
        alone = tokenizer.encode([text])
        assert 1 <= alone.lengths[0] <= 16
        begin, end = together.starts[place : place + 2]
        assert together.tokens[begin:end].tolist() == alone.tokens.tolist()
        assert together.types[begin:end].tolist() == alone.types.tolist()


def test_half_a_surrogate_pair_is_an_unknown_token() -> None:
    assert subwords().encode(["\ud800x"]).tokens.tolist() == [CLS, UNKNOWN, SEP]
    assert subwords().encode([("good", "\ud800x")]).tokens.tolist() == [CLS, GOOD, SEP, UNKNOWN, SEP]


def test_a_tokenizer_without_special_tokens_gives_no_empty_text() -> None:
    tokenizer = bert()
    from tokenizers import processors

    tokenizer.post_processor = processors.Sequence([])
    assert Subwords.of(tokenizer, 8, (PAD, "[PAD]")).encode(["", "good"]).tokens.tolist() == [PAD, GOOD]


def test_what_was_saved_is_loaded_and_saves_the_same_bytes(tmp_path: Path) -> None:
    tokenizer = subwords(5)
    tokenizer.save(tmp_path)
    loaded = Subwords.load(tmp_path)
    assert (loaded.max_length, len(loaded)) == (5, len(WORDS))
    texts = ["good rooms bad room", ("good", "房间 good")]
    assert loaded.encode(texts).tokens.tolist() == tokenizer.encode(texts).tokens.tolist()
    before = (tmp_path / FILE).read_bytes()
    loaded.save(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("content", [None, "", "{}", '{"surprise": true}', bert().to_str()])
def test_a_file_that_save_did_not_write_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content)
    with pytest.raises(VerificationError) as caught:
        Subwords.load(tmp_path)
    assert caught.value.where == str(tmp_path / FILE)


def test_the_file_says_how_long_a_text_may_be_and_what_fills_a_batch(tmp_path: Path) -> None:
    subwords(5).save(tmp_path)
    content = json.loads((tmp_path / FILE).read_text("utf-8"))
    assert content["truncation"]["max_length"] == 5
    assert content["padding"]["pad_token"] == "[PAD]"


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 9), st.none() | st.integers(1, 120))
def test_batches_hold_every_sequence_once_and_no_more_tokens_than_asked(
    lengths: list[int], size: int, tokens: int | None
) -> None:
    given_lengths = np.array(lengths, np.int64)
    batches = list(by_length(given_lengths, size, tokens))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch) <= size
        assert tokens is None or len(batch) == 1 or len(batch) * given_lengths[batch].max() <= tokens
    ends = [end for _, end in bounds(np.sort(given_lengths), size, tokens)]
    assert ends == sorted(set(ends))
