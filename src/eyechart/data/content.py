"""Hashes of what is in memory: equal hashes mean the same images with the same labels in the same order."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eyechart.contracts import LabelledImages


def parts_sha256(*parts: LabelledImages | None) -> str:
    """sha256 over each part's pixel bytes and then its labels as little-endian int64; None is left out."""
    digest = hashlib.sha256()
    for part in parts:
        if part is not None:
            for images in part.chunks():
                digest.update(np.ascontiguousarray(images).data)
            digest.update(np.ascontiguousarray(part.labels, dtype="<i8").data)
    return digest.hexdigest()
