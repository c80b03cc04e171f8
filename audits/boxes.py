"""Random boxes with everything that is nasty about them, and what pycocotools says of them."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from eyechart.schema import DetectionScores
from eyechart.schema.contracts import FoundBoxes, Predictions

HEIGHT, WIDTH, NUM_CLASSES = 40, 60, 4


def detector_says(
    num_images: int, image: list[int], boxes: list[list[float]], scores: list[float], labels: list[int]
) -> Predictions:
    return Predictions(
        np.full((num_images, NUM_CLASSES), 1 / NUM_CLASSES, np.float32),
        box_image=np.array(image, np.int32),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        box_scores=np.array(scores, np.float32),
        box_labels=np.array(labels, np.int32),
    )


def found_boxes(*rows: tuple[int, tuple[float, float, float, float], float, int]) -> FoundBoxes:
    """Rows of (image, box, score, label)."""
    image, boxes, scores, labels = zip(*rows, strict=True) if rows else ((), (), (), ())
    return FoundBoxes(
        np.array(image, np.int32), np.array(boxes, float).reshape(-1, 4), np.array(scores, float),
        np.array(labels, np.int32),
    )  # fmt: skip


def random_case(
    seed: int, num_images: int = 40, most_true: int = 3, most_found: int = 6, scale: float = 1.0
) -> tuple[Predictions, np.ndarray, np.ndarray]:
    """Found boxes are shaken true ones with some wrong classes, some invented, some images without any.

    Sides are 3 to 12 pixels times `scale`: all small for COCO, or some of each of its sizes (12.0).
    """
    random = np.random.default_rng(seed)
    corners = random.uniform([0, 0], [WIDTH - 12, HEIGHT - 12], (num_images, most_true, 2))
    true_boxes = np.concatenate([corners, corners + random.uniform(3, 12, corners.shape)], axis=-1).astype(np.float32)
    true_labels = random.integers(0, NUM_CLASSES, (num_images, most_true))
    true_labels[random.random(true_labels.shape) < 0.2] = -1
    image = np.sort(random.integers(0, num_images, num_images * most_found // 2))
    slot = random.integers(0, most_true, len(image))
    boxes = true_boxes[image, slot] + random.normal(0, 1, (len(image), 4))
    boxes[:, 2:] = np.maximum(boxes[:, :2], boxes[:, 2:])  # some become degenerate
    labels = np.where(random.random(len(image)) < 0.8, true_labels[image, slot].clip(0), 0)
    scores = random.random(len(image))
    found = detector_says(num_images, image, scale * boxes, scores, labels)
    return found, np.float32(scale) * true_boxes, true_labels


def twelve(scores: DetectionScores) -> list[float | None]:
    """COCO's twelve in its own order; None where nothing is defined."""
    sizes = ("small", "medium", "large")
    recalls = [getattr(scores, f"mar_{name}") for name in (1, 10, 100, *sizes)]
    return [scores.map, scores.map50, scores.map75, *(getattr(scores, f"map_{size}") for size in sizes), *recalls]


def pycocotools_says(
    predictions: Predictions, true_boxes: np.ndarray, true_labels: np.ndarray, crowds: np.ndarray | None = None
) -> list[float | None]:
    """The same twelve; `crowds` bool (N, R) marks true boxes that stand for many."""

    def annotation(index: int, image: int, box: np.ndarray, label: int) -> dict[str, object]:
        left, top, right, bottom = box.astype(np.float64)
        sides = [left, top, right - left, bottom - top]
        area = sides[2] * sides[3]
        return {"id": index, "image_id": image, "category_id": label, "bbox": sides, "area": area, "iscrowd": 0}

    found = predictions.found()
    truth = [(i, true_boxes[i, r], true_labels[i, r]) for i, r in zip(*np.nonzero(true_labels >= 0), strict=True)]
    answers = list(zip(found.image, found.boxes, found.labels, strict=True))
    sides = []
    with contextlib.redirect_stdout(io.StringIO()):
        for boxes in (truth, answers):
            coco = COCO()
            coco.dataset = {
                "images": [{"id": image} for image in range(len(true_boxes))],
                "categories": [{"id": label} for label in range(NUM_CLASSES)],
                "annotations": [annotation(n, int(i), b, int(k)) for n, (i, b, k) in enumerate(boxes, start=1)],
            }
            if crowds is not None and boxes is truth:
                for one, is_crowd in zip(coco.dataset["annotations"], crowds[true_labels >= 0], strict=True):
                    one["iscrowd"] = int(is_crowd)
            for one, score in zip(coco.dataset["annotations"], found.scores, strict=False):
                one["score"] = float(score)
            coco.createIndex()
            sides.append(coco)
        judge = COCOeval(*sides, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return [None if value == -1 else value for value in judge.stats.tolist()]
