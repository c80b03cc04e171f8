"""What a run that failed is worth: a guess for every image, whatever the classes are like."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eyechart.contracts import LabelledImages
from eyechart.evaluation import detection, metrics
from eyechart.fitting import judge, uniform_guess


@pytest.mark.parametrize("share_of_class_0", [0.1, 0.5, 0.95])
def test_a_guess_is_right_once_in_k_times_whatever_the_classes(share_of_class_0: float) -> None:
    """Equal probabilities would all be answers of class 0, and be right as often as that class is frequent."""
    labels = (np.random.default_rng(0).random(10_000) > share_of_class_0).astype(np.int64)
    scores = metrics.score(labels, uniform_guess(len(labels), 2))
    assert scores.accuracy == pytest.approx(0.5, abs=0.02)
    assert scores.loss == pytest.approx(math.log(2), abs=1e-5)
    assert uniform_guess(1000, 7).sum(axis=1) == pytest.approx(1, abs=1e-5)


def contender(needs_boxes: bool) -> Any:
    card = SimpleNamespace(num_classes=10)
    return SimpleNamespace(dataset=SimpleNamespace(card=card), judge=SimpleNamespace(needs_boxes=needs_boxes))


def test_a_diverged_detector_found_nothing() -> None:
    part = LabelledImages(np.zeros((20, 1, 28, 28), np.uint8), np.arange(20) % 10)
    assert judge(contender(needs_boxes=False), part, diverged=True).boxes is None
    predictions = judge(contender(needs_boxes=True), part, diverged=True)
    truth = np.tile(np.array([4, 4, 20, 20], np.float32), (20, 1, 1))
    found = detection.score_boxes(predictions, truth, part.labels[:, None], height=28, width=28)
    assert (found.map, found.mean_iou, found.num_boxes) == (0, 0, 0)
