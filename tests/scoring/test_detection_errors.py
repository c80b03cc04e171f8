"""Every kind of mistake by hand, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from audits.boxes import NUM_CLASSES, found_boxes, random_case
from eyechart.schema.objects import Objects, from_padded, objects_of
from eyechart.scoring.detection import score_found
from eyechart.scoring.detection_errors import FAULTS, error_costs

BOX, NEAR, HALF, FAR = (0, 0, 10, 10), (0, 0, 10, 9), (0, 0, 10, 4), (30, 30, 40, 40)


def two_images() -> Objects:
    """Class 0 on the first, class 1 on the second, at the same place."""
    return objects_of([([BOX], [0], [False]), ([BOX], [1], [False])])


RIGHT = [(0, BOX, 0.5, 0), (1, BOX, 0.5, 1)]


@pytest.mark.parametrize(
    ("rows", "kind", "count", "cost"),
    [
        ([RIGHT[0], (1, NEAR, 0.9, 0)], "class", 1, 1 - 0.5 / 2),  # it costs class 1 all, and class 0 half a precision
        ([RIGHT[0], (1, HALF, 0.9, 1)], "place", 1, 0.5),
        ([RIGHT[0], (0, HALF, 0.9, 1), RIGHT[1]], "both", 1, 0.25),
        ([(0, NEAR, 0.9, 0), *RIGHT], "duplicate", 1, 0.0),  # behind the box that is right, so it takes nothing
        ([(0, FAR, 0.9, 0), *RIGHT], "background", 1, 0.25),
        ([RIGHT[0]], "missed", 1, 0.5),
    ],
)
def test_each_kind(rows: list, kind: str, count: int, cost: float) -> None:
    costs = {each.kind: each for each in error_costs(found_boxes(*rows), two_images(), 2)}
    assert list(costs) == [*FAULTS, "missed"]
    assert (costs[kind].count, costs[kind].cost) == (count, pytest.approx(cost))
    assert [each.count for name, each in costs.items() if name != kind] == [0] * 5


def test_without_a_mistake_nothing_costs_anything() -> None:
    assert all((each.count, each.cost) == (0, 0) for each in error_costs(found_boxes(*RIGHT), two_images(), 2))


def test_a_silent_detector_missed_all() -> None:
    costs = error_costs(found_boxes(), two_images(), 2)
    assert (costs[-1].kind, costs[-1].count, costs[-1].cost) == ("missed", 2, 1)


def test_nothing_to_be_found_costs_nan() -> None:
    costs = error_costs(found_boxes((0, FAR, 0.9, 0)), objects_of([([], [], [])]), 2)
    assert [each.count for each in costs] == [0, 0, 0, 0, 1, 0]
    assert np.isnan([each.cost for each in costs]).all()


def test_a_crowd_is_no_mistake_and_is_not_missed() -> None:
    objects = objects_of([([BOX, FAR], [0, 0], [False, True])])
    costs = error_costs(found_boxes((0, BOX, 0.9, 0), (0, FAR, 0.95, 0)), objects, 1)
    assert [each.count for each in costs] == [0] * 6


@pytest.mark.parametrize("seed", range(3))
def test_every_box_has_one_fault_and_mending_never_hurts(seed: int) -> None:
    predictions, true_boxes, true_labels = random_case(seed, num_images=120)
    objects, found = from_padded(true_boxes, true_labels), predictions.found()
    costs = error_costs(found, objects, NUM_CLASSES)
    assert all(each.cost >= 0 for each in costs)
    assert max(each.cost for each in costs) <= 1 - score_found(found, objects, NUM_CLASSES).map50
    assert all(each.count for each in costs), "the case has some of each"
