"""Paired tests: by hand, and against scipy's own permutation, binomial and t machinery."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from scipy import stats

from eyechart.comparison import paired


def test_signs_of_three_seeds_by_hand() -> None:
    assert paired.sign_flip_p(np.array([1.0, 2.0, 3.0])) == pytest.approx(2 / 8), "all plus or all minus: 2 of 8"
    assert paired.sign_flip_p(np.array([1.0, -1.0])) == 1.0
    assert paired.sign_flip_p(np.array([0.3])) == 1.0, "one seed shows nothing"
    assert paired.sign_flip_p(np.zeros(4)) == 1.0


def test_five_seeds_can_never_reach_five_percent_and_six_can() -> None:
    assert paired.sign_flip_p(np.ones(5)) == pytest.approx(0.0625)
    assert paired.sign_flip_p(np.ones(6)) == pytest.approx(0.03125)


@pytest.mark.parametrize("num_seeds", [2, 5, 10])
def test_signs_agree_with_scipy(num_seeds: int) -> None:
    differences = np.random.default_rng(num_seeds).normal(0.3, 1, num_seeds)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert paired.sign_flip_p(differences) == pytest.approx(expected.pvalue, abs=1e-9)


def test_many_seeds_are_sampled_and_near_the_t_test() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1, 40)
    assert paired.sign_flip_p(differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=0.2)
    assert paired.sign_flip_p(np.full(40, 0.1)) == pytest.approx(1 / 100_001), "never 0"


@pytest.mark.parametrize(("first", "second"), [(0, 0), (14, 26), (13, 27), (5, 0), (18, 42)])
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    expected = stats.binomtest(first, first + second, 0.5).pvalue if first + second else 1.0
    assert paired.mcnemar_p(first, second) == pytest.approx(expected, abs=1e-9)
    assert paired.mcnemar_p(second, first) == paired.mcnemar_p(first, second)


def test_how_many_discordant_images_one_seed_needs() -> None:
    """The protocol's table: |b - c| of at least 14 of 40, 18 of 60, 22 of 100."""
    for total, needed in ((40, 14), (60, 18), (100, 22)):
        half = (total - needed) // 2
        assert paired.mcnemar_p(half, half + needed) < 0.05
        assert paired.mcnemar_p(half + 1, half + needed - 1) >= 0.05


def test_superiority_counts_ties_half() -> None:
    found = paired.superiority(np.array([2.0, 1.0, 3.0, 5.0]), np.array([1.0, 1.0, 4.0, 2.0]))
    assert found.probability == pytest.approx(2.5 / 4)
    assert found.interval.low < 2.5 / 4 < found.interval.high
    other = paired.superiority(np.array([1.0, 1.0, 4.0, 2.0]), np.array([2.0, 1.0, 3.0, 5.0]))
    assert other.probability == pytest.approx(1.5 / 4)


def test_superiority_of_all_seeds_has_the_exact_interval() -> None:
    won = paired.superiority(np.arange(6.0) + 1, np.arange(6.0))
    exact = stats.binomtest(6, 6).proportion_ci(method="exact")
    assert won.interval == pytest.approx((exact.low, exact.high))
    lost = paired.superiority(np.arange(6.0), np.arange(6.0) + 1)
    assert lost.interval == pytest.approx((1 - exact.high, 1 - exact.low))


def test_bootstrap_has_the_spread_of_images_for_one_seed() -> None:
    right = (np.random.default_rng(1).random((1, 1, 4000)) < 0.97).astype(float)
    means = paired.bootstrap_means(right, num_draws=4000)
    share = right.mean()
    assert means.shape == (4000, 1)
    assert means.mean() == pytest.approx(share, abs=2e-4)
    assert means.std() == pytest.approx(np.sqrt(share * (1 - share) / 4000), rel=0.06)


def test_bootstrap_has_the_spread_of_seeds_when_images_agree() -> None:
    """Every image of a seed alike: only seeds vary, and the spread is that of their mean."""
    seeds = np.array([0.1, 0.4, 0.2, 0.9, 0.5])
    means = paired.bootstrap_means(np.repeat(seeds[None, :, None], 50, axis=2), num_draws=5000)
    assert means.std() == pytest.approx(seeds.std() / np.sqrt(5), rel=0.05)
    assert set(np.round(means[:, 0] * 50).astype(int)) <= {
        round(10 * sum(drawn)) for drawn in itertools.combinations_with_replacement(seeds, 5)
    }, "every mean is one of five seeds"


def test_bootstrap_pairs_contenders() -> None:
    """The same answers under two names differ by nothing in every draw; a constant gap stays that gap."""
    right = np.random.default_rng(2).random((1, 3, 500))
    means = paired.bootstrap_means(np.concatenate([right, right, right + 0.25]), num_draws=300)
    np.testing.assert_allclose(means[:, 0], means[:, 1], atol=1e-6)
    np.testing.assert_allclose(means[:, 2] - means[:, 0], 0.25, atol=1e-5)


def test_percentiles() -> None:
    assert paired.percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))


def test_seeds_that_would_be_needed() -> None:
    """By hand: effect 1, 80 % power: (1.96 + 0.84) squared is 7.8, so 8 seeds; a huge effect still needs six."""
    assert paired.seeds_needed(1 + np.array([-1.0, 1.0]) / np.sqrt(2)) == 8
    assert paired.seeds_needed(np.array([1.0, 1.0001])) == 6
    assert paired.seeds_needed(np.array([1.0, -1.0])) is None
    assert paired.seeds_needed(np.array([1.0])) is None


@pytest.mark.slow
def test_a_large_study_takes_seconds() -> None:
    right = np.random.default_rng(3).random((50, 10, 10_000), dtype=np.float32)
    started = time.perf_counter()
    means = paired.bootstrap_means(right)
    for first, second in itertools.combinations(range(50), 2):
        paired.percentile_interval(means[:, first] - means[:, second])
    assert time.perf_counter() - started < 10
