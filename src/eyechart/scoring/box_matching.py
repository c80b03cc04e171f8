"""Which found box is which true one: the one matching that average precision, errors and the matrix are built on.

As COCO's does: within an image the best-scored box chooses first, and takes the free true box that it covers best, from
an IoU on that is asked for.  A crowd may be taken by any number of boxes; these then count neither for nor against.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eyechart.schema.contracts import FoundBoxes
    from eyechart.schema.objects import Objects

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
MOST_BOXES = 100  # an image and class; those with the best scores
NEARLY = 1e-10  # COCO's: an IoU of exactly the threshold is enough


@dataclass(frozen=True)
class Matches:
    """For M found boxes and T thresholds."""

    true_box: np.ndarray  # int64 (T, M): row of the objects that a box was matched with, -1: none
    ignored: np.ndarray  # bool (T, M): matched with a crowd, or beyond MOST_BOXES

    @property
    def is_right(self) -> np.ndarray:
        """bool (T, M)"""
        right: np.ndarray = (self.true_box >= 0) & ~self.ignored
        return right


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (..., 4) with (..., 4), broadcast; 0 where both are without area."""
    intersection = _intersection(first, second)
    union = _area(first) + _area(second) - intersection
    return _ratio(intersection, union)


def iou_with_objects(boxes: np.ndarray, true_boxes: np.ndarray, crowds: np.ndarray) -> np.ndarray:
    """float64 (D, R) of boxes (D, 4) and true ones (R, 4); with a crowd, the share of the box that lies in it."""
    boxes, true_boxes = boxes[:, None].astype(np.float64), true_boxes[None].astype(np.float64)
    inside = _ratio(_intersection(boxes, true_boxes), np.broadcast_to(_area(boxes), (len(boxes), len(crowds))))
    iou: np.ndarray = np.where(crowds, inside, box_iou(boxes, true_boxes))
    return iou


def match_boxes(
    found: FoundBoxes, objects: Objects, thresholds: np.ndarray = IOU_THRESHOLDS, *, any_class: bool = False
) -> Matches:
    """Match within each image and class, or within each image whatever the classes.

    `found` is image after image, best first.
    """
    true_box = np.full((len(thresholds), len(found.boxes)), -1, np.int64)
    ignored = np.zeros(true_box.shape, bool)
    for rows, of_objects in by_image(found, objects):
        iou = iou_with_objects(found.boxes[rows], objects.boxes[of_objects], objects.crowds[of_objects])
        if any_class:
            _match(rows, of_objects, iou, objects.crowds, thresholds, true_box, ignored)
            continue
        true_labels, labels = objects.labels[of_objects], found.labels[rows]
        for label in np.unique(labels):
            some, true = labels == label, true_labels == label
            ignored[:, rows[some][MOST_BOXES:]] = True
            some[np.flatnonzero(some)[MOST_BOXES:]] = False
            _match(rows[some], of_objects[true], iou[np.ix_(some, true)], objects.crowds, thresholds, true_box, ignored)
    return Matches(true_box, ignored)


def by_image(found: FoundBoxes, objects: Objects) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows of the found boxes, rows of the objects) of every image that has a found box, best first."""
    assert (np.diff(found.image) >= 0).all(), "image after image"
    images, first = np.unique(found.image, return_index=True)
    for image, start, end in zip(images, first, np.searchsorted(found.image, images, side="right"), strict=True):
        rows = np.arange(start, end)
        rows = rows[np.argsort(-found.scores[rows], kind="stable")]
        yield rows, np.arange(objects.offsets[image], objects.offsets[image + 1])


def _match(
    rows: np.ndarray, of_objects: np.ndarray, iou: np.ndarray, crowds: np.ndarray, thresholds: np.ndarray,
    true_box: np.ndarray, ignored: np.ndarray,
) -> None:  # fmt: skip
    """Boxes `rows`, best first, with objects `of_objects`; iou (rows, objects).  Writes into the last two."""
    if not len(of_objects):
        return
    is_crowd, least = crowds[of_objects], np.minimum(thresholds, 1 - NEARLY)
    every = np.arange(len(thresholds))
    free = np.broadcast_to(~is_crowd, (len(thresholds), len(of_objects))).copy()  # (T, R)
    for row, of_row in zip(rows, iou, strict=True):
        best = _last_best(np.where(free, of_row, -1.0))
        taken = of_row[best] * free[every, best] >= least
        true_box[taken, row] = of_objects[best[taken]]
        free[every[taken], best[taken]] = False
        if is_crowd.any():
            crowd = int(_last_best(np.where(is_crowd, of_row, -1.0)[None])[0])
            in_crowd = ~taken & (of_row[crowd] >= least)
            true_box[in_crowd, row], ignored[in_crowd, row] = of_objects[crowd], True


def _last_best(values: np.ndarray) -> np.ndarray:
    """int64 (T,): the last of the largest of each row, as COCO takes it."""
    last: np.ndarray = values.shape[1] - 1 - values[:, ::-1].argmax(axis=1)
    return last


def _intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    left_top = np.maximum(first[..., :2], second[..., :2])
    right_bottom = np.minimum(first[..., 2:], second[..., 2:])
    intersection: np.ndarray = np.prod(np.clip(right_bottom - left_top, 0, None), axis=-1)
    return intersection


def _area(boxes: np.ndarray) -> np.ndarray:
    area: np.ndarray = np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    return area


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio
