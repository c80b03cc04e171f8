"""The expected best of n trials, against every draw counted one by one."""

from __future__ import annotations

import itertools
import statistics

import pytest

from eyechart.comparison.tuning import expected_best

ACCURACIES = (0.97, 0.1, 0.985, 0.985, 0.91, 0.99)


def test_the_mean_and_spread_are_those_of_all_draws() -> None:
    for best in expected_best(ACCURACIES):
        draws = [max(draw) for draw in itertools.combinations(ACCURACIES, best.num_trials)]
        assert best.mean == pytest.approx(statistics.fmean(draws), abs=1e-12)
        assert best.sd == pytest.approx(statistics.pstdev(draws), abs=1e-9)
        assert sum(draw < best.low for draw in draws) <= 0.05 * len(draws) + 1e-9
        assert sum(draw > best.high for draw in draws) <= 0.05 * len(draws) + 1e-9
        assert {best.low, best.high} <= set(draws)


def test_more_trials_never_hurt_and_end_at_the_best() -> None:
    curve = expected_best(ACCURACIES)
    means = [best.mean for best in curve]
    assert means == sorted(means)
    assert means[0] == pytest.approx(statistics.fmean(ACCURACIES))
    assert curve[-1] == pytest.approx((6, 0.99, 0.0, 0.99, 0.99))
    assert expected_best([]) == []


def test_a_thousand_trials_do_not_overflow() -> None:
    curve = expected_best([number / 1000 for number in range(1000)])
    assert curve[9].mean == pytest.approx(10 / 11 * 1001 / 1000 - 1 / 1000)  # of an order statistic of 0 ... N-1
