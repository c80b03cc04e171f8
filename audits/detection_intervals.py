"""Do the intervals of `eyechart scenes judge` hold what they say?  Made-up detectors on scenes drawn anew."""

from __future__ import annotations

import numpy as np

from audits.settings import Answer, Settings
from eyechart.comparison.detections import Judged, difference, judge_detections
from eyechart.schema.contracts import FoundBoxes
from eyechart.schema.objects import Objects, from_padded

LEAST_COVERAGE, LARGEST_SHARE = 0.92, 0.08  # of 95 % and 5 %, with room for the chance of 200 sets
NUM_SETS, NUM_IMAGES, MOST_OBJECTS = 200, 100, 6
CLASSES = ("a", "b", "c", "d")
CANVAS = 128


def detection_intervals(settings: Settings) -> Answer:
    """Of detectors made alike at most 8 % are told apart, and at least 92 % of the intervals of mAP hold its mean."""
    num_sets = settings.pick(NUM_SETS, 6)
    first: list[Judged] = []
    flagged = 0
    for number in range(num_sets):
        random = np.random.default_rng([7, number])
        objects = scenes(random)
        one, other = (judge_detections(found_in(random, objects), objects, CLASSES, 0.5) for _ in range(2))
        between = difference(one, other)
        assert between is not None
        flagged += between.is_clear
        first.append(one)
    mean = float(np.mean([each.scores.map for each in first]))
    covered = sum(low <= mean <= high for low, high in (each.map_interval for each in first if each.map_interval))
    widths = [high - low for low, high in (each.map_interval for each in first if each.map_interval)]
    figures = {"sets": num_sets, "images": NUM_IMAGES, "flagged": flagged, "covered": covered, "map": mean,
               "interval_width": float(np.mean(widths))}  # fmt: skip
    if settings.is_tiny:
        return Answer(flagged <= 2 and covered >= num_sets - 2, figures)
    return Answer(flagged <= LARGEST_SHARE * num_sets and covered >= LEAST_COVERAGE * num_sets, figures)


def scenes(random: np.random.Generator) -> Objects:
    """Up to MOST_OBJECTS on each of NUM_IMAGES, none on some."""
    sides = random.uniform(12, 40, (NUM_IMAGES, MOST_OBJECTS, 2))
    corners = random.uniform(0, CANVAS - sides)
    labels = random.integers(0, len(CLASSES), sides.shape[:2])
    labels[np.arange(MOST_OBJECTS) >= random.integers(0, MOST_OBJECTS + 1, NUM_IMAGES)[:, None]] = -1
    return from_padded(np.concatenate([corners, corners + sides], axis=-1), labels)


def found_in(random: np.random.Generator, objects: Objects) -> FoundBoxes:
    """What a detector of one and the same quality finds: most objects, shaken, some misnamed, some that are not there.

    How hard an image is, it draws for itself: detectors alike differ from image to image.
    """
    image_of = np.repeat(np.arange(len(objects)), objects.counts)
    hardness = random.uniform(0.5, 1.5, len(objects))
    is_found = random.random(len(image_of)) < 1 - 0.15 * hardness[image_of]
    boxes = objects.boxes[is_found].astype(np.float64)
    side = (boxes[:, 2:] - boxes[:, :2]).mean(axis=1, keepdims=True)
    boxes += random.normal(0, 0.06, boxes.shape) * side * hardness[image_of[is_found]][:, None]
    is_right = random.random(len(boxes)) < 0.9
    labels = np.where(is_right, objects.labels[is_found], random.integers(0, len(CLASSES), len(boxes)))
    extra = np.repeat(np.arange(len(objects)), random.poisson(0.4, len(objects)))
    corners = random.uniform(0, CANVAS - 30, (len(extra), 2))
    every_image = np.concatenate([image_of[is_found], extra]).astype(np.int32)
    every_box = np.concatenate([boxes, np.concatenate([corners, corners + random.uniform(12, 30, corners.shape)], 1)])
    every_label = np.concatenate([labels, random.integers(0, len(CLASSES), len(extra))]).astype(np.int32)
    scores = np.concatenate([random.beta(6, 2, len(boxes)), random.beta(3, 4, len(extra))])
    order = np.lexsort((-scores, every_image))
    return FoundBoxes(every_image[order], every_box[order], scores[order], every_label[order])
