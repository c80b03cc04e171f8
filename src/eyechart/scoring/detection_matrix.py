"""What was answered for what, with "missed" and "background"; and whether as many were found as there are.

Both need boxes that are answers, so only those with at least some score count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.scoring.box_matching import match_boxes

if TYPE_CHECKING:
    from eyechart.schema.contracts import FoundBoxes
    from eyechart.schema.objects import Objects

MATRIX_IOU = 0.5


class Counting(NamedTuple):
    """Of images without crowds, which nobody counted."""

    num_images: int
    num_exact: int  # as many boxes as objects
    mean_error: float  # |boxes - objects| an image; nan without images


def answers_only(found: FoundBoxes, least_score: float) -> FoundBoxes:
    """The boxes with at least this score."""
    kept = found.scores >= least_score
    return type(found)(*(column[kept] for column in found))


def detection_matrix(found: FoundBoxes, objects: Objects, num_classes: int) -> np.ndarray:
    """int64 (K + 1, K + 1), rows truth, columns answer; the last row is background, the last column missed.

    A found box belongs to the true box that it covers best from IoU .5 on, whatever their classes, the best-scored one
    first.  The corner at the bottom right is 0: background that nothing was found on is not counted.
    """
    matches = match_boxes(found, objects, np.array([MATRIX_IOU]), any_class=True)
    true_box, kept = matches.true_box[0], ~matches.ignored[0]
    truth = np.where(true_box >= 0, objects.labels[true_box] if len(objects.labels) else 0, num_classes)
    matrix = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    np.add.at(matrix, (truth[kept], found.labels[kept]), 1)
    missed = ~objects.crowds
    missed[true_box[matches.is_right[0]]] = False
    np.add.at(matrix[:, num_classes], objects.labels[missed], 1)
    return matrix


def counting(found: FoundBoxes, objects: Objects) -> Counting:
    """How often, and how nearly, the number of boxes is that of the objects."""
    has_crowd = np.zeros(len(objects), bool)
    has_crowd[np.repeat(np.arange(len(objects)), objects.counts)[objects.crowds]] = True
    error = np.abs(np.bincount(found.image, minlength=len(objects)) - objects.counts)[~has_crowd]
    return Counting(len(error), int((error == 0).sum()), float(error.mean()) if len(error) else float("nan"))


def outcomes(answers: FoundBoxes, objects: Objects) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each answer is at IoU MATRIX_IOU, whatever its class, and what nobody found.

    The row of the true box that an answer belongs to, int64 (M,), -1: it fits nothing; which answers are judged at all,
    bool (M,) (those on crowds are not); and which true boxes are missed, bool.
    """
    matches = match_boxes(answers, objects, np.array([MATRIX_IOU]), any_class=True)
    owner = np.where(matches.is_right[0], matches.true_box[0], -1)
    missed = ~objects.crowds
    missed[owner[owner >= 0]] = False
    return owner, ~matches.ignored[0], missed
