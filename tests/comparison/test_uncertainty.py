"""Intervals against hand-computed and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from eyechart.comparison.uncertainty import mean_interval, paired_interval, wilson_interval


@pytest.mark.parametrize(("right", "items"), [(0, 10), (1, 10), (5, 10), (9937, 10_000), (10_000, 10_000), (3, 7)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_equals_scipys(right: int, items: int, confidence: float) -> None:
    expected = binomtest(right, items).proportion_ci(confidence, method="wilson")
    assert wilson_interval(right, items, confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_by_hand() -> None:
    # z = 1.96, 5 of 10: centre 0.5, half width 1.96 / 1.38416 * sqrt(0.025 + 0.009604) = 0.26341
    assert wilson_interval(5, 10) == pytest.approx((0.23659, 0.76341), abs=1e-4)


def test_wilson_contains_the_share_at_both_ends() -> None:
    assert wilson_interval(0, 25)[0] == 0.0
    assert wilson_interval(25, 25)[1] == 1.0
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_refuses_impossible_counts() -> None:
    with pytest.raises(AssertionError, match="11 right of 10"):
        wilson_interval(11, 10)


def test_mean_interval_by_hand() -> None:
    # mean 3, sd 1, n 3: t(0.975, 2) = 4.30265, so 3 -+ 4.30265 / sqrt(3)
    assert mean_interval([2.0, 3.0, 4.0]) == pytest.approx((3 - 2.48414, 3 + 2.48414), abs=1e-4)


def test_mean_interval_of_equal_values_is_a_point() -> None:
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def test_paired_interval_by_hand() -> None:
    # 5 and 12 of 1000: (6 - 13) / 1002 = -.006986; 1.96 * sqrt((19/1002 - .006986^2) / 1002) = .008515
    assert paired_interval(5, 12, 1000) == pytest.approx((-0.015501, 0.001529), abs=1e-6)


def test_two_that_never_differed_are_not_the_same_for_certain() -> None:
    low, high = paired_interval(0, 0, 10_000)
    assert -low == high == pytest.approx(2.77e-4, abs=1e-6)
    assert paired_interval(0, 3, 3)[0] == -1.0


def test_paired_interval_keeps_its_promise() -> None:
    """On 1,000 images of which the first alone is right on 1 % and the second alone on 2 %."""
    drawn = np.random.default_rng(0).multinomial(1000, [0.01, 0.02, 0.97], 2000)
    ends = [paired_interval(int(first), int(second), 1000) for first, second, _ in drawn]
    assert np.mean([low <= -0.01 <= high for low, high in ends]) == pytest.approx(0.95, abs=0.02)
