"""The test part of a folder without one: of each class the fifth of its pictures whose files have the smallest sha256.

So neither seeds nor names nor sizes change what the test is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError
from eyechart.data.set_aside import set_aside
from eyechart.data.stratify import amounts, class_counts

if TYPE_CHECKING:
    from eyechart.data.class_folders import Listing
    from eyechart.schema.objects import Objects

TEST_SHARE = 0.2  # of each class


def check_can_be_cut(listing: Listing) -> None:
    """DatasetError where no class has a picture to spare."""
    if not _amounts(listing.labels("train"), len(listing.classes)).any():
        raise DatasetError(
            f"{listing.root} has one picture a class, so none can be set aside for the test. "
            f"Expected at least two of some class; add pictures."
        )


def is_test(listing: Listing, digests: np.ndarray) -> np.ndarray:
    """Which pictures of the train folder are for the test, bool (N,), by the digests of its files, uint8 (N, 32)."""
    return smallest_digests(listing.labels("train"), len(listing.classes), digests)


def smallest_digests(
    labels: np.ndarray, num_classes: int, digests: np.ndarray, objects: Objects | None = None
) -> np.ndarray:
    """The same of labels int64 (N,); with `objects`, no class loses its last box in train."""
    # As eight big-endian bytes each, the four numbers of a digest sort like the digest.
    numbers = np.ascontiguousarray(digests).view(">u8")  # (N, 4)
    order = np.lexsort(numbers.T[::-1])
    keys = np.empty(len(order), np.int64)
    keys[order] = np.arange(len(order))
    return set_aside(labels, objects, _amounts(labels, num_classes), keys)


def _amounts(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Pictures of each class for the test; a class of one picture keeps it for train."""
    return amounts(class_counts(labels, num_classes), round(TEST_SHARE * len(labels)), at_least=1, leave=1)
