"""How good boxes are: COCO's average precision, and how closely the best box fits the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eyechart.schema import DetectionScores
from eyechart.scoring.box_matching import box_iou

if TYPE_CHECKING:
    from eyechart.schema.contracts import FoundBoxes, Predictions
    from eyechart.schema.objects import Objects


SIZES = ("small", "medium", "large")  # COCO's: true boxes below 32 x 32 pixels, below 96 x 96, and above
BOX_LIMITS = (1, 10, 100)  # boxes an image and class that are looked at
MOST_PAIRS = 100_000  # of a found and a true box that are measured at once, of about 200 bytes each


def score_boxes(predictions: Predictions, objects: Objects) -> DetectionScores:
    """Score a detector's boxes against what is to be found, as `score_found` does."""
    num_images, num_classes = predictions.probabilities.shape
    assert len(objects) == num_images, "objects of each image"
    return score_found(predictions.found(), objects, num_classes)


def score_found(found: FoundBoxes, objects: Objects, num_classes: int) -> DetectionScores:
    """Score a detector's boxes against what is to be found.

    - `map`, `map50`, `map75` and the other nine of COCO's twelve: for each class that is there to be found, at most 100
      boxes an image and class; NaN (None for a size) when there is no such true box at all.  Crowds are neither to be
      found nor wrong to be found.
    - `mean_iou`: each box that was found belongs to the true box of its image whose centre is nearest; a true box
      counts the IoU with the best-scored box that belongs to it, whatever its class, and 0 when none does.  With one
      true box an image, this is the IoU of the true box and the best-scored box.
    - `found_fraction`: images with at least one box, of all images.

    Boxes are (left, top, right, bottom) in pixels of their image, image after image.
    """
    return scores_of_curves(*coco_curves(found, objects, num_classes), found, objects)


def scores_of_curves(precision: np.ndarray, recall: np.ndarray, found: FoundBoxes, objects: Objects) -> DetectionScores:
    """The same, from what `coco_curves` says of these boxes and objects."""
    num_images = len(objects)
    whole = precision[:, :, :, 0, -1]
    return DetectionScores(
        mean_iou=_mean_iou(found, objects),
        map=_average(whole),
        map50=_average(whole[0]),
        map75=_average(whole[5]),
        found_fraction=len(np.unique(found.image)) / num_images,
        num_boxes=len(found.boxes),
        **{f"map_{size}": _defined(precision[:, :, :, place, -1]) for place, size in enumerate(SIZES, 1)},
        **{f"mar_{limit}": _defined(recall[:, :, 0, place]) for place, limit in enumerate(BOX_LIMITS)},
        **{f"mar_{size}": _defined(recall[:, :, place, -1]) for place, size in enumerate(SIZES, 1)},
    )


# --------------------------------------------------------------------------------------------- closeness


def _mean_iou(found: FoundBoxes, objects: Objects) -> float:
    """NaN where nothing is to be found."""
    counted = ~objects.crowds
    true_boxes = objects.boxes[counted].astype(np.float32).astype(np.float64)  # (R, 4), as precise as found ones are
    if not len(true_boxes):
        return float("nan")
    owner = _nearest(found, objects)
    rows = np.flatnonzero(owner >= 0)
    best_first = rows[np.lexsort((-found.scores[rows], owner[rows]))]
    owned, first = np.unique(owner[best_first], return_index=True)
    judged = best_first[first]  # at most one box for each true box
    ious = np.zeros(len(true_boxes))
    ious[owned] = box_iou(true_boxes[owned], found.boxes[judged].astype(np.float64))
    return float(ious.mean())


def _nearest(found: FoundBoxes, objects: Objects) -> np.ndarray:
    """int64 (M,): whose centre is nearest, among the true boxes of all images without crowds; -1: its image has none.

    Some found boxes at a time: a single image full of objects would fill up the rows of all others.
    """
    owner_image = np.repeat(np.arange(len(objects)), objects.counts)[~objects.crowds]
    counts = np.bincount(owner_image, minlength=len(objects))
    first_of_image = np.cumsum(counts) - counts
    owner = np.full(len(found.image), -1, np.int64)
    at_once = max(1, MOST_PAIRS // max(1, int(counts.max(initial=0))))
    for start in range(0, len(owner), at_once):
        rows = slice(start, start + at_once)
        true_boxes, true_labels = objects.padded(found.image[rows])  # (M, R, 4), (M, R)
        offsets = _centres(true_boxes.astype(np.float64)) - _centres(found.boxes[rows].astype(np.float64))[:, None]
        distance = np.where(true_labels >= 0, np.square(offsets).sum(axis=-1), np.inf)  # (M, R)
        nearest = first_of_image[found.image[rows]] + distance.argmin(axis=1)
        owner[rows] = np.where(counts[found.image[rows]] > 0, nearest, -1)
    return owner


def _centres(boxes: np.ndarray) -> np.ndarray:
    """(..., 4) -> (..., 2)"""
    centres: np.ndarray = (boxes[..., :2] + boxes[..., 2:]) / 2
    return centres


# --------------------------------------------------------------------------------------------- average precision


def coco_curves(found: FoundBoxes, objects: Objects, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision (T, L, K, A, M) at each recall level, and recall (T, K, A, M); -1 where a class has no true box.

    IoU thresholds .50:.05:.95, recall levels 0:.01:1, classes, sizes (all, then SIZES), BOX_LIMITS.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    frame = {
        "images": [{"id": image} for image in range(len(objects))],
        "categories": [{"id": label, "name": str(label)} for label in range(num_classes)],
    }
    image = np.repeat(np.arange(len(objects)), objects.counts)
    truth = _annotations(image, objects.boxes, objects.labels)
    for annotation, area, is_crowd in zip(truth, objects.areas.tolist(), objects.crowds.tolist(), strict=True):
        annotation |= {"area": area, "iscrowd": int(is_crowd)}
    answers = _annotations(found.image, found.boxes, found.labels)
    for annotation, box_score in zip(answers, found.scores.tolist(), strict=True):
        annotation["score"] = box_score
    judge = COCOeval_faster(COCO({**frame, "annotations": truth}), COCO({**frame, "annotations": answers}), "bbox")
    assert judge.params.areaRngLbl == ["all", *SIZES]
    judge.params.maxDets = list(BOX_LIMITS)
    judge.evaluate()
    judge.accumulate()
    return np.asarray(judge.eval["precision"]), np.asarray(judge.eval["recall"])


def _annotations(image: np.ndarray, boxes: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
    """Boxes as COCO writes them: (left, top, width, height), ids from 1 since 0 means "not matched"."""
    corners = boxes.astype(np.float64)
    sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    columns = zip(image.tolist(), labels.tolist(), sides.tolist(), strict=True)
    return [
        {"id": index, "image_id": image_id, "category_id": label, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for index, (image_id, label, box) in enumerate(columns, start=1)
    ]


def _defined(values: np.ndarray) -> float | None:
    """The same average, None when nothing is defined."""
    average = _average(values)
    return None if np.isnan(average) else average


def _average(precision: np.ndarray) -> float:
    """Mean over everything that is defined; NaN when nothing is."""
    defined = precision[precision > -1]
    return float(defined.mean()) if len(defined) else float("nan")
