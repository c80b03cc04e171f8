"""Box scores against cases computed by hand and against pycocotools."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from audits.boxes import detector_says, pycocotools_says, random_case, twelve
from eyechart.schema.contracts import FoundBoxes
from eyechart.schema.objects import Objects, from_padded, joined
from eyechart.scoring import detection
from eyechart.scoring.detection import box_iou, score_boxes, scores_of_curves


@pytest.mark.parametrize(
    ("seed", "sizes"),
    [
        (0, {}), (1, {"most_true": 1}), (2, {"num_images": 1}), (3, {"most_found": 1}), (4, {"most_found": 300}),
        (8, {"scale": 12.0}),
    ],
    ids=["scenes", "one box an image", "one image", "mostly empty", "more than 100 boxes an image", "every size"],
)  # fmt: skip
def test_equal_to_pycocotools(seed: int, sizes: dict[str, Any]):
    predictions, true_boxes, true_labels = random_case(seed, **sizes)
    scores = score_boxes(predictions, from_padded(true_boxes, true_labels))
    expected = pycocotools_says(predictions, true_boxes, true_labels)
    assert twelve(scores) == pytest.approx(expected, abs=1e-6)
    assert 0 < scores.map < 1, "the case must be neither trivial nor hopeless"
    assert (scores.map_large is None) == ("scale" not in sizes)


@pytest.mark.parametrize("seed", range(3))
def test_equal_to_pycocotools_with_crowds_and_empty_images(seed: int):
    predictions, true_boxes, true_labels = random_case(seed, most_true=5, scale=6.0)
    true_labels[::4] = -1  # nothing on every fourth image
    crowds = np.random.default_rng(seed).random(true_labels.shape) < 0.3
    objects = replace(from_padded(true_boxes, true_labels), crowds=crowds[true_labels >= 0])
    scores = score_boxes(predictions, objects)
    expected = pycocotools_says(predictions, true_boxes, true_labels, crowds)
    assert twelve(scores) == pytest.approx(expected, abs=1e-6)
    without = score_boxes(predictions, from_padded(true_boxes, true_labels))
    assert scores.map != without.map, "crowds count"


def test_equal_to_pycocotools_with_tied_scores_and_boxes_without_area():
    predictions, true_boxes, true_labels = random_case(5)
    found = predictions.found()
    found.scores[:] = np.round(found.scores, 1)
    true_boxes[:5, :, 2:] = true_boxes[:5, :, :2]
    scores = score_boxes(predictions, from_padded(true_boxes, true_labels))
    expected = pycocotools_says(predictions, true_boxes, true_labels)
    assert twelve(scores) == pytest.approx(expected, abs=1e-6)


def test_perfect_boxes():
    _, true_boxes, true_labels = random_case(6)
    image, slot = np.nonzero(true_labels >= 0)
    answers = detector_says(
        len(true_boxes), image, true_boxes[image, slot], np.linspace(1, 0.5, len(image)), true_labels[image, slot]
    )
    scores = score_boxes(answers, from_padded(true_boxes, true_labels))
    assert scores.map == scores.map50 == scores.map75 == pytest.approx(1)
    assert scores.mean_iou == pytest.approx(1)
    assert scores.num_boxes == len(image)


def test_nothing_found(capsys: pytest.CaptureFixture[str]):
    _, true_boxes, true_labels = random_case(7)
    silent = detector_says(len(true_boxes), [], [], [], [])
    scores = score_boxes(silent, from_padded(true_boxes, true_labels))
    assert twelve(scores) == [0, 0, 0, 0, None, None, 0, 0, 0, 0, None, None]
    assert (scores.mean_iou, scores.found_fraction, scores.num_boxes) == (0, 0, 0)
    assert capsys.readouterr() == ("", "")


def test_wrong_class_finds_no_object_but_still_fits():
    true_boxes, true_labels = np.array([[[2, 2, 12, 12]]], np.float32), np.array([[1]])
    answers = detector_says(1, [0], [[2, 2, 12, 12]], [0.9], [2])
    scores = score_boxes(answers, from_padded(true_boxes, true_labels))
    assert scores.map == 0
    assert scores.mean_iou == 1


def test_class_zero_is_a_class_like_any_other():
    true_boxes, true_labels = np.array([[[2, 2, 12, 12]]], np.float32), np.array([[0]])
    answers = detector_says(1, [0], [[2, 2, 12, 12]], [0.9], [0])
    assert score_boxes(answers, from_padded(true_boxes, true_labels)).map == pytest.approx(1)


def test_thresholds_by_hand():
    # IoU 6/10: right up to .60, so three of ten thresholds; wrong at .75.
    true_boxes, true_labels = np.array([[[0, 0, 10, 10]]], np.float32), np.array([[3]])
    answers = detector_says(1, [0], [[0, 0, 10, 6]], [0.5], [3])
    scores = score_boxes(answers, from_padded(true_boxes, true_labels))
    assert (scores.map, scores.map50, scores.map75) == pytest.approx((0.3, 1, 0))
    assert scores.mean_iou == pytest.approx(0.6)


def test_mean_iou_takes_the_best_scored_box_not_the_best_fitting():
    true_boxes = np.tile(np.array([[[0, 0, 10, 10]]], np.float32), (3, 1, 1))
    answers = detector_says(3, [0, 0, 2], [[0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30]], [0.4, 0.6, 0.9], [1, 1, 1])
    scores = score_boxes(answers, from_padded(true_boxes, np.ones((3, 1), int)))
    assert scores.mean_iou == pytest.approx((0.5 + 0 + 0) / 3)  # half, none found, elsewhere
    assert scores.found_fraction == pytest.approx(2 / 3)
    assert scores.num_boxes == 3


def test_mean_iou_with_two_true_boxes():
    true_boxes = np.array([[[0, 0, 10, 10], [30, 0, 40, 10]]], np.float32)
    answers = detector_says(1, [0, 0, 0], [[0, 0, 10, 8], [30, 0, 40, 10], [30, 0, 40, 5]], [0.9, 0.5, 0.8], [1, 1, 1])
    both = score_boxes(answers, from_padded(true_boxes, np.array([[1, 2]])))
    assert both.mean_iou == pytest.approx((0.8 + 0.5) / 2)
    # The second one only fills up: all boxes then belong to the first.
    alone = score_boxes(answers, from_padded(true_boxes, np.array([[1, -1]])))
    assert alone.mean_iou == pytest.approx(0.8)


def mean_iou(found: FoundBoxes, objects: Objects) -> float:
    """Alone, without the rest that takes its time."""
    nothing = np.full((10, 101, 1, 4, 3), -1.0)
    return scores_of_curves(nothing, nothing[:, 0], found, objects).mean_iou


def mean_iou_of_all_at_once(found: FoundBoxes, objects: Objects) -> float:
    """The plain formula: every found box beside as many candidates as the fullest image has."""
    true_boxes, true_labels = objects.padded(np.arange(len(objects)))
    is_true = true_labels >= 0
    image, boxes = found.image, found.boxes.astype(np.float64)
    candidates = true_boxes[image].astype(np.float64)
    offsets = detection._centres(candidates) - detection._centres(boxes)[:, None]
    distance = np.where(is_true[image], np.square(offsets).sum(axis=-1), np.inf)
    owner = distance.argmin(axis=1)
    best_first = np.lexsort((-found.scores, owner, image))
    _, first = np.unique((image * true_labels.shape[1] + owner)[best_first], return_index=True)
    judged = best_first[first]
    ious = np.zeros(is_true.shape)
    ious[image[judged], owner[judged]] = box_iou(candidates[judged, owner[judged]], boxes[judged])
    return float(ious[is_true].mean())


@pytest.mark.parametrize("most_pairs", [1, 7, 100_000])
@pytest.mark.parametrize("seed", range(4))
def test_mean_iou_of_some_boxes_at_a_time_is_that_of_all(seed: int, most_pairs: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(detection, "MOST_PAIRS", most_pairs)
    predictions, true_boxes, true_labels = random_case(seed, most_true=6, scale=3.0)
    true_labels[::4] = -1  # nothing on every fourth image
    crowds = np.random.default_rng(seed).random(true_labels.shape) < 0.3
    objects = replace(from_padded(true_boxes, true_labels), crowds=crowds[true_labels >= 0])
    found = predictions.found()
    found.scores[:] = np.round(found.scores, 1)  # ties go to the first
    expected = mean_iou_of_all_at_once(found, objects)
    assert 0 < expected < 1
    assert mean_iou(found, objects) == expected, "to the last bit"


def test_an_image_full_of_objects_does_not_fill_the_memory():
    random = np.random.default_rng(0)

    def boxes(number: int) -> np.ndarray:
        corners = random.uniform(0, 300, (number, 2))
        return np.concatenate([corners, corners + random.uniform(5, 20, (number, 2))], axis=1).astype(np.float32)

    full = from_padded(boxes(400)[None], np.zeros((1, 400), np.int64))
    objects = joined([full, from_padded(boxes(500).reshape(500, 1, 4), np.zeros((500, 1), np.int64))])
    image = np.sort(random.integers(0, 501, 10_000))
    found = FoundBoxes(image, boxes(10_000), random.random(10_000).astype(np.float32), np.zeros(10_000, np.int64))
    tracemalloc.start()
    mean_iou(found, objects)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6, "bytes; the candidates of all pairs at once were 128 million"


def test_nothing_to_find():
    answers = detector_says(1, [0], [[0, 0, 1, 1]], [0.5], [1])
    scores = score_boxes(answers, from_padded(np.zeros((1, 1, 4)), np.full((1, 1), -1)))
    assert math.isnan(scores.map)
    assert math.isnan(scores.mean_iou)


def test_iou_of_boxes_without_area_is_zero():
    point = np.zeros((1, 4))
    assert box_iou(point, point).tolist() == [0]
    assert box_iou(np.array([0.0, 0, 4, 2]), np.array([2.0, 0, 6, 2])).tolist() == pytest.approx(1 / 3)


def test_boxes_of_a_class_that_is_not_there_are_in_no_mean():
    """COCO's rule, and that of the macro means: a class without a true box has no average precision."""
    true_boxes, true_labels = np.array([[[2, 2, 12, 12]], [[4, 4, 9, 9]]], np.float32), np.array([[0], [1]])
    found = [[2, 2, 12, 12], [4, 4, 9, 9], [0, 0, 5, 5]]
    answers = detector_says(2, [0, 1, 1], found, [0.9, 0.8, 0.95], [0, 1, 2])
    scores = score_boxes(answers, from_padded(true_boxes, true_labels))
    assert scores.map == scores.mar_100 == pytest.approx(1)
