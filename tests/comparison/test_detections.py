"""Files of detections judged and compared: what is known of them, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from audits.boxes import NUM_CLASSES, found_boxes, random_case
from eyechart.comparison.detections import Judged, difference, judge_detections
from eyechart.schema.contracts import FoundBoxes
from eyechart.schema.objects import Objects, from_padded, objects_of
from eyechart.terminal.detections import detections_json, difference_sentence

CLASSES = ("a", "b", "c", "d")
BOX = (0, 0, 10, 10)


def case(seed: int = 0) -> tuple[FoundBoxes, Objects]:
    predictions, true_boxes, true_labels = random_case(seed, num_images=80)
    return predictions.found(), from_padded(true_boxes, true_labels)


def shaken(found: FoundBoxes, by: float) -> FoundBoxes:
    return found._replace(boxes=found.boxes + np.random.default_rng(1).normal(0, by, found.boxes.shape))


@pytest.fixture(scope="module")
def judged() -> Judged:
    return judge_detections(*case(), CLASSES, 0.5)


def test_the_classes_are_those_of_the_mean(judged: Judged) -> None:
    assert np.mean([each.ap for each in judged.classes]) == pytest.approx(judged.scores.map)
    assert np.mean([each.ap50 for each in judged.classes]) == pytest.approx(judged.scores.map50)
    for each in judged.classes:
        assert each.curve50
        assert (len(each.curve50), np.mean(each.curve50)) == (101, pytest.approx(each.ap50))
    assert sum(each.num_true for each in judged.classes) == len(case()[1].boxes)


def test_the_interval_is_around_the_map(judged: Judged) -> None:
    assert judged.map_interval
    low, high = judged.map_interval
    assert low < judged.scores.map < high
    assert np.nanmean(judged.map_draws) == pytest.approx(judged.scores.map)
    assert high - low > 0.02, "80 images are few"


def test_only_answers_are_in_the_matrix(judged: Judged) -> None:
    found, objects = case()
    answered = int((found.scores >= 0.5).sum())
    assert judged.matrix[:, :NUM_CLASSES].sum() == answered
    assert judged.matrix[:NUM_CLASSES].sum() == len(objects.boxes)
    assert judge_detections(found, objects, CLASSES, 0.0).matrix[:, :NUM_CLASSES].sum() == len(found.boxes)


def test_a_worse_detector_is_worse_and_the_same_one_is_the_same(judged: Judged) -> None:
    found, objects = case()
    worse = difference(judged, judge_detections(shaken(found, 1.5), objects, CLASSES, 0.5))
    assert worse
    assert worse.is_clear
    assert worse.interval[0] < worse.lead < worse.interval[1] < 0
    same = difference(judged, judged)
    assert same
    assert (same.lead, same.interval, same.is_clear) == (0, (0, 0), False)


def test_pairing_makes_it_surer(judged: Judged) -> None:
    """Two that miss the same objects differ less than two intervals would let one think."""
    found, objects = case()
    other = judge_detections(shaken(found, 0.3), objects, CLASSES, 0.5)
    paired = difference(judged, other)
    assert paired
    assert judged.map_interval
    assert np.ptp(paired.interval) < 0.7 * np.ptp(judged.map_interval)


def test_one_image_has_no_interval_and_nothing_to_find_no_map() -> None:
    one = judge_detections(found_boxes((0, BOX, 0.9, 0)), objects_of([([BOX], [0], [False])]), CLASSES, 0.5)
    assert (one.scores.map, one.map_interval) == (pytest.approx(1), None)
    assert [each.ap for each in one.classes] == [pytest.approx(1), None, None, None]
    empty = judge_detections(found_boxes((0, BOX, 0.9, 0)), objects_of([([], [], [])] * 3), CLASSES, 0.5)
    assert np.isnan(empty.scores.map)
    assert empty.map_interval is None
    assert difference(empty, empty) is None
    assert detections_json({"x": one, "y": one}, CLASSES)["pairs"][0]["difference"] is None


def test_the_sentence_says_no_more_than_the_interval(judged: Judged) -> None:
    found, objects = case()
    worse = difference(judged, judge_detections(shaken(found, 1.5), objects, CLASSES, 0.5))
    assert difference_sentence("x", "y", worse).startswith("x finds better than y on such images: mAP 0.")
    assert difference_sentence("x", "y", difference(judged, judged)) == (
        "y against x: mAP +0.000 (+0.000 to +0.000); these images do not decide it."
    )
    assert difference_sentence("x", "y", None).startswith("y and x cannot be compared")
