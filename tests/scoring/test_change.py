"""What training changed, in figures: against cases that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eyechart.scoring.change import flat_map, linear_cka, moved, neighbours_agree


def products(features: np.ndarray) -> np.ndarray:
    centred = features - features.mean(axis=0)
    return centred @ centred.T


def test_a_length_is_a_share_of_the_length_before() -> None:
    before = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert moved(before, before) == 0
    assert moved(before, np.array([[3.0, 0.0], [0.0, 5.0]])) == pytest.approx(0.2)
    assert moved(before, -before) == pytest.approx(2)
    assert moved(np.zeros(3), np.ones(3)) == math.inf
    assert moved(np.zeros(3), np.zeros(3)) == 0


def test_rotated_and_scaled_is_the_same() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 8))
    rotation = np.linalg.qr(random.normal(size=(8, 8)))[0]
    assert linear_cka(products(features), products(7 * features @ rotation)) == pytest.approx(1)


def test_stretched_is_not_the_same() -> None:
    features = np.random.default_rng(0).normal(size=(400, 2))
    found = linear_cka(products(features), products(features * [1, 3]))
    # Of populations with variances (1, 1) and (1, 9): tr(AB) / (|A| |B|) = 10 / (sqrt 2 sqrt 82).
    assert found == pytest.approx(10 / math.sqrt(2 * 82), abs=0.03)


def test_few_items_with_many_features_are_not_alike_by_chance() -> None:
    """Without the estimator that has no bias these would be .9 alike."""
    random = np.random.default_rng(0)
    first, second = random.normal(size=(30, 500)), random.normal(size=(30, 500))
    found = linear_cka(products(first), products(second))
    assert found is not None
    assert abs(found) < 0.1


def test_what_says_nothing_has_no_likeness() -> None:
    features = np.random.default_rng(0).normal(size=(30, 5))
    assert linear_cka(products(features), products(np.ones((30, 5)))) is None
    assert linear_cka(products(features[:3]), products(features[:3])) is None


def test_neighbours() -> None:
    features = np.array([[0.0], [0.1], [1.0], [1.1], [5.0]])
    assert neighbours_agree(features, np.array([0, 0, 1, 1, 1])) == 1
    assert neighbours_agree(features, np.array([0, 0, 1, 0, 1])) == pytest.approx(2 / 5)


def test_a_map_keeps_groups_apart_and_is_always_the_same() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    features = random.normal(size=(40, 60)) + 30 * labels[:, None]
    placed = flat_map(features)
    assert placed.shape == (40, 2)
    assert neighbours_agree(placed, labels) == 1
    assert (placed == flat_map(features)).all()


@pytest.mark.parametrize("features", [np.zeros((30, 4)), np.ones((4, 4))])
def test_where_there_is_nothing_to_draw_all_lie_in_one_place(features: np.ndarray) -> None:
    assert (flat_map(features) == 0).all()
