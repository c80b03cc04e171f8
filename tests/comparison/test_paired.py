"""Paired tests: by hand, against scipy's own permutation and binomial machinery, and against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from eyechart.comparison import paired
from eyechart.comparison.power import Needs, needed


def sign_flip(*differences: float) -> float:
    return float(paired.sign_flip_p(np.array([differences]))[0])


def test_signs_of_three_seeds_by_hand() -> None:
    assert sign_flip(1.0, 2.0, 3.0) == pytest.approx(2 / 8), "all plus or all minus: 2 of 8"
    assert sign_flip(1.0, -1.0) == 1.0
    assert sign_flip(0.3) == 1.0, "one seed shows nothing"
    assert sign_flip(0.0, 0.0, 0.0, 0.0) == 1.0


def test_five_seeds_can_never_reach_five_percent_and_six_can() -> None:
    assert sign_flip(*[1.0] * 5) == pytest.approx(0.0625)
    assert sign_flip(*[1.0] * 6) == pytest.approx(0.03125)


@pytest.mark.parametrize("num_seeds", [2, 5, 6, 10])
def test_signs_agree_with_scipy_for_every_pair(num_seeds: int) -> None:
    random = np.random.default_rng(num_seeds)
    differences = random.normal(0.3, 1, (8, num_seeds))
    differences[4:] = differences[4:].round(1) / 100  # as accuracies are: with equal sums
    expected = [
        stats.permutation_test(
            (row,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
        ).pvalue
        for row in differences
    ]
    assert paired.sign_flip_p(differences) == pytest.approx(np.minimum(expected, 1.0), abs=1e-9)


def test_equal_sums_in_another_order_are_equal() -> None:
    """0.1 + 0.2 is not 0.3 in floating point, and counts as it all the same."""
    assert sign_flip(0.1, 0.2, -0.3) == 1.0
    assert sign_flip(0.1, 0.2, 0.3, 0.0) == pytest.approx(4 / 16)


def test_a_tie_is_no_lead_of_a_rounding() -> None:
    right = np.array([[97, 94, 96, 95, 93, 96], [95, 96, 96, 94, 95, 95]]) / 100
    differences = right[0] - right[1]
    assert differences.mean() != 0, "571 right answers each, and a rounding between the means"
    assert paired.mean_difference(differences) == 0
    assert needed(differences, 100) == Needs(), "nothing would show what is not there"
    assert paired.mean_difference(differences + 1e-7) == pytest.approx(1e-7)


def test_many_seeds_are_sampled_and_near_the_t_test() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1, 40)
    assert sign_flip(*differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=0.2)
    assert sign_flip(*[0.1] * 40) == pytest.approx(1 / 100_001), "never 0"


def test_mcnemar_is_the_exact_binomial_test_of_scipy_and_statsmodels() -> None:
    first, second = np.array([0, 14, 13, 5, 18, 0, 301]), np.array([0, 26, 27, 0, 42, 6, 333])
    p_values = paired.mcnemar_p(first, second)
    for only_first, only_second, p in zip(first.tolist(), second.tolist(), p_values, strict=True):
        table = [[9000, only_first], [only_second, 30]]
        assert p == pytest.approx(mcnemar(table, exact=True).pvalue if only_first + only_second else 1.0, abs=1e-9)
        if only_first + only_second:
            assert p == pytest.approx(stats.binomtest(only_first, only_first + only_second).pvalue, abs=1e-9)
    assert paired.mcnemar_p(second, first) == pytest.approx(p_values)


def test_how_many_discordant_images_one_seed_needs() -> None:
    """The protocol's table: |b - c| of at least 14 of 40, 18 of 60, 22 of 100."""
    for total, apart in ((40, 14), (60, 18), (100, 22)):
        half = (total - apart) // 2
        enough, short = paired.mcnemar_p(np.array([half, half + 1]), np.array([half + apart, half + apart - 1]))
        assert enough < 0.05 <= short


def test_only_first_right_counts_items() -> None:
    right = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1]], bool)
    assert paired.only_first_right(right).tolist() == [[0, 2, 2], [0, 0, 1], [1, 2, 0]]


def test_superiority_counts_ties_half_and_admits_how_little_six_seeds_say() -> None:
    assert paired.superiority(np.array([1.0, -1.0, 0.0, 2.0])).probability == pytest.approx(0.625)
    all_won = paired.superiority(np.ones(6))
    expected = stats.binomtest(6, 6).proportion_ci(method="wilson")
    assert (all_won.low, all_won.high) == pytest.approx((expected.low, expected.high))
    assert all_won.low == pytest.approx(0.61, abs=0.005), "not 1, as a bootstrap would say"


@pytest.mark.parametrize("share", [0.5, 0.75, 0.9])
def test_superiority_covers_its_true_value(share: float) -> None:
    """Exactly, by the binomial: the chance that Wilson's interval of ten seeds holds the true P(A > B)."""
    covered = 0.0
    for wins in range(11):
        found = paired.superiority(np.where(np.arange(10) < wins, 1.0, -1.0))
        covered += stats.binom.pmf(wins, 10, share) * (found.low <= share <= found.high)
    assert covered >= 0.92
