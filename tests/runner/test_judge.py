"""What a run that failed is worth: a guess for every image, whatever the classes are like."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eyechart.data.boxes import objects_on
from eyechart.inference.predictor import Guess, guessing_where_tied, uniform_guess
from eyechart.runner.judge import judge
from eyechart.schema.contracts import Images, LabelledImages, Predictions
from eyechart.schema.objects import objects_of
from eyechart.scoring import metrics


@pytest.mark.parametrize("share_of_class_0", [0.1, 0.5, 0.95])
def test_a_guess_is_right_once_in_k_times_whatever_the_classes(share_of_class_0: float) -> None:
    """Equal probabilities would all be answers of class 0, and be right as often as that class is frequent."""
    labels = (np.random.default_rng(0).random(10_000) > share_of_class_0).astype(np.int64)
    scores = metrics.score(labels, uniform_guess(len(labels), 2))
    assert scores.accuracy == pytest.approx(0.5, abs=0.02)
    assert scores.loss == pytest.approx(math.log(2), abs=1e-5)
    assert uniform_guess(1000, 7).sum(axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("number", [500, 777, 10_000])
def test_labels_that_come_in_turn_are_guessed_no_better(number: int) -> None:
    """Datasets that are drawn here have their classes in turn: guesses in turn would all be right."""
    labels = np.arange(number) % 10
    assert metrics.score(labels, uniform_guess(number, 10)).accuracy == pytest.approx(0.1, abs=0.05)


def test_who_says_nothing_is_right_by_chance_alone() -> None:
    """A detector that finds nothing answers 1/K: that is no answer of class 0, however frequent it is."""
    answers = np.full((1000, 2), 0.5, np.float32)
    answers[::2] = (0.2, 0.8)
    told = guessing_where_tied(answers)
    assert np.array_equal(told[::2], answers[::2])
    assert 0.4 < told[1::2].argmax(axis=1).mean() < 0.6
    tied = guessing_where_tied(np.full((999, 3), 1 / 3, np.float32))
    assert np.bincount(tied.argmax(axis=1)).tolist() == [333, 333, 333]
    assert guessing_where_tied(np.empty((0, 3), np.float32)).shape == (0, 3)
    broken = np.full((2, 3), np.nan, np.float32)
    assert guessing_where_tied(broken) is broken


def test_a_diverged_detector_found_nothing() -> None:
    part = LabelledImages(np.zeros((20, 1, 28, 28), np.uint8), np.arange(20) % 10)
    part.images[:, :, 4:20, 4:20] = 255
    assert judge(Guess(10), part).detection is None
    judged = judge(Guess(10, gives_boxes=True), part)
    assert judged.detection
    assert (judged.detection.map, judged.detection.mean_iou, judged.detection.num_boxes) == (0, 0, 0)
    assert judged.scores.accuracy < 0.5, "a guess"


def test_whoever_answers_is_judged_by_it() -> None:
    """No network is needed: an object that answers arrays is enough."""

    class Oracle:
        gives_boxes = False

        def answer(self, images: Images) -> Predictions:
            return Predictions(np.eye(4, dtype=np.float32)[np.arange(len(images)) % 4])

    part = LabelledImages(np.zeros((8, 1, 2, 2), np.uint8), np.arange(8) % 4)
    judged = judge(Oracle(), part)
    assert (judged.scores.accuracy, judged.scores.num_items, judged.detection) == (1, 8, None)


def test_a_detector_is_judged_by_the_boxes_of_its_dataset() -> None:
    """As many as an image has, none included; the ink is asked where the dataset says nothing."""
    images = np.zeros((3, 1, 28, 28), np.uint8)
    images[:, :, 4:20, 4:20] = 255
    two, one = [(0, 0, 9, 9), (9, 9, 20, 20)], [(1, 1, 5, 5)]
    objects = objects_of([(two, [1, 2], [False] * 2), ([], [], []), (one, [0], [False])])
    part = LabelledImages(images, np.zeros(3, np.int64), objects)

    class Finder:
        gives_boxes = True

        def answer(self, images: Images) -> Predictions:
            return Predictions(
                np.full((3, 3), 1 / 3, np.float32),
                box_image=np.array([0, 0, 2], np.int32), boxes=objects.boxes,
                box_scores=np.array([0.9, 0.8, 0.7], np.float32), box_labels=objects.labels.astype(np.int32),
            )  # fmt: skip

    found = judge(Finder(), part).detection
    assert found
    assert (found.map, found.mean_iou) == pytest.approx((1, 1))
    of_ink = judge(Finder(), LabelledImages(images, part.labels)).detection
    assert of_ink
    assert of_ink.map < 0.5
    assert np.array_equal(objects_on(part).boxes, objects.boxes)
    assert objects_on(LabelledImages(images, part.labels)).boxes.tolist() == [[4, 4, 20, 20]] * 3
