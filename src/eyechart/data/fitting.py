"""What of a detector follows from the boxes of a train part: its anchors and levels, and how many boxes it handles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError

if TYPE_CHECKING:
    from eyechart.schema.contracts import LabelledImages

SIZES = 4  # of the anchors, at equal ratios; rounded up to as many on each level
WIDEST_LEVEL = 4.0  # how many times as large as its smallest anchor the largest of a level may be
ENDS = (0.05, 0.95)  # of the boxes, by size
SHAPE_ENDS = (0.02, 0.98)  # by shape: all of one class may be thin, as the digit 1 is
WIDEST_SHAPE = 1.8  # how many times as tall as another a box may be that shares its anchor: IoU .5 and more
MOST_SHAPES = 4
# How many of these an image gets: at least, and for each object on the fullest train image.
NUMBERS = {"num_candidates": (200, 20), "num_proposals": (48, 4), "region_samples": (48, 3), "num_detections": (60, 3)}
MOST_OBJECTS = 100  # of an image, that COCO's figures look at


def fitting_options(part: LabelledImages) -> dict[str, str | int | bool]:
    """The options of a detector that a recipe may leave "auto" until the boxes are known: anchors, levels, numbers.

    Raises DatasetError where no train image has a box.
    """
    objects = part.objects
    boxes = np.empty((0, 4)) if objects is None else objects.boxes[~objects.crowds].astype(np.float64)
    if objects is None or not len(boxes):
        raise DatasetError("No train image has a box; expected some, or there is nothing to learn from.")
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    small, large = np.quantile(np.sqrt(sides.prod(axis=1)), ENDS)
    levels = min(3, max(1, math.ceil(math.log(large / small, WIDEST_LEVEL) - 0.1)))
    number = math.ceil(SIZES / levels) * levels
    sizes = np.geomspace(small, large, 2 * number + 1)[1::2]  # the middle of each of equal shares
    most = min(MOST_OBJECTS, int(objects.counts.max()))
    flat, tall = np.quantile(sides[:, 1] / sides[:, 0], SHAPE_ENDS)
    number = min(MOST_SHAPES, max(1, math.ceil(math.log(tall / flat, WIDEST_SHAPE) - 0.1)))
    ratios = np.geomspace(flat, tall, 2 * number + 1)[1::2]
    return {
        "anchor_pixels": ",".join(f"{size:.3g}" for size in sizes),
        "anchor_ratios": ",".join(f"{ratio:.2f}" for ratio in ratios),
        "levels": levels,
        **{name: max(least, each * most) for name, (least, each) in NUMBERS.items()},
        "whole_pixels": bool((boxes == boxes.round()).all()),  # annotators that click between pixels exist as well
    }
