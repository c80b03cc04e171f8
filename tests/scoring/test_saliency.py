"""Rank correlation, areas and verdicts, against hand and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from eyechart.schema.explain import Estimated, MethodCheck
from eyechart.scoring.saliency import (
    area_under,
    deletion_order,
    depends_on_learning,
    estimated,
    marks_more_than_ink,
    marks_what_matters,
    rank_correlation,
)


def test_rank_correlation_is_scipys_without_its_sign() -> None:
    random = np.random.default_rng(0)
    first = random.integers(0, 5, (6, 4)).astype(float)  # with ties
    second = -first + random.normal(0, 2, (6, 4))
    expected = spearmanr(first.ravel(), second.ravel()).statistic
    assert expected < 0
    assert rank_correlation(first, second) == pytest.approx(-expected)


def test_a_map_without_an_order_is_like_another_such_alone() -> None:
    nothing, something = np.zeros((3, 2)), np.arange(6.0).reshape(3, 2)
    assert rank_correlation(nothing, nothing + 1) == 1
    assert rank_correlation(nothing, something) == rank_correlation(something, nothing) == 0


def test_highest_first_and_equal_ones_at_random() -> None:
    values = np.array([[1.0, 3.0], [1.0, 2.0]])
    orders = {tuple(deletion_order(values, np.random.default_rng(seed)).tolist()) for seed in range(20)}
    assert orders == {(1, 3, 0, 2), (1, 3, 2, 0)}


def test_area_by_hand() -> None:
    assert area_under(np.array([1.0, 0.5, 0.0])) == 0.5
    assert area_under(np.array([1.0, 0.0, 0.0])) == 0.25


def test_the_interval_covers_the_mean_and_narrows_with_images() -> None:
    random = np.random.default_rng(1)
    values = [random.normal(0.3, 0.1, number) for number in (20, 2000)]
    few, many = (estimated(each) for each in values)
    assert few.low < few.mean < few.high
    for found, each in zip((few, many), values, strict=True):
        assert found.high - found.low == pytest.approx(2 * 1.96 * each.std() / np.sqrt(len(each)), rel=0.1)
    assert estimated(np.full(20, 0.25)) == Estimated(mean=0.25, low=0.25, high=0.25)


def check(alike: float = 0.2, random: float = 0.3, ink: float = 0.1) -> MethodCheck:
    def about(mean: float) -> Estimated:
        return Estimated(mean=mean, low=mean - 0.05, high=mean + 0.05)

    return MethodCheck(method="occlusion", alike=about(alike), area=about(0.2), before_random=about(random),
                       before_ink=about(ink), seconds=0.1)  # fmt: skip


def test_verdicts_need_the_whole_interval() -> None:
    assert depends_on_learning(check())
    assert not depends_on_learning(check(alike=0.46))
    assert marks_what_matters(check())
    assert not marks_what_matters(check(random=0.04))
    assert marks_more_than_ink(check())
    assert not marks_more_than_ink(check(ink=0.04))
