"""The matrix with missed and background, and counting."""

from __future__ import annotations

import numpy as np

from audits.boxes import found_boxes
from eyechart.schema.objects import objects_of
from eyechart.scoring.detection_matrix import answers_only, counting, detection_matrix

BOX, FAR, OUTSIDE = (0, 0, 10, 10), (30, 30, 40, 40), (60, 60, 70, 70)


def test_the_matrix() -> None:
    objects = objects_of([([BOX, FAR], [0, 1], [False] * 2), ([BOX], [1], [False]), ([BOX], [1], [True])])
    found = found_boxes(
        (0, BOX, 0.9, 0), (0, OUTSIDE, 0.8, 1), (0, BOX, 0.7, 1), (1, BOX, 0.9, 0), (2, BOX, 0.9, 0), (2, BOX, 0.5, 1)
    )
    # 0 was found, and 1 on the same place is background; one 1 was missed and one taken for 0; the crowd counts nowhere
    assert detection_matrix(found, objects, 2).tolist() == [[1, 0, 0], [1, 0, 1], [0, 2, 0]]


def test_nothing_there_and_nothing_found() -> None:
    nothing = objects_of([([], [], [])])
    assert detection_matrix(found_boxes(), nothing, 2).sum() == 0
    assert detection_matrix(found_boxes((0, BOX, 0.9, 1)), nothing, 2).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_counting_leaves_out_images_with_crowds() -> None:
    objects = objects_of([([BOX, FAR], [0, 1], [False] * 2), ([], [], []), ([BOX], [1], [True])])
    found = found_boxes((0, BOX, 0.9, 0), (0, FAR, 0.2, 0), (2, BOX, 0.9, 0))
    assert counting(found, objects) == (2, 2, 0.0)
    assert counting(answers_only(found, 0.5), objects) == (2, 1, 0.5)
    assert np.isnan(counting(found_boxes(), objects_of([([BOX], [0], [True])])).mean_error)
