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
        mean_iou=_mean_iou(found, *objects.padded(np.arange(num_images))),
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


def _mean_iou(found: FoundBoxes, true_boxes: np.ndarray, true_labels: np.ndarray) -> float:
    is_true = true_labels >= 0  # (N, R)
    if not is_true.any():
        return float("nan")
    image, boxes = found.image, found.boxes.astype(np.float64)
    candidates = true_boxes[image].astype(np.float64)  # (M, R, 4)
    offsets = _centres(candidates) - _centres(boxes)[:, None]  # (M, R, 2)
    distance = np.where(is_true[image], np.square(offsets).sum(axis=-1), np.inf)  # (M, R)
    owner = distance.argmin(axis=1)  # (M,)
    best_first = np.lexsort((-found.scores, owner, image))
    _, first = np.unique((image * true_labels.shape[1] + owner)[best_first], return_index=True)
    judged = best_first[first]  # at most one box for each true box
    ious = np.zeros(is_true.shape)
    ious[image[judged], owner[judged]] = box_iou(candidates[judged, owner[judged]], boxes[judged])
    return float(ious[is_true].mean())


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
