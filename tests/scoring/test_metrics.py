"""Scores against numbers computed by hand and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

from eyechart.schema import PROBABILITY_FLOOR
from eyechart.scoring.metrics import score


def one_hot(answers: list[int], num_classes: int) -> np.ndarray:
    return np.eye(num_classes, dtype=np.float32)[answers]


def random_probabilities(num_items: int, num_classes: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(num_classes, 0.3), num_items).astype(np.float32)


def test_three_classes_by_hand():
    # Class 0: 2 right of 3 answered, of 2 true.  Class 1: 1 of 1, of 3 true.  Class 2: answered once, and no image.
    scores = score(np.array([0, 0, 1, 1, 1]), one_hot([0, 0, 0, 1, 2], 3))
    assert scores.num_items == 5
    assert scores.accuracy == pytest.approx(3 / 5)
    assert scores.per_class.precision == (2 / 3, 1.0, None)
    assert scores.per_class.recall == (1.0, 1 / 3, None), "the image of class 1 that was called 2 is missed"
    assert scores.per_class.f1 == (0.8, 0.5, None)
    assert scores.per_class.support == (2, 3, 0)
    assert scores.per_class.absent == (2,)
    assert scores.macro_precision == pytest.approx((2 / 3 + 1) / 2)
    assert scores.macro_recall == pytest.approx((1 + 1 / 3) / 2)
    assert scores.macro_f1 == pytest.approx((0.8 + 0.5) / 2)
    assert scores.confusion == ((2, 0, 0), (1, 1, 1), (0, 0, 0))
    assert scores.loss == pytest.approx(2 / 5 * -math.log(PROBABILITY_FLOOR))


@pytest.mark.parametrize(
    ("name", "labels", "num_classes"),
    [
        ("all classes", np.random.default_rng(0).integers(0, 10, 500), 10),
        ("classes 5 to 9 absent from truth", np.random.default_rng(1).integers(0, 5, 300), 10),
        ("one item", np.array([3]), 5),
        ("two classes", np.array([0, 1, 1, 0, 1]), 2),
    ],
)
def test_equal_to_scikit_learn(name: str, labels: np.ndarray, num_classes: int):
    probabilities = random_probabilities(len(labels), num_classes, seed=len(labels))
    probabilities[:, 2:3] = 0  # and where there is a class 2, nobody answers it
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    answers, classes = probabilities.argmax(axis=1), range(num_classes)
    scores = score(labels, probabilities)

    def expect(ours: object, theirs: object) -> None:
        np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=0, atol=1e-9)

    present = np.unique(labels)
    by_class = precision_recall_fscore_support(labels, answers, labels=present, zero_division=0)
    macro = precision_recall_fscore_support(labels, answers, labels=present, zero_division=0, average="macro")
    expect(scores.accuracy, accuracy_score(labels, answers))
    expect((scores.macro_precision, scores.macro_recall, scores.macro_f1), macro[:3])
    for ours, theirs in zip(("precision", "recall", "f1"), by_class[:3], strict=True):
        figures = getattr(scores.per_class, ours)
        expect([figures[k] for k in present], theirs)
        assert all(figures[k] is None for k in classes if k not in present)
    assert scores.per_class.support == tuple(np.bincount(labels, minlength=num_classes))
    expect(scores.confusion, confusion_matrix(labels, answers, labels=classes))
    clipped = np.clip(probabilities.astype(np.float64), PROBABILITY_FLOOR, 1)
    hits = clipped[np.arange(len(labels)), labels]
    # scikit-learn wants rows that sum to 1: the rest of each row goes to one other class.
    rows = np.stack([hits, 1 - hits], axis=1)
    expect(scores.loss, log_loss(np.zeros(len(labels), int), rows, labels=[0, 1]))


def test_all_right_is_all_right_whatever_the_part_lacks():
    scores = score(np.array([0, 1] * 20), one_hot([0, 1] * 20, 3))
    assert (scores.accuracy, scores.macro_precision, scores.macro_recall, scores.macro_f1) == (1, 1, 1, 1)
    assert scores.per_class.f1 == (1, 1, None)


def test_a_class_that_nobody_answers_has_a_precision_of_nothing():
    """It has images, so it counts: unlike a class that is not there."""
    scores = score(np.array([0, 0, 1]), one_hot([0, 0, 0], 3))
    assert scores.per_class.precision == (2 / 3, 0, None)
    assert scores.macro_precision == pytest.approx(1 / 3)
    assert scores.macro_f1 == pytest.approx(0.8 / 2)


def test_one_class_alone():
    scores = score(np.array([1, 1, 1, 1]), one_hot([1, 1, 1, 0], 3))
    assert scores.per_class.absent == (0, 2)
    assert (scores.macro_precision, scores.macro_recall) == (1, 0.75)
    assert scores.macro_f1 == pytest.approx(6 / 7)


def test_tie_goes_to_the_lowest_class():
    scores = score(np.array([1, 2]), np.array([[0, 0.5, 0.5], [0, 0.5, 0.5]], dtype=np.float32))
    assert scores.confusion == ((0, 0, 0), (0, 1, 0), (0, 1, 0))
    assert scores.loss == pytest.approx(math.log(2))


def test_certain_and_wrong_is_finite():
    assert score(np.array([0]), one_hot([1], 2)).loss == pytest.approx(16.118, abs=1e-3)


def test_uniform_answers_lose_ln_k():
    assert score(np.arange(10), np.full((10, 10), 0.1, np.float32)).loss == pytest.approx(math.log(10), abs=1e-7)


def test_many_items_are_summed_precisely():
    labels = np.zeros(100_000, np.int64)
    probabilities = np.tile(np.array([[0.9999, 0.0001]], np.float32), (len(labels), 1))
    assert score(labels, probabilities).loss == pytest.approx(-math.log(float(np.float32(0.9999))), rel=1e-12)


def test_nothing_to_score():
    with pytest.raises(ValueError, match="no items"):
        score(np.zeros(0, np.int64), np.zeros((0, 10), np.float32))


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_outside_the_classes(label: int):
    with pytest.raises(AssertionError, match=r"0\.\.K-1"):
        score(np.array([0, label]), one_hot([0, 1], 3))
