"""Boxes from a classifier, which gives none: two ways that need no training, for a detector to be measured against.

- components: what stands out from the ground, connected, is an object; the classifier names each.
- windows: the classifier looks through windows of several sizes everywhere, and the surest of those that overlap stay.

Neither was tuned on anything: the figures below are stated once, for digits as well as for other small objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from eyechart.data.pictures import read_in_own_size
from eyechart.inference.prediction import FoundBox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from eyechart.inference.prediction import RunPredictor
    from eyechart.schema import Preprocessing

How = Literal["components", "windows"]

PICTURES_AT_ONCE: dict[How, int] = {"components": 16, "windows": 1}  # windows of a picture are thousands
LEAST_CONTRAST = 40  # of 255, from the ground: below it nothing stands out
FAINT = 20  # of 255: so much noise a grey ground may have
LEAST_SIDE = 8  # pixels of the longer side of an object
INK_OF_FRAME = 20 / 28  # of the frame that an object's longer side takes; MNIST's own rule
WINDOW_SIDES = 2.0 ** np.arange(4, 8.1, 0.5)  # pixels: 16, 23, 32 ... 256
STEPS_A_WINDOW = 4  # so far apart, in shares of its side
LEAST_SURE = 0.5  # of a window; an object's box stays whatever it is
MOST_OVERLAP = 0.3  # IoU of two windows that both stay


def boxes_by_classifier(predictor: RunPredictor, pictures: Sequence[Path], how: How) -> Iterator[list[FoundBox]]:
    """What a classifier finds in each picture, in its own pixels as its file has them, best first.

    Raises DatasetError for a picture that cannot be read.
    """
    classes = predictor.record.dataset.classes
    at_once = PICTURES_AT_ONCE[how]
    for start in range(0, len(pictures), at_once):
        looked = [_look(picture, predictor.record.preprocessing, how) for picture in pictures[start : start + at_once]]
        probabilities = _answers(predictor, np.concatenate([crops for _, crops in looked]))
        ends = np.cumsum([len(boxes) for boxes, _ in looked])
        for (boxes, _), of_picture in zip(looked, np.split(probabilities, ends[:-1]), strict=True):
            labels, scores = of_picture.argmax(axis=1), of_picture.max(axis=1)
            kept = np.argsort(-scores, kind="stable") if how == "components" else _surest(boxes, scores)
            yield [FoundBox(classes[labels[row]], float(scores[row]), tuple(boxes[row].tolist())) for row in kept]


def _answers(predictor: RunPredictor, crops: np.ndarray) -> np.ndarray:
    if len(crops):
        return predictor.answer(crops).probabilities
    return np.zeros((0, len(predictor.record.dataset.classes)))


def _look(picture: Path, frame: Preprocessing, how: How) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (R, 4) that may hold an object, and what is in them as the classifier wants it, uint8 (R, C, H, W)."""
    pixels = read_in_own_size(picture, channels=frame.image_channels, rule=frame.picture_rule, is_upright=False)
    distance = _from_ground(pixels)
    boxes = components(distance) if how == "components" else windows(distance)
    if not len(boxes):
        return boxes, np.zeros((0, frame.image_channels, frame.image_height, frame.image_width), np.uint8)
    share = INK_OF_FRAME if how == "components" else 1.0
    if frame.image_channels == 3:
        return boxes, _crops(pixels, boxes, share, frame)
    crops = _crops(np.maximum(distance, FAINT)[None] - FAINT, boxes, share, frame)
    return boxes, _as_trained(crops, frame)


def _as_trained(crops: np.ndarray, frame: Preprocessing) -> np.ndarray:
    """Grey crops of distances from the ground with full contrast, light on dark where the network learned that.

    A mean below one half says that it did; one that has ImageNet's is taken for such.
    """
    most = np.maximum(crops.max(axis=(1, 2, 3), keepdims=True), 1)
    full: np.ndarray = (crops * (255 / most).astype(np.float32)).clip(0, 255).astype(np.uint8)
    return full if frame.mean[0] < 0.5 else 255 - full


def components(distance: np.ndarray) -> np.ndarray:
    """float64 (R, 4), boxes of what stands out; `distance` uint8 (H, W) from the ground."""
    from scipy import ndimage

    ink = distance > max(LEAST_CONTRAST, _otsu(distance))
    touching = ndimage.binary_dilation(ink, np.ones((3, 3)))  # strokes that nearly touch are one
    labels, _ = ndimage.label(touching, np.ones((3, 3)))
    found = ndimage.find_objects(np.where(ink, labels, 0))
    boxes = [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in filter(None, found)]
    kept = [box for box in boxes if max(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE]
    return np.array(kept, np.float64).reshape(-1, 4)


def windows(distance: np.ndarray) -> np.ndarray:
    """float64 (R, 4), squares of every size and place in which something stands out."""
    height, width = distance.shape
    table = np.pad((distance > LEAST_CONTRAST).cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))
    kept = []
    for side in np.round(WINDOW_SIDES).astype(int):
        if side > min(height, width):
            break
        step = max(1, side // STEPS_A_WINDOW)
        rows, columns = np.arange(0, height - side + 1, step), np.arange(0, width - side + 1, step)
        top, left = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
        bottom, right = top + side, left + side
        inked = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
        enough = inked >= LEAST_SIDE
        kept.append(np.stack([left, top, right, bottom], axis=1)[enough])
    return np.concatenate(kept).astype(np.float64) if kept else np.zeros((0, 4))


def _from_ground(pixels: np.ndarray) -> np.ndarray:
    """uint8 (H, W): how far each pixel of (C, H, W) is from the most usual value, in the channel where it is most."""
    ground = np.median(pixels, axis=(1, 2), keepdims=True)
    distance: np.ndarray = np.abs(pixels - ground).max(axis=0).astype(np.uint8)
    return distance


def _otsu(values: np.ndarray) -> int:
    """The value up to which pixels are one group, so that two groups differ most.  Source: Otsu 1979."""
    counts = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    below, sums = counts.cumsum(), (counts * np.arange(256)).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.nan_to_num(between).argmax())


def _crops(pixels: np.ndarray, boxes: np.ndarray, share: float, frame: Preprocessing) -> np.ndarray:
    """uint8 (R, C, H, W) of the frame: squares of whose side a box takes `share`; beyond the edge there is ground."""
    halves = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / share / 2
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    margin = int(np.ceil(halves.max())) + 1
    regions = np.concatenate([centres - halves[:, None], centres + halves[:, None]], axis=1) + margin
    height, width = frame.image_height, frame.image_width
    crops = np.empty((len(boxes), len(pixels), height, width), np.uint8)
    for channel, plane in enumerate(pixels):
        padded = Image.fromarray(np.pad(plane, margin, constant_values=int(np.median(plane))))
        for row, (left, top, right, bottom) in enumerate(regions.tolist()):
            resized = padded.resize((width, height), Image.Resampling.BILINEAR, box=(left, top, right, bottom))
            crops[row, channel] = np.asarray(resized)
    return crops


def _surest(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Rows of those that stay, best first: sure enough, and not over a surer one."""
    import torch
    from torchvision.ops import nms

    rows = np.flatnonzero(scores >= LEAST_SURE)
    kept = nms(torch.from_numpy(boxes[rows]), torch.from_numpy(scores[rows].astype(np.float64)), MOST_OVERLAP)
    stay: np.ndarray = rows[kept.numpy()]
    return stay
