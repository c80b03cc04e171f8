"""What of a detector follows from the boxes of a train part: its anchors and levels, and how many boxes it handles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError

if TYPE_CHECKING:
    from eyechart.schema.contracts import LabelledImages

ANCHORS = 12  # rounded up to as many on each level
WIDEST_LEVEL = 4.0  # how many times as large as its smallest anchor the largest of a level may be
ENDS = (0.05, 0.95)  # of the boxes, by size
MOST_BOXES, STARTS, ROUNDS = 4_000, 5, 30  # of fitting anchors
LEAST_SIDE = 2.0  # pixels; thinner boxes are no model for anchors
# How many of these an image gets: at least, for each object on a full train image, and at most.
NUMBERS = {
    "num_candidates": (800, 40, 1000),
    "num_proposals": (48, 6, 200),
    "region_samples": (48, 3, 128),
    "proposal_samples": (64, 8, 256),
    "num_detections": (60, 3, 200),
}
FULL = 0.99  # of the train images have no more objects than a full one


def fitting_options(part: LabelledImages, levels: int | None = None) -> dict[str, str | int | bool]:
    """The options of a detector that a recipe may leave "auto" until the boxes are known: anchors, levels, numbers.

    `levels` is how many the recipe has, where it says so.  Raises DatasetError where no train image has a box.
    """
    objects = part.objects
    boxes = np.empty((0, 4)) if objects is None else objects.boxes[~objects.crowds].astype(np.float64)
    if objects is None or not len(boxes):
        raise DatasetError("No train image has a box; expected some, or there is nothing to learn from.")
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], LEAST_SIDE)
    small, large = np.quantile(np.sqrt(sides.prod(axis=1)), ENDS)
    levels = levels or min(3, max(1, math.ceil(math.log(large / small, WIDEST_LEVEL) - 0.1)))
    image = np.repeat(np.arange(len(objects)), objects.counts)[~objects.crowds]
    full = float(np.quantile(np.bincount(image, minlength=len(objects)), FULL))
    return {
        "anchors": ",".join(f"{width:.3g}x{height:.3g}" for width, height in _clusters(sides, levels)),
        "levels": levels,
        **{name: min(most, max(least, math.ceil(each * full))) for name, (least, each, most) in NUMBERS.items()},
        "whole_pixels": bool((boxes == boxes.round()).all()),  # annotators that click between pixels exist as well
    }


def _clusters(sides: np.ndarray, levels: int) -> np.ndarray:
    """(width, height) of anchors, the smallest first, as many for each level: the middles of k clusters of all sides.

    How near two boxes are is their IoU when they share a corner, so that thin things get anchors of their own (sizes
    times ratios leave them out).  Source: Redmon, Farhadi 2017, "YOLO9000: Better, Faster, Stronger".
    """
    random = np.random.default_rng(0)
    sides = random.permutation(sides)[:MOST_BOXES]
    number = max(1, min(math.ceil(ANCHORS / levels), len(np.unique(sides, axis=0)) // levels)) * levels
    found = [_middles(sides, number, random) for _ in range(STARTS)]
    best = max(found, key=lambda middles: float(_shared(sides, middles).max(axis=1).mean()))
    return best[np.argsort(best.prod(axis=1), kind="stable")]


def _middles(sides: np.ndarray, number: int, random: np.random.Generator) -> np.ndarray:
    """k-means from one start, each further middle far from those before (k-means++)."""
    middles = sides[random.choice(len(sides), 1)]
    while len(middles) < number:
        distance = 1 - _shared(sides, middles).max(axis=1)
        chance = distance**2 if distance.any() else np.ones(len(sides))
        middles = np.concatenate([middles, sides[random.choice(len(sides), 1, p=chance / chance.sum())]])
    for _ in range(ROUNDS):
        nearest = _shared(sides, middles).argmax(axis=1)
        taken = np.unique(nearest)
        middles[taken] = [np.exp(np.log(sides[nearest == which]).mean(axis=0)) for which in taken]
    return middles


def _shared(sides: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """IoU (N, k) of boxes that share a corner."""
    both = np.minimum(sides[:, None], middles).prod(axis=2)
    shared: np.ndarray = both / (sides.prod(axis=1)[:, None] + middles.prod(axis=1) - both)
    return shared
