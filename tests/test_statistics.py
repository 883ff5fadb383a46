"""Resamples, intervals, tests and agreement against scipy, statsmodels and scikit-learn, on the same resamples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from aiaas import statistics
from aiaas.statistics import Difference, Interval, Resamples, resamples
from aiaas.statistics.weighted import Area, Gathered, Mean, Once, ratio

CLOSE = {"rel": 1e-9, "abs": 1e-9}


@pytest.fixture
def skewed() -> np.ndarray:
    return np.random.default_rng(3).exponential(size=150)


def root_mean(values: np.ndarray):
    """A statistic that is no mean: the root of one."""
    mean = Mean(values)
    return lambda weights: np.sqrt(mean(weights))


# --- resamples


def test_every_sample_has_as_many_rows_as_there_are() -> None:
    blocks = list(Resamples(40, samples=25, seed=1))
    assert sum(map(len, blocks)) == 25
    assert all((block.sum(axis=1) == 40).all() and block.shape[1] == 40 for block in blocks)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    strata = np.arange(30) % 4
    whole = [np.concatenate(list(Resamples(30, 17, 5, each))) for each in (None, strata)]
    monkeypatch.setattr(resamples, "BLOCK_BYTES", 8 * 30 * 3)
    blocks = [list(Resamples(30, 17, 5, each)) for each in (None, strata)]
    assert [len(each) for each in blocks] == [6, 6]
    for once, many in zip(whole, blocks, strict=True):
        np.testing.assert_array_equal(once, np.concatenate(many))


def test_a_block_is_bounded_in_memory() -> None:
    assert resamples.samples_at_once(10_000) * 10_000 * 8 <= resamples.BLOCK_BYTES
    assert resamples.samples_at_once(10**9) == 1


def test_strata_keep_their_size() -> None:
    strata = np.array([0, 0, 0, 1, 1, 2])
    (weights,) = Resamples(6, 50, seed=2, strata=strata)
    assert (weights[:, :3].sum(axis=1) == 3).all()
    assert (weights[:, 3:5].sum(axis=1) == 2).all()
    assert (weights[:, 5] == 1).all()
    assert len({tuple(row) for row in weights.tolist()}) > 10


def test_weights_of_a_block_cannot_be_written() -> None:
    (weights,) = Resamples(5, 3)
    with pytest.raises(ValueError, match="read-only"):
        weights[0, 0] = 9


def test_the_jackknife_leaves_every_row_out_once() -> None:
    (weights,) = statistics.jackknife(6, 10)
    np.testing.assert_array_equal(np.sort(weights.argmin(axis=1)), np.arange(6))
    assert (weights.sum(axis=1) == 5).all()


def test_the_jackknife_of_groups_leaves_every_row_out_once() -> None:
    (weights,) = statistics.jackknife(10, 4)
    assert weights.shape == (4, 10)
    np.testing.assert_array_equal((1 - weights).sum(axis=0), np.ones(10))


# --- intervals


@pytest.mark.parametrize(("method", "theirs"), [("percentile", "percentile"), ("bca", "BCa")])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_intervals_are_those_of_scipy(skewed: np.ndarray, method: str, theirs: str, level: float) -> None:
    found = statistics.intervals({"x": root_mean(skewed)}, Resamples(150, 800, seed=9), level, method)["x"]  # type: ignore[arg-type]
    expected = stats.bootstrap(
        (skewed,),
        lambda x, axis: np.sqrt(x.mean(axis=axis)),
        n_resamples=800,
        batch=100,
        confidence_level=level,
        method=theirs,
        rng=np.random.default_rng(9),
    ).confidence_interval
    assert found is not None
    assert tuple(found) == pytest.approx((expected.low, expected.high), **CLOSE)


def test_an_interval_of_a_slice_is_that_of_its_rows_alone(skewed: np.ndarray) -> None:
    mask = np.arange(150) < 60
    sliced = statistics.intervals({"x": Mean(skewed)}, Resamples(150, 2000), mask=mask)["x"]
    alone = statistics.intervals({"x": Mean(skewed[:60])}, Resamples(60, 2000))["x"]
    assert sliced is not None
    assert alone is not None
    assert sliced == pytest.approx(alone, rel=0.06)  # other samples


def test_groups_change_the_acceleration_little(skewed: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = statistics.intervals({"x": root_mean(skewed)}, Resamples(150, 800))["x"]
    monkeypatch.setattr("aiaas.statistics.bootstrap.GROUPS", 50)
    grouped = statistics.intervals({"x": root_mean(skewed)}, Resamples(150, 800))["x"]
    assert whole is not None
    assert grouped is not None
    assert np.abs(np.subtract(grouped, whole)).max() < 0.05 * (whole.high - whole.low)


def test_what_does_not_vary_has_no_interval() -> None:
    for method in ("percentile", "bca"):
        found = statistics.intervals({"x": Mean(np.full(40, 0.7))}, Resamples(40, 100), method=method)  # type: ignore[arg-type]
        assert found == {"x": None}
    assert statistics.intervals({"x": Mean(np.array([0.3]))}, Resamples(1, 100)) == {"x": None}


def test_what_is_not_defined_has_no_interval() -> None:
    nowhere = lambda weights: np.full(len(weights), np.nan)  # noqa: E731
    assert statistics.intervals({"x": nowhere}, Resamples(9, 50)) == {"x": None}
    seldom = Area(np.arange(30) == 4, np.arange(30.0))  # the one row inside is in 63 % of the samples
    assert statistics.intervals({"x": seldom}, Resamples(30, 200)) == {"x": None}


def test_the_corrected_interval_of_a_median_like_value_falls_back() -> None:
    """All samples on one side of the value: there is nothing to correct by."""
    values = np.linspace(1, 2, 100)
    assert statistics.bca(values, 5.0, np.arange(9.0), 0.9) == statistics.percentile(values, 0.9)
    assert statistics.bca(values, 1.5, np.ones(9), 0.9) == Interval(*np.quantile(values, [0.05, 0.95]))


# --- weighted statistics


def test_an_area_is_that_of_scikit_learn_with_ties() -> None:
    rng = np.random.default_rng(0)
    inside, scores = rng.random(200) < 0.4, rng.integers(0, 12, 200) / 12
    (weights,) = Resamples(200, 30)
    expected = [roc_auc_score(inside, scores, sample_weight=each) for each in weights]
    np.testing.assert_allclose(Area(inside, scores)(weights), expected, rtol=1e-12)


def test_an_area_of_equal_scores_is_a_half_and_of_one_side_undefined() -> None:
    (weights,) = Resamples(6, 4, strata=np.array([0, 0, 0, 1, 1, 1]))
    np.testing.assert_allclose(Area(np.arange(6) < 3, np.ones(6))(weights), 0.5)
    assert np.isnan(Area(np.ones(6, bool), np.arange(6))(weights)).all()
    assert np.isnan(Area(np.zeros(6, bool), np.arange(6))(weights)).all()


def test_weights_are_gathered_by_place() -> None:
    place, weights = np.array([0, 0, 1, 2]), np.array([[1.0, 2, 3, 4], [0, 1, 0, 0]])
    assert Gathered(place, 4)(weights).T.tolist() == [[3, 3, 4, 0], [1, 0, 0, 0]]
    assert Gathered(place, 4, place > 0)(weights).T.tolist() == [[0, 3, 4, 0], [0, 0, 0, 0]]


def test_what_is_shared_is_computed_once_for_the_same_weights() -> None:
    calls: list[int] = []
    shared = Once(lambda weights: calls.append(1) or weights.sum())
    (weights,) = Resamples(5, 3)
    assert shared(weights) == shared(weights) == 15
    shared(np.ones((1, 5)))
    assert len(calls) == 2


def test_a_ratio_without_a_whole() -> None:
    assert ratio(np.array([1.0, 2.0]), np.array([2.0, 0.0]), 7.0).tolist() == [0.5, 7.0]


# --- pairs


@pytest.mark.parametrize("shares", [(0.8, 0.8), (0.9, 0.7), (1.0, 0.5)])
@pytest.mark.parametrize("exact", [True, False])
def test_mcnemar_is_that_of_statsmodels(shares: tuple[float, float], exact: bool) -> None:
    rng = np.random.default_rng(1)
    first, second = (rng.random(300) < share for share in shares)
    table = [[np.sum(first & second), np.sum(first & ~second)], [np.sum(~first & second), np.sum(~first & ~second)]]
    expected = reference_mcnemar(table, exact=exact)
    found = statistics.mcnemar(first, second, exact=exact)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), **CLOSE)
    assert (found.only_first, found.only_second) == (table[0][1], table[1][0])


def test_mcnemar_of_models_that_never_differ() -> None:
    right = np.array([True, False, True])
    for exact in (True, False):
        assert statistics.mcnemar(right, right, exact=exact).p == 1


def test_paired_bootstrap_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    first = rng.normal(size=120)
    second = first + rng.normal(0.05, 0.3, size=120)
    found = statistics.paired({"mean": Mean(first)}, {"mean": Mean(second)}, Resamples(120, 700, seed=4))["mean"]
    expected = stats.bootstrap(
        (first, second),
        lambda x, y, axis: y.mean(axis=axis) - x.mean(axis=axis),
        n_resamples=700,
        batch=100,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(4),
    )
    assert found.interval is not None
    assert found.value == pytest.approx((second - first).mean(), **CLOSE)
    assert tuple(found.interval) == pytest.approx(tuple(expected.confidence_interval), **CLOSE)
    below = np.sum(expected.bootstrap_distribution <= 0)
    assert found.p == pytest.approx(2 * (min(below, 700 - below) + 1) / 701)


def test_equal_models_do_not_differ() -> None:
    same = {"x": Mean(np.arange(50.0))}
    found = statistics.paired(same, same, Resamples(50, 100))["x"]
    assert (found.value, found.interval, found.p) == (0, None, 1)


def test_a_difference_is_worse_in_one_direction_only() -> None:
    down, up = Difference(-0.1, None, 0.01), Difference(0.1, None, 0.01)
    assert (down.is_worse("higher"), down.is_worse("lower")) == (True, False)
    assert (up.is_worse("higher"), up.is_worse("lower")) == (False, True)
    assert not down.is_worse("higher", level=0.995)
    assert not Difference(-0.1, None, float("nan")).is_worse("higher")


def test_a_part_is_held_against_the_rest() -> None:
    """The spread of a difference of two means is known."""
    rng = np.random.default_rng(8)
    values, mask = rng.normal(0, 1, 900), np.arange(900) < 300
    values[mask] += 0.3
    found = statistics.against_rest(Mean(values), {"part": mask}, Resamples(900, 2000))["part"]
    assert found.value == pytest.approx(values[mask].mean() - values[~mask].mean(), **CLOSE)
    assert found.p == pytest.approx(stats.ttest_ind(values[mask], values[~mask], equal_var=False).pvalue, rel=0.5)
    assert found.interval is not None
    low, high = stats.ttest_ind(values[mask], values[~mask], equal_var=False).confidence_interval()
    assert tuple(found.interval) == pytest.approx((low, high), abs=0.02)


def test_a_part_that_does_not_vary_has_no_p() -> None:
    found = statistics.against_rest(Mean(np.ones(20)), {"part": np.arange(20) < 5}, Resamples(20, 50))["part"]
    assert (found.value, found.interval) == (0, None)
    assert np.isnan(found.p)


def test_a_difference_that_is_not_defined_has_no_p() -> None:
    nowhere = {"x": lambda weights: np.full(len(weights), np.nan)}
    found = statistics.paired(nowhere, nowhere, Resamples(5, 20))["x"]
    assert found.interval is None
    assert np.isnan(found.p)


def test_a_p_goes_with_its_interval() -> None:
    """p is below 0.05 where the interval of 95 % leaves 0 out, as far as samples can tell."""
    rng = np.random.default_rng(6)
    for shift in np.linspace(0, 0.4, 25):
        values = rng.normal(shift, 1, 80)
        found = statistics.paired({"x": Mean(np.zeros(80))}, {"x": Mean(values)}, Resamples(80, 500))["x"]
        assert found.interval is not None
        assert (found.interval.low > 0) == (found.p < 0.05) or abs(found.p - 0.05) < 0.005


def test_holm_is_that_of_statsmodels() -> None:
    p = [0.01, 0.04, 0.03, 0.005, 0.04, 0.9]
    np.testing.assert_allclose(statistics.holm(p), multipletests(p, method="holm")[1], rtol=1e-12)
    assert statistics.holm([]) == []


def test_holm_leaves_out_what_was_not_tested() -> None:
    found = statistics.holm([0.02, float("nan"), 0.03])
    assert found[::2] == pytest.approx([0.04, 0.04])
    assert np.isnan(found[1])


# --- agreement


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    first = rng.integers(0, 4, 300)
    second = np.where(rng.random(300) < 0.6, first, rng.integers(0, 4, 300))
    assert statistics.kappa(first, second) == pytest.approx(cohen_kappa_score(first, second), **CLOSE)
    assert statistics.agreement(first, second) == np.mean(first == second)


def test_kappa_where_it_is_not_defined() -> None:
    same, none = np.ones(5), np.empty(0)
    assert statistics.agreement(same, same) == 1
    assert np.isnan(statistics.kappa(same, same))
    assert np.isnan(statistics.kappa(none, none))
    assert np.isnan(statistics.agreement(none, none))
