"""COCO's json of detections: what any detector found in annotated pictures, a list of boxes with scores."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from eyechart.base.errors import DatasetError
from eyechart.data.annotations.found import Annotated, Faults, Picture, number_in, text_of
from eyechart.data.layout import Part
from eyechart.schema.contracts import FoundBoxes

KEYS = ("image_id", "category_id", "bbox", "score")


def read_detections(path: Path, annotated: Annotated, part: Part) -> FoundBoxes:
    """The boxes of a file, image after image, best first; float64, as the file says them.

    `image_id` and `category_id` are those of the annotations; where these are no COCO, the name of the picture, with or
    without its ending, and the name of the class or its number from 0 on.
    Raises DatasetError for what is no list of detections, and for boxes that belong to no picture or class.
    """
    entries = _entries(path)
    images, classes, faults = _by_id(annotated.parts[part]), _classes(annotated), Faults()
    rows = []
    for number, entry in enumerate(entries, 1):
        row = _row(entry, f"{path.name}, detection {number}", images, classes, faults)
        if row:
            rows.append(row)
    faults.raise_any("detections")
    rows.sort(key=lambda row: (row[0], -row[2]))  # stable: equals stay in the file's order
    table = np.array([(image, *box, score, label) for image, box, score, label in rows], np.float64).reshape(-1, 7)
    return FoundBoxes(table[:, 0].astype(np.int32), table[:, 1:5], table[:, 5], table[:, 6].astype(np.int32))


def detection_ids(annotated: Annotated, part: Part) -> tuple[list[object], dict[str, object]]:
    """What detections call each picture of a part, in order, and each class by its name."""
    pictures = annotated.parts[part]
    if any(picture.id is None for picture in pictures):
        names = [picture.path.name for picture in pictures]
        if len(set(names)) < len(names):
            raise DatasetError(f"{max(names, key=names.count)} is the name of two pictures; expected one name each.")
        return list(names), {name: name for name in annotated.classes}
    ids = {annotated.classes[label]: id_ for id_, label in reversed(annotated.class_of.items())}
    return [picture.id for picture in pictures], ids


def _entries(path: Path) -> list[Any]:
    try:
        entries = json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is no JSON ({error}); expected COCO's list of detections.") from None
    if not isinstance(entries, list):
        what = "annotations, not detections" if isinstance(entries, dict) and "annotations" in entries else "no list"
        raise DatasetError(
            f"{path} has {what}; expected COCO's list of detections, each with image_id, category_id, bbox and score."
        )
    return entries


def _by_id(pictures: list[Picture]) -> dict[object, int]:
    """What a detection may call each picture -> its number; a name that two pictures share is none."""
    ids: dict[object, int] = {}
    shared: set[object] = set()
    for number, picture in enumerate(pictures):
        names = [picture.id] if picture.id is not None else [picture.path.name, picture.path.stem]
        shared |= {name for name in names if ids.get(name, number) != number}
        ids |= dict.fromkeys(names, number)
    return {name: number for name, number in ids.items() if name not in shared}


def _classes(annotated: Annotated) -> dict[object, int]:
    if annotated.class_of:
        return annotated.class_of
    numbers: dict[object, int] = dict(enumerate(range(len(annotated.classes))))
    return numbers | {name: label for label, name in enumerate(annotated.classes)}


def _row(
    entry: Any, where: str, images: dict[object, int], classes: dict[object, int], faults: Faults
) -> tuple[int, tuple[float, float, float, float], float, int] | None:
    if not isinstance(entry, dict) or any(key not in entry for key in KEYS):
        faults.add(where, "expected image_id, category_id, bbox and score")
        return None
    image_id, category_id, box = entry["image_id"], entry["category_id"], entry["bbox"]
    score = number_in(entry["score"])
    corners = [number_in(side) for side in box] if isinstance(box, list) else []
    if not _is_in(image_id, images):
        faults.add(where, f"there is no image {image_id!r}")
    elif not _is_in(category_id, classes):
        faults.add(where, f"there is no category {category_id!r}")
    elif len(corners) != 4 or not all(map(math.isfinite, corners)) or min(corners[2:]) < 0:
        faults.add(where, f"bbox is {box!r}; expected [left, top, width, height]")
    elif not math.isfinite(score):
        faults.add(where, f"score is {entry['score']!r}; expected a number")
    else:
        left, top, width, height = corners
        return images[image_id], (left, top, left + width, top + height), score, classes[category_id]
    return None


def _is_in(key: object, known: dict[object, int]) -> bool:
    return isinstance(key, int | str) and not isinstance(key, bool) and key in known
