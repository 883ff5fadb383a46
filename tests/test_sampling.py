"""Choosing the next token: what the options promise, for any scores; and the loop around it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiaas.backends import sampling, writing
from aiaas.tasks.text_generation import Options

# A framework in the same process may have told the processor to take subnormal numbers for zero.
NUMBERS = st.floats(-50, 50, width=32, allow_subnormal=False)
LOGITS = st.lists(NUMBERS, min_size=1, max_size=40).map(lambda each: np.array(each, np.float32))


@given(LOGITS, st.floats(0, 10), st.none() | st.integers(1, 50), st.floats(0.001, 1), st.floats(1, 10), st.data())
def test_chances_are_finite_and_sum_to_one(
    logits: Any, temperature: float, top_k: int | None, top_p: float, penalty: float, data: st.DataObject
) -> None:
    recent = data.draw(st.lists(st.integers(0, len(logits) - 1), max_size=5))
    chances = sampling.probabilities(
        logits, temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=penalty, recent=recent
    )
    assert np.isfinite(chances).all()
    assert chances.min() >= 0
    assert chances.sum() == pytest.approx(1)
    assert (chances > 0).sum() <= (top_k or len(logits))


@given(LOGITS)
def test_with_nothing_asked_it_is_softmax(logits: Any) -> None:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    np.testing.assert_allclose(sampling.probabilities(logits), powers / powers.sum(), rtol=1e-9)


@given(LOGITS, st.floats(-1000, 1000))
def test_a_constant_changes_nothing(logits: Any, constant: float) -> None:
    recent = range(0, len(logits), 2)
    given_ = logits.astype(np.float64)
    before = sampling.probabilities(given_, temperature=0.7, repetition_penalty=1.5, recent=recent)
    after = sampling.probabilities(given_ + constant, temperature=0.7, repetition_penalty=1.5, recent=recent)
    np.testing.assert_allclose(after, before, atol=1e-9)


@given(LOGITS, st.integers(1, 50))
def test_top_k_keeps_the_likeliest_in_proportion(logits: Any, top_k: int) -> None:
    whole, chosen = sampling.probabilities(logits), sampling.probabilities(logits, top_k=top_k)
    kept = np.argsort(-whole, kind="stable")[:top_k]
    assert set(np.flatnonzero(chosen)) <= set(kept.tolist())
    np.testing.assert_allclose(chosen[kept], whole[kept] / whole[kept].sum(), rtol=1e-9)


@given(LOGITS, st.floats(0.001, 0.999))
def test_top_p_keeps_the_fewest_that_have_so_much(logits: Any, top_p: float) -> None:
    whole, chosen = sampling.probabilities(logits), sampling.probabilities(logits, top_p=top_p)
    kept = whole[chosen > 0]
    assert kept.sum() >= top_p - 1e-9
    assert kept.sum() - kept.min() <= top_p + 1e-9
    assert kept.min() >= whole[chosen == 0].max(initial=0)


@given(LOGITS)
def test_temperature_nought_takes_the_likeliest_and_the_limit_comes_to_it(logits: Any) -> None:
    logits = logits.round(6)  # smaller differences are lost where the chances are made to sum to one
    chosen = sampling.probabilities(logits, temperature=0)
    assert chosen[logits.argmax()] == 1
    nearly = sampling.probabilities(logits, temperature=1e-300)
    assert (nearly[logits < logits.max()] == 0).all()


@given(LOGITS, st.floats(1.01, 10), st.data())
def test_a_penalty_makes_no_recent_token_likelier(logits: Any, penalty: float, data: st.DataObject) -> None:
    token = data.draw(st.integers(0, len(logits) - 1))
    before = sampling.probabilities(logits)
    after = sampling.probabilities(logits, repetition_penalty=penalty, recent=[token, token])
    assert after[token] <= before[token] + 1e-12
    others = np.delete(after, token)
    assert (others >= np.delete(before, token) - 1e-12).all()


def test_what_may_not_be_chosen_never_is() -> None:
    logits = np.array([-np.inf, 0.0, -np.inf, 1.0])
    for how in ({}, {"temperature": 0}, {"top_k": 4}, {"top_p": 1.0}, {"top_p": 0.99}, {"temperature": 10.0}):
        assert set(np.flatnonzero(sampling.probabilities(logits, **how))) <= {1, 3}  # type: ignore[arg-type]
    chances = sampling.probabilities(logits, repetition_penalty=2.0, recent=[0, 3])
    assert np.isfinite(chances).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20).filter(lambda each: sum(each) > 1e-6), st.integers(0, 99))
def test_only_what_has_a_chance_is_drawn(weights: list[float], seed: int) -> None:
    chances = np.array(weights) / sum(weights)
    random = np.random.default_rng(seed)
    assert all(chances[sampling.draw(chances, random)] > 0 for _ in range(20))


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    chances = np.array([0.5, 0.0, 0.3, 0.2])
    random = np.random.default_rng(3)
    counts = np.bincount([sampling.draw(chances, random) for _ in range(20_000)], minlength=4)
    np.testing.assert_allclose(counts / 20_000, chances, atol=0.02)


class Counting:
    """Says that the token after `n` is `n + 1`, of ten; counts its steps."""

    def __init__(self) -> None:
        self.steps = 0

    def start(self) -> int:
        return 0

    def step(self, token: int, state: int) -> tuple[Any, int]:
        self.steps += 1
        return np.where(np.arange(10) == (token + 1) % 10, 0.0, -30.0).astype(np.float32), state + 1


def test_a_token_is_one_step_and_no_step_is_made_in_advance() -> None:
    reader = Counting()
    written = writing.write(reader, [3, 4], Options(max_length=9), end=0)
    assert reader.steps == 0
    assert list(islice(written, 2)) == [5, 6]
    assert reader.steps == 1 + 2
    assert list(written) == [7, 8, 9], "until the end"
    assert reader.steps == 1 + 6


def test_a_long_prompt_is_read_in_pieces() -> None:
    reader = Counting()
    written = writing.write(reader, [1] * (2 * writing.BREATH + 2), Options(max_length=2), end=0)
    assert next(written) is None
    assert reader.steps == writing.BREATH
    assert list(written) == [None, 2, 3]
    assert list(writing.until(iter(["", "x", ""]), ["abc"])) == ["", "x", ""], "a stop keeps no empty piece back"


def test_an_end_waits_for_the_least_length_and_the_most_ends_it() -> None:
    assert list(writing.write(Counting(), [7], Options(max_length=4, temperature=0), end=0)) == [8, 9]
    longer = list(writing.write(Counting(), [7], Options(max_length=4, min_length=4, temperature=0), end=0))
    assert longer[:2] == [8, 9]
    assert len(longer) == 4
    assert 0 not in longer
    assert 5 not in writing.write(Counting(), [1], Options(max_length=6, temperature=0), end=0, never=[5])


@given(st.lists(st.text("abc", min_size=1, max_size=4), max_size=12), st.lists(st.text("abc", min_size=1, max_size=4)))
def test_a_text_ends_before_the_first_stop_however_it_comes_in_pieces(pieces: list[str], stop: list[str]) -> None:
    whole = "".join(pieces)
    given_ = list(writing.until(iter(pieces), stop))
    assert all(given_), "no piece is empty"
    # The stop that is complete first ends the text; of those complete at once, the longest.
    ends = [place for place in range(1, len(whole) + 1) if any(whole[:place].endswith(each) for each in stop)]
    text = "".join(given_)
    assert whole.startswith(text)
    assert not any(each in text for each in stop)
    if not ends:
        assert text == whole
    else:
        assert any(whole[len(text) :].startswith(each) for each in stop)


def test_what_cannot_become_a_stop_is_given_at_once() -> None:
    seen: list[str] = []

    def pieces() -> Iterator[str]:
        for piece in ("x", "a", "b", "y"):
            yield piece
            seen.append(piece)

    written = writing.until(pieces(), ["abc"])
    assert next(written) == "x"
    assert seen == []
    assert next(written) == "aby"
