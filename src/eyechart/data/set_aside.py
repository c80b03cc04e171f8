"""Images set aside from train, for validation or the test: none of them takes the last box of a class along.

Shares are balanced by one class an image, that of its largest object; the classes of the others stay in train as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.stratify import class_counts, pick

if TYPE_CHECKING:
    from eyechart.schema.objects import Objects


def set_aside(labels: np.ndarray, objects: Objects | None, wanted: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The `wanted[k]` images of each label k that have the smallest keys, bool (N,), without those that must stay.

    Such an image goes to the end of its class, and the next one takes its place: as many are set aside for every seed.
    """
    num_classes, is_kept = len(wanted), np.zeros(len(labels), bool)
    while True:
        room = class_counts(labels[~is_kept], num_classes)
        chosen = pick(labels, np.minimum(wanted, room), np.where(is_kept, np.inf, keys))
        lacking = _image_of_missing_class(objects, ~chosen, keys, num_classes)
        if lacking is None:
            return chosen
        is_kept[lacking] = True


def with_every_class(objects: Objects | None, taken: np.ndarray, keys: np.ndarray, num_classes: int) -> np.ndarray:
    """bool (N,): what is `taken`, bool (N,), and one image more for each class that would have no box."""
    taken = taken.copy()
    while (lacking := _image_of_missing_class(objects, taken, keys, num_classes)) is not None:
        taken[lacking] = True
    return taken


def _image_of_missing_class(
    objects: Objects | None, taken: np.ndarray, keys: np.ndarray, num_classes: int
) -> int | None:
    """Of the rarest class that has a box, but none on the images `taken`: its image of the smallest key; None: no such.

    The rarest first, because its images are the least free to choose, and may have the others' boxes as well.
    """
    if objects is None:  # shared out by the classes themselves, each of which keeps an image
        return None
    image, labels = np.repeat(np.arange(len(objects)), objects.counts), objects.labels
    in_all, in_taken = class_counts(labels, num_classes), class_counts(labels[taken[image]], num_classes)
    with_missing = [np.unique(image[labels == k]) for k in np.flatnonzero((in_all > 0) & (in_taken == 0))]
    if not with_missing:
        return None
    rarest = min(with_missing, key=len)
    return int(rarest[keys[rarest].argmin()])
