"""What is to be found in images: any number of boxes for each, ragged in memory, filled up only in a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

OBJECT_ARRAYS = ("offsets", "boxes", "labels", "crowds", "areas")  # as files name them


@dataclass(frozen=True)
class Objects:
    """The objects of N images, image after image.  Boxes are (left, top, right, bottom) in pixels of their image."""

    offsets: np.ndarray  # int64 (N + 1,): those of image i are rows offsets[i] to offsets[i + 1]
    boxes: np.ndarray  # float32 (M, 4); float64 where they were read from annotations
    labels: np.ndarray  # int64 (M,), 0..K-1
    crowds: np.ndarray  # bool (M,): stands for many that nobody counted; not trained on, and no mistake to find there
    areas: np.ndarray  # float64 (M,), square pixels: what COCO's sizes go by; of outlines where they are annotated

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> np.ndarray:
        """int64 (N,): how many each image has."""
        return np.diff(self.offsets)

    def of(self, image: int) -> tuple[np.ndarray, np.ndarray]:
        """(boxes float32 (R, 4), labels int64 (R,)) of one image."""
        rows = slice(self.offsets[image], self.offsets[image + 1])
        return self.boxes[rows], self.labels[rows]

    @property
    def bytes_for_hash(self) -> Iterator[memoryview]:
        """What a content hash takes in: where each image's begin, boxes, classes, crowds."""
        kinds = (("offsets", "<i8"), ("boxes", "<f4"), ("labels", "<i8"), ("crowds", "|b1"))
        for name, kind in kinds:
            yield np.ascontiguousarray(getattr(self, name), dtype=kind).data

    def subset(self, images: np.ndarray) -> Objects:
        """Those of the images at `images` (int64), in that order."""
        counts = self.counts[images]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.repeat(self.offsets[:-1][images] - offsets[:-1], counts) + np.arange(offsets[-1])
        return Objects(offsets, self.boxes[rows], self.labels[rows], self.crowds[rows], self.areas[rows])

    def padded(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(boxes float32 (B, R, 4), labels int64 (B, R), -1 filling up) of a batch; crowds are left out.

        R is the most that an image of the batch has, and at least 1.
        """
        some = self.subset(images)
        owner = np.repeat(np.arange(len(some)), some.counts)[~some.crowds]
        counts = np.bincount(owner, minlength=len(some))
        slot = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        boxes = np.zeros((len(some), max(1, int(counts.max(initial=0))), 4), np.float32)
        labels = np.full(boxes.shape[:2], -1, np.int64)
        boxes[owner, slot] = some.boxes[~some.crowds]
        labels[owner, slot] = some.labels[~some.crowds]
        return boxes, labels


def objects_from(arrays: Mapping[str, np.ndarray]) -> Objects | None:
    """From a file's arrays "object_boxes" and so on; None where one of them is not there, or they do not fit."""
    named = {name: arrays.get(f"object_{name}") for name in OBJECT_ARRAYS}
    if any(array is None for array in named.values()):
        return None
    objects = Objects(**named)  # type: ignore[arg-type]
    number = len(objects.boxes)
    fits = objects.boxes.shape == (number, 4) and len(objects.labels) == len(objects.crowds) == number
    return objects if fits and len(objects.areas) == number == objects.offsets[-1] else None


def objects_of(
    images: Iterable[tuple[Sequence[Sequence[float]], Sequence[int], Sequence[bool]]],
    areas: Sequence[float] | None = None,
) -> Objects:
    """From (boxes, labels, crowds) of every image; `areas` of all of them, None: those of their boxes."""
    counts: list[int] = []
    boxes: list[Sequence[float]] = []
    labels: list[int] = []
    crowds: list[bool] = []
    for of_boxes, of_labels, of_crowds in images:
        assert len(of_boxes) == len(of_labels) == len(of_crowds), "a label and a mark for every box"
        counts.append(len(of_boxes))
        boxes.extend(of_boxes)
        labels.extend(of_labels)
        crowds.extend(of_crowds)
    corners = np.asarray(boxes, np.float64).reshape(-1, 4)
    assert areas is None or len(areas) == len(corners), "an area for every box"
    return Objects(
        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
        corners,
        np.asarray(labels, np.int64),
        np.asarray(crowds, bool),
        area_of(corners) if areas is None else np.asarray(areas, np.float64),
    )


def joined(parts: Sequence[Objects]) -> Objects:
    """Those of several stretches of images, one after another."""
    counts = np.concatenate([part.counts for part in parts])
    return Objects(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.concatenate([part.boxes for part in parts]).astype(np.float32),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.crowds for part in parts]),
        np.concatenate([part.areas for part in parts]),
    )


def from_padded(boxes: np.ndarray, labels: np.ndarray) -> Objects:
    """From boxes (N, R, 4) and labels (N, R), of which -1 only fills up."""
    image, slot = np.nonzero(labels >= 0)
    corners = boxes[image, slot].reshape(-1, 4)
    counts = np.bincount(image, minlength=len(labels))
    return Objects(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        corners.astype(np.float32),
        labels[image, slot].astype(np.int64),
        np.zeros(len(image), bool),
        area_of(corners),
    )


def area_of(boxes: np.ndarray) -> np.ndarray:
    """float64 (...,) of boxes (..., 4)."""
    sides = boxes[..., 2:].astype(np.float64) - boxes[..., :2]
    areas: np.ndarray = sides[..., 0] * sides[..., 1]
    return areas
