"""Hashes of what is in memory: equal hashes mean the same images with the same labels in the same order."""

from __future__ import annotations

import hashlib
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eyechart.schema import DatasetCard
    from eyechart.schema.contracts import LabelledImages


def parts_sha256(*parts: LabelledImages | None) -> str:
    """sha256 over each part's pixel bytes, then its labels as little-endian int64, then boxes of its own, where it has
    some; None is left out.
    """
    digest = hashlib.sha256()
    for part in parts:
        if part is not None:
            for images in part.chunks():
                digest.update(np.ascontiguousarray(images).data)
            digest.update(np.ascontiguousarray(part.labels, dtype="<i8").data)
            if part.objects is not None:
                for taken_in in part.objects.bytes_for_hash:
                    digest.update(taken_in)
    return digest.hexdigest()


def check_content(card: DatasetCard, expected_sha256: str, whose: str) -> None:
    """DatasetError when a dataset is not the one that something was begun with; an empty hash expects nothing."""
    if expected_sha256 not in ("", card.content_sha256):
        raise DatasetError(
            f"The images or labels of {card.name} have changed: their sha256 is {card.content_sha256[:16]}, and "
            f"{whose} was started with {expected_sha256[:16]}. Runs on different data cannot be compared: bring the "
            f"earlier data back, or train on these in another study (eyechart run --name)."
        )


def num_shared_images(parts: Mapping[str, LabelledImages]) -> dict[str, int]:
    """For each two parts, "train/test": how many distinct pictures lie in both, pixel for pixel, whatever the label."""
    digests = {name: _image_digests(part) for name, part in parts.items()}
    return {
        f"{one}/{other}": len(np.intersect1d(digests[one], digests[other])) for one, other in combinations(parts, 2)
    }


def _image_digests(part: LabelledImages) -> np.ndarray:
    """The distinct pictures of a part as 16 bytes each, sorted; a million of them are 16 MB."""
    digests = [
        hashlib.blake2b(image.tobytes(), digest_size=16).digest() for images in part.chunks() for image in images
    ]
    return np.unique(np.frombuffer(b"".join(digests), dtype="S16")) if digests else np.empty(0, "S16")
