"""What a file of detections is worth, how sure that is, and which of two is better.

The intervals draw the images anew, the same ones for all detectors: how far a number could be off on as many other
images of the same kind, for these trained detectors.  What another training would give, they do not know.  An image
that is drawn twice lifts average precision a little, so the draws are used as deviations from their own mean.

Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13 (percentile intervals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyechart.comparison.bootstrap import image_counts
from eyechart.comparison.uncertainty import wilson_interval
from eyechart.schema import DetectionScores
from eyechart.schema.contracts import FoundBoxes
from eyechart.schema.objects import Objects
from eyechart.scoring.average_precision import RECALLS, drawn_map
from eyechart.scoring.box_matching import match_boxes
from eyechart.scoring.detection import coco_curves, scores_of_curves
from eyechart.scoring.detection_errors import ErrorCost, error_costs
from eyechart.scoring.detection_matrix import Counting, answers_only, counting, detection_matrix

NUM_DRAWS = 1000
TAIL = 0.025  # of the draws beyond each end

Interval = tuple[float, float]


@dataclass(frozen=True)
class ClassBoxes:
    """One class; None: nothing of it is to be found."""

    name: str
    num_true: int  # crowds are not counted
    ap: float | None  # IoU .50:.05:.95
    ap50: float | None
    recall50: float | None  # of at most 100 boxes an image
    curve50: tuple[float, ...] | None  # precision at recalls 0, .01 ... 1, IoU .5


@dataclass(frozen=True)
class Judged:
    """All that is known of one file of detections."""

    scores: DetectionScores
    map_interval: Interval | None  # None: nothing is to be found, or there is one image
    map_draws: np.ndarray  # float64 (draws,), around `scores.map`; nan where nothing is to be found
    classes: tuple[ClassBoxes, ...]
    errors: list[ErrorCost]
    least_score: float  # of the boxes that count as answers, below
    matrix: np.ndarray  # int64 (K + 1, K + 1)
    counting: Counting
    exact_interval: Interval  # of the share of images that were counted right


@dataclass(frozen=True)
class Difference:
    """mAP of the second minus that of the first."""

    lead: float
    interval: Interval

    @property
    def is_clear(self) -> bool:
        """Whether all of the interval is on one side of 0."""
        return self.interval[0] > 0 or self.interval[1] < 0


def judge_detections(found: FoundBoxes, objects: Objects, classes: tuple[str, ...], least_score: float) -> Judged:
    """`found` is image after image, best first; boxes below `least_score` count for mAP and errors alone."""
    precision, recall = coco_curves(found, objects, len(classes))
    answers = answers_only(found, least_score)
    count = counting(answers, objects)
    scores = scores_of_curves(precision, recall, found, objects)
    draws = map_draws(found, objects, len(classes), scores.map)
    return Judged(
        scores=scores,
        map_interval=_interval(draws, least=0.0) if len(objects) > 1 else None,
        map_draws=draws,
        classes=tuple(_class(k, name, precision, recall, objects) for k, name in enumerate(classes)),
        errors=error_costs(found, objects, len(classes)),
        least_score=least_score,
        matrix=detection_matrix(answers, objects, len(classes)),
        counting=count,
        exact_interval=wilson_interval(count.num_exact, count.num_images),
    )


def difference(first: Judged, second: Judged) -> Difference | None:
    """Of two that were judged on the same images; None where neither has an interval."""
    interval = _interval(second.map_draws - first.map_draws, least=-1.0) if first.map_interval else None
    return Difference(second.scores.map - first.scores.map, interval) if interval else None


def map_draws(found: FoundBoxes, objects: Objects, num_classes: int, whole: float) -> np.ndarray:
    """float64 (draws,): mAP of as many images drawn anew, moved so that their mean is `whole`; nan: nothing to find."""
    matches = match_boxes(found, objects)
    parts = [
        drawn_map(found, objects, matches, num_classes, counts).mean(axis=1)
        for counts in image_counts(len(objects), NUM_DRAWS)
    ]
    draws = np.concatenate(parts)
    return draws if np.isnan(draws).all() else draws - np.nanmean(draws) + whole


def _interval(draws: np.ndarray, least: float) -> Interval | None:
    """Between `least` and 1.  Draws without anything to be found say nothing."""
    defined = draws[~np.isnan(draws)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [TAIL, 1 - TAIL]).clip(least, 1.0)
    return float(low), float(high)


def _class(label: int, name: str, precision: np.ndarray, recall: np.ndarray, objects: Objects) -> ClassBoxes:
    """From curves (T, L, K, sizes, limits) and (T, K, sizes, limits) that are -1 where the class is not there."""
    num_true = int(((objects.labels == label) & ~objects.crowds).sum())
    if not num_true:
        return ClassBoxes(name, 0, None, None, None, None)
    curves = precision[:, :, label, 0, -1]
    assert curves.shape[1] == len(RECALLS)
    return ClassBoxes(
        name, num_true, ap=float(curves.mean()), ap50=float(curves[0].mean()),
        recall50=float(recall[0, label, 0, -1]), curve50=tuple(map(float, curves[0])),
    )  # fmt: skip
