"""One fractal a thousand times: the same bytes by number, neither empty nor full, classes that can be told apart."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy.spatial import cKDTree

from eyechart.data import fractals
from eyechart.data.known import KNOWN

PICTURES = 5  # of every class
PINNED = "f1ca932855e6a0ad9771b5300b4339dd2079e784808441b5cd7de320d1ac2ba9"  # of the first 200 train pictures


@pytest.fixture(scope="module")
def of_class() -> np.ndarray:
    """The first pictures of every class of the train part, uint8 (K, PICTURES, 28, 28)."""
    num_classes = fractals.NUM_CLASSES
    parts = [fractals.pictures(range(n, n + 500), 0, "train")[0] for n in range(0, PICTURES * num_classes, 500)]
    return np.concatenate(parts).reshape(PICTURES, num_classes, 28, 28).swapaxes(0, 1)


def _linear_parts(systems: np.ndarray) -> np.ndarray:
    """The matrices ((a, b), (c, d)) of maps (..., 6)."""
    return systems[..., [[0, 1], [3, 4]]]


# --------------------------------------------------------------------------------------------- systems


def test_a_class_is_the_fractal_with_each_number_changed_a_little() -> None:
    systems, base = fractals.all_systems(), np.array(fractals.MAPS)
    assert systems.shape == (1_000, 2, 6)
    factors = systems / base
    assert np.abs(factors - 1).max() <= fractals.DELTA + 1e-12
    assert (factors.min(axis=0) < 0.901).all(), "every number, and all the way"
    assert (factors.max(axis=0) > 1.099).all()
    assert len(np.unique(systems.reshape(len(systems), -1), axis=0)) == len(systems)
    assert KNOWN["fractals"].classes[7] == "fractal 007"


def test_the_fractal_is_drawn_by_the_rule_that_it_cites() -> None:
    singular = np.linalg.svd(_linear_parts(np.array(fractals.MAPS)), compute_uv=False)
    sigma_factor = (singular * [1, 2]).sum()
    assert abs(sigma_factor - 3.5) < 0.1
    areas = np.abs(np.linalg.det(_linear_parts(np.array(fractals.MAPS))))
    assert round(256 * areas[0] / areas.sum()) == fractals.FIRST_OF_256


def test_every_map_of_every_class_contracts() -> None:
    """Else points would run away; and before the first that is seen, each is on the attractor but for a hair."""
    largest = np.linalg.svd(_linear_parts(fractals.all_systems()), compute_uv=False).max()
    assert largest < 0.8
    assert largest**fractals.UNSEEN * fractals.SIDE < 0.5, "pixels"


def test_points_are_those_of_the_attractor() -> None:
    """Either map leads from the attractor back onto it, and all of it is reached so."""
    systems = fractals.all_systems()[:1]
    jumps = np.random.default_rng(0).integers(0, 256, (1, fractals.UNSEEN + fractals.JUMPS, fractals.WALKERS), np.uint8)
    x, y = (places[0] for places in fractals._points(systems, jumps))
    points, size = np.stack([x, y], axis=1), np.ptp(x)
    moved = [
        np.stack([m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]], axis=1)  # as the comment above MAPS says
        for m in systems[0]
    ]
    for images in moved:
        assert np.quantile(cKDTree(points).query(images)[0], 0.99) < 0.02 * size
    assert np.quantile(cKDTree(np.concatenate(moved)).query(points)[0], 0.99) < 0.02 * size
    away = points + np.array([0.1 * size, 0])
    assert np.quantile(cKDTree(points).query(away)[0], 0.99) > 0.02 * size, "this test can fail"


# --------------------------------------------------------------------------------------------- pictures


def test_a_picture_depends_on_seed_part_and_number_alone() -> None:
    images, labels = fractals.pictures(range(997, 1_003), 0, "train")
    again, _ = fractals.pictures(range(1_001, 1_003), 0, "train")
    assert images.shape == (6, 1, 28, 28)
    assert images.dtype == np.uint8
    assert labels.tolist() == [997, 998, 999, 0, 1, 2]
    np.testing.assert_array_equal(images[4:], again)
    for other in (
        fractals.pictures(range(1_001, 1_003), 1, "train"),
        fractals.pictures(range(1_001, 1_003), 0, "test"),
    ):
        assert (other[0] != again).reshape(2, -1).any(axis=1).all()


def test_every_machine_draws_the_same_bytes() -> None:
    images, _ = fractals.pictures(range(200), 0, "train")
    assert hashlib.sha256(images.tobytes()).hexdigest() == PINNED
    assert fractals.drawn_with() == [f"numpy {np.__version__}"]


def test_no_class_is_empty_and_none_is_full(of_class: np.ndarray) -> None:
    inked = (of_class > 127).mean(axis=(1, 2, 3))  # of MNIST's train pixels: .132
    assert inked.min() > 0.03
    assert inked.max() < 0.25
    assert (of_class.max(axis=(2, 3)) > 150).all(), "no picture is empty"
    border = np.concatenate([of_class[..., 0, :], of_class[..., -1, :], of_class[..., 0], of_class[..., -1]], axis=2)
    assert (border > 30).mean() < 0.02, "hardly any ink reaches the border"


def test_classes_can_be_told_apart_and_not_at_a_glance(of_class: np.ndarray) -> None:
    """The nearest of a hundred class means, for pictures that are in none of them."""
    some = of_class[:100].reshape(100, PICTURES, -1).astype(np.float64)
    means, held_out = some[:, :-1].mean(axis=1), some[:, -1]
    distances = ((held_out[:, None] - means) ** 2).sum(axis=2)
    right = (distances.argmin(axis=1) == np.arange(100)).mean()
    assert 0.05 < right < 0.5, "chance: .01"
    shuffled = (distances.argmin(axis=1) == np.random.default_rng(0).permutation(100)).mean()
    assert shuffled < 0.05, "what chance looks like here"


def test_pictures_of_a_class_differ(of_class: np.ndarray) -> None:
    first, second = of_class[:, 0].reshape(1_000, -1), of_class[:, 1].reshape(1_000, -1)
    assert ((first > 127) != (second > 127)).mean(axis=1).min() > 0.02
