"""Average precision of matched boxes, for images as they are and for images drawn anew.

COCO's: of each class that is there to be found, the precision at recalls 0:.01:1, each the best of any recall that is
as high; the mean over them, IoU .50:.05:.95 and classes.  `scoring.detection` asks faster-coco-eval for the same;
this one also takes weights of images, which intervals are made of, and matches that somebody corrected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eyechart.schema.contracts import FoundBoxes
    from eyechart.schema.objects import Objects
    from eyechart.scoring.box_matching import Matches

RECALLS = np.linspace(0, 1, 101)
SMALL = np.spacing(1)


def average_precision(is_right: np.ndarray, scores: np.ndarray, num_true: float) -> float:
    """AP in 0..1 of one class: bool (M,), float (M,), and how many true boxes there are, more than 0."""
    order = np.argsort(-scores, kind="stable")
    right = is_right[order].astype(np.float64)
    return float(_average(right[None], np.ones((1, len(right))), np.array([float(num_true)]))[0])


def drawn_map(
    found: FoundBoxes, objects: Objects, matches: Matches, num_classes: int, counts: np.ndarray
) -> np.ndarray:
    """float64 (draws, T): the mean of the classes' AP at each threshold when image i is there counts[draw, i] times.

    NaN for a draw without anything to be found.  With one of each image, this is what `scoring.detection` says.
    """
    true_image = np.repeat(np.arange(len(objects)), objects.counts)
    is_right = matches.is_right
    total = np.zeros((len(counts), len(is_right)))
    defined = np.zeros((len(counts), 1))
    for label in range(num_classes):
        wanted = np.bincount(true_image[(objects.labels == label) & ~objects.crowds], minlength=len(objects))
        num_true = counts @ wanted.astype(np.float64)
        rows = np.flatnonzero(found.labels == label)
        rows = rows[np.argsort(-found.scores[rows], kind="stable")]
        is_there = num_true > 0
        defined += is_there[:, None]
        for place, (right, ignored) in enumerate(zip(is_right, matches.ignored, strict=True)):
            kept = rows[~ignored[rows]]
            weights = counts[:, found.image[kept]].astype(np.float64)
            values = _average(weights * right[kept], weights, np.maximum(num_true, 1))
            total[:, place] += np.where(is_there, values, 0)
    means: np.ndarray = np.divide(total, defined, out=np.full_like(total, np.nan), where=defined > 0)
    return means


def _average(right: np.ndarray, weights: np.ndarray, num_true: np.ndarray) -> np.ndarray:
    """float64 (draws,) of the boxes of one class, best first: weights of right ones and of all (draws, M)."""
    if not right.shape[1]:
        return np.zeros(len(right))
    rising = right.cumsum(axis=1)
    recall = rising / num_true[:, None]
    precision = rising / (weights.cumsum(axis=1) + SMALL)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    padded = np.concatenate([precision, np.zeros((len(precision), 1))], axis=1)
    at = np.stack([np.searchsorted(row, RECALLS, side="left") for row in recall])
    average: np.ndarray = np.take_along_axis(padded, at, axis=1).mean(axis=1)
    return average
