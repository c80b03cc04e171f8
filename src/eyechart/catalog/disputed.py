"""Labels that people dispute, by the content of the dataset: known before anything was trained.

An item is found by its pixels, so that a shortened or reordered test part is scored right as well.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class DisputedLabels:
    """The disputed labels of one dataset's test part."""

    source: str
    numbers: dict[str, int]  # digest of an image -> its number in the test part


DISPUTED = {
    # MNIST, the content hash of its card
    "1e35582d42a90940c55b956deb61875c020b567ed20e3c5b174f52bf7809ed9b": DisputedLabels(
        source="Northcutt, Athalye and Mueller 2021, labelerrors.com: people did not agree with the label",
        numbers={
            "722e10298f8f6058": 947,  # labelled 8
            "9e1c37f551a0d643": 1621,  # labelled 0
            "c234624e207c6060": 1901,  # labelled 9
            "41d44249f4b3e5f2": 2130,  # labelled 4
            "424165476d327b61": 2462,  # labelled 2
            "73b937c2ca91130d": 2597,  # labelled 5
            "ca0e2308c5a9219e": 2654,  # labelled 6
            "a143c3a954061749": 3520,  # labelled 6
            "aab74a2194423b17": 3558,  # labelled 5
            "1750337f6e41d9bb": 5937,  # labelled 5
            "df3f688f1e0964bd": 6651,  # labelled 0
            "b37f46e34381cb7e": 6783,  # labelled 1
            "491c6f19471809b1": 8527,  # labelled 4
            "ef39e0a01083b09d": 9679,  # labelled 6
            "052ec55ea3f71589": 9729,  # labelled 5
        },
    ),
}


def disputed_numbers(content_sha256: str, images: np.ndarray) -> dict[int, int] | None:
    """Where disputed items stand among `images` uint8 (N, C, H, W): index -> number in the whole test part.

    None for a dataset of which nothing is known; an empty answer says that none of them is there.
    """
    known = DISPUTED.get(content_sha256)
    if known is None:
        return None
    found = {index: known.numbers.get(image_digest(image)) for index, image in enumerate(images)}
    return {index: number for index, number in found.items() if number is not None}


def image_digest(image: np.ndarray) -> str:
    """Eight bytes of blake2b over the pixels, as hexadecimal digits: among a million images two share them by chance
    once in ten million times."""
    return hashlib.blake2b(image.tobytes(), digest_size=8).hexdigest()
