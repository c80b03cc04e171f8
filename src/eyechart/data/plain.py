"""Images on which nothing is to be seen: every pixel has the same colour, or so nearly that no eye tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.stratify import class_counts

if TYPE_CHECKING:
    from eyechart.schema.contracts import LabelledImages

PLAIN_RANGE = 2  # grey levels of 255, in every channel


def are_plain(part: LabelledImages) -> np.ndarray:
    """Which images of a part are of one colour: bool (N,)."""
    if not len(part):
        return np.zeros(0, bool)
    ranges = [images.max(axis=(2, 3)) - images.min(axis=(2, 3)) for images in part.chunks()]  # (B, C) each
    return np.asarray((np.concatenate(ranges) <= PLAIN_RANGE).all(axis=1))


def plain_classes(part: LabelledImages, are_plain: np.ndarray, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The classes of which a part has images, and nothing but plain ones."""
    counts = class_counts(part.labels, len(classes))
    num_plain = class_counts(part.labels[are_plain], len(classes))
    return tuple(classes[k] for k in np.flatnonzero((counts > 0) & (num_plain == counts)))
