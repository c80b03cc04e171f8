"""Metrics by item: the mean is the metric itself, and scikit-learn agrees."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from eyechart.comparison import bootstrap
from eyechart.scoring.measures import MEASURES, item_losses, macro_f1_influences, right_answers
from eyechart.scoring.metrics import score


def made_up_answers(num_items: int = 600, num_classes: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, num_classes, num_items)
    logits = random.normal(0, 1, (num_items, num_classes))
    logits[np.arange(num_items), labels] += 2.5
    odds = np.exp(logits)
    return labels, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def macro_f1(labels: np.ndarray, answers: np.ndarray) -> float:
    """As scikit-learn's over the classes 0 to 4, a hundred times as fast."""
    right = np.bincount(labels[labels == answers], minlength=5)
    both = np.bincount(labels, minlength=5) + np.bincount(answers, minlength=5)[:5]
    return float(np.mean(2 * right / both))


def test_means_over_items_are_scikit_learns_metrics() -> None:
    labels, probabilities = made_up_answers()
    answers = probabilities.argmax(axis=1)
    assert right_answers(labels, probabilities).mean() == pytest.approx(accuracy_score(labels, answers), abs=1e-12)
    assert macro_f1_influences(labels, probabilities).mean() == pytest.approx(
        f1_score(labels, answers, average="macro", zero_division=0), abs=1e-9
    )
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert item_losses(labels, exact).mean() == pytest.approx(log_loss(labels, exact), abs=1e-9)


def test_certain_and_wrong_costs_no_more_than_the_floor() -> None:
    losses = item_losses(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]], np.float32))
    assert losses.tolist() == pytest.approx([-math.log(1e-7), 0.0])


@pytest.mark.parametrize("answers", [[0, 1, 0], [0, 1, 2]], ids=["nowhere", "answered once"])
def test_a_class_without_images_is_in_no_mean(answers: list[int]) -> None:
    labels, probabilities = np.array([0, 1, 1]), np.eye(3, dtype=np.float32)[answers]
    expected = f1_score(labels, answers, labels=[0, 1], average="macro", zero_division=0)
    assert macro_f1_influences(labels, probabilities).mean() == pytest.approx(expected, abs=1e-12)
    assert score(labels, probabilities).macro_f1 == pytest.approx(expected, abs=1e-12), "the run's own figure"


def test_f1_bootstraps_over_the_classes_that_test_has() -> None:
    """Two of seven classes have no image and are answered all the same; the draws are of the other five."""
    labels, probabilities = made_up_answers(num_classes=7)
    is_kept = labels < 5
    labels, probabilities = labels[is_kept], probabilities[is_kept]
    answers = probabilities.argmax(axis=1)
    assert (answers >= 5).any()
    random = np.random.default_rng(1)
    picks = random.integers(0, len(labels), (1500, len(labels)))
    brute = np.array([macro_f1(labels[pick], answers[pick]) for pick in picks])
    assert brute[0] == pytest.approx(
        f1_score(labels[picks[0]], answers[picks[0]], labels=range(5), average="macro"), abs=1e-12
    )
    linear = bootstrap.item_deviations(macro_f1_influences(labels, probabilities)[None].astype(np.float32), 4000)[:, 0]
    assert linear.std() == pytest.approx(brute.std(), rel=0.06)
    weights = np.bincount(picks[0], minlength=len(labels))
    assert (weights @ macro_f1_influences(labels, probabilities)) / len(labels) == pytest.approx(brute[0], abs=0.002)


def test_linearised_f1_bootstraps_like_f1_itself() -> None:
    """Brute force: F1 computed anew on each resampled test set."""
    labels, probabilities = made_up_answers()
    answers = probabilities.argmax(axis=1)
    random = np.random.default_rng(1)
    picks = random.integers(0, len(labels), (1500, len(labels)))
    brute = np.array([macro_f1(labels[pick], answers[pick]) for pick in picks])
    assert brute[0] == pytest.approx(f1_score(labels[picks[0]], answers[picks[0]], average="macro"), abs=1e-12)
    linear = bootstrap.item_deviations(macro_f1_influences(labels, probabilities)[None].astype(np.float32), 4000)[:, 0]
    truth = f1_score(labels, answers, average="macro")
    assert linear.std() == pytest.approx(brute.std(), rel=0.06)
    assert np.quantile(linear, [0.025, 0.975]) + truth == pytest.approx(np.quantile(brute, [0.025, 0.975]), abs=0.004)
    weights = np.bincount(picks[0], minlength=len(labels))  # and draw by draw, to first order
    assert (weights @ macro_f1_influences(labels, probabilities)) / len(labels) == pytest.approx(brute[0], abs=0.002)


def test_scores_put_every_metric_the_same_way_up() -> None:
    loss, seconds = MEASURES["loss"], MEASURES["training_seconds"]
    assert loss.score(0.02) > loss.score(0.03)
    assert seconds.score(10.0) > seconds.score(13.5)
    assert seconds.shown(seconds.score(10.0) - seconds.score(13.5)) == pytest.approx(1.35)
    assert seconds.shown(seconds.margin) == pytest.approx(1.03)
    assert MEASURES["accuracy"].margin == MEASURES["macro_f1"].margin == 0.001, "0.1 point, rule 9"
