"""Intervals against hand-computed and published values."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from eyechart.comparison.uncertainty import mean_interval, wilson_interval


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
