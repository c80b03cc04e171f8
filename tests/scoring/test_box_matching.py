"""Matching and average precision of our own against faster-coco-eval, itself held against pycocotools elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from audits.boxes import NUM_CLASSES, found_boxes, random_case
from eyechart.schema.contracts import FoundBoxes
from eyechart.schema.objects import from_padded, objects_of
from eyechart.scoring.average_precision import drawn_map
from eyechart.scoring.box_matching import match_boxes
from eyechart.scoring.detection import score_found


@pytest.mark.parametrize("seed", range(4))
def test_one_of_each_image_is_coco_s_map(seed: int) -> None:
    predictions, true_boxes, true_labels = random_case(seed, most_true=5, most_found=300 if seed == 3 else 8)
    true_labels[::4] = -1
    crowds = np.random.default_rng(seed).random(true_labels.shape) < 0.3
    objects = replace(from_padded(true_boxes, true_labels), crowds=crowds[true_labels >= 0])
    found = predictions.found()
    expected = score_found(found, objects, NUM_CLASSES)
    ones = np.ones((1, len(objects)))
    by_threshold = drawn_map(found, objects, match_boxes(found, objects), NUM_CLASSES, ones)[0]
    assert (by_threshold.mean(), by_threshold[0], by_threshold[5]) == pytest.approx(
        (expected.map, expected.map50, expected.map75), abs=1e-9
    )


def test_an_image_drawn_twice_counts_as_two() -> None:
    """The same as a dataset that has it twice, up to the order of equal scores."""
    predictions, true_boxes, true_labels = random_case(1)
    objects, found = from_padded(true_boxes, true_labels), predictions.found()
    chosen = np.random.default_rng(0).integers(len(objects), size=len(objects))
    counts = np.bincount(chosen, minlength=len(objects))[None]
    drawn = drawn_map(found, objects, match_boxes(found, objects), NUM_CLASSES, counts)[0]
    rows = [np.flatnonzero(found.image == image) for image in chosen]
    several = FoundBoxes(
        np.repeat(np.arange(len(chosen)), [len(each) for each in rows]).astype(np.int32),
        *(column[np.concatenate(rows)] for column in found[1:]),
    )
    expected = score_found(several, objects.subset(chosen), NUM_CLASSES)
    assert drawn.mean() == pytest.approx(expected.map, abs=0.01)
    whole = score_found(found, objects, NUM_CLASSES)
    assert abs(drawn.mean() - whole.map) > 0.02, "the draw must be another dataset for this to say something"


def test_a_draw_without_objects_has_no_map() -> None:
    objects = objects_of([([], [], []), ([(0, 0, 9, 9)], [1], [False])])
    found = found_boxes((0, (0, 0, 9, 9), 0.9, 1), (1, (0, 0, 9, 9), 0.8, 1))
    drawn = drawn_map(found, objects, match_boxes(found, objects), 2, np.array([[2, 0], [0, 2]]))
    assert np.isnan(drawn[0]).all()
    assert drawn[1] == pytest.approx(np.ones(10))


def test_the_best_scored_box_chooses_first_and_takes_what_it_covers_best() -> None:
    objects = objects_of([([(0, 0, 10, 10), (0, 0, 10, 9)], [0, 0], [False] * 2)])
    found = found_boxes((0, (0, 0, 10, 9), 0.9, 0), (0, (0, 0, 10, 9), 0.8, 0), (0, (0, 0, 10, 10), 0.7, 0))
    matches = match_boxes(found, objects, np.array([0.5, 0.95]))
    assert matches.true_box.tolist() == [[1, 0, -1], [1, -1, 0]]
    assert not matches.ignored.any()


def test_a_crowd_takes_any_number_and_a_free_true_box_goes_before_it() -> None:
    objects = objects_of([([(0, 0, 20, 20), (0, 0, 10, 10)], [0, 0], [True, False])])
    boxes = [(0, (0, 0, 10, 10), score, 0) for score in (0.9, 0.8, 0.7)]
    matches = match_boxes(found_boxes(*boxes), objects, np.array([0.5]))
    assert matches.true_box.tolist() == [[1, 0, 0]]
    assert matches.ignored.tolist() == [[False, True, True]]
