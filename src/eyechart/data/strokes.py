"""Strokes of a pen as a mask: how thick they are, and the same strokes thicker or thinner."""

from __future__ import annotations

import numpy as np

SOFT_EDGE = 0.5  # pixels on either side of an edge over which ink fades out
SHARES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25)  # of a change, tried until none closes a loop or breaks a stroke
LEAST_LOOP = 0.004  # of the picture; smaller holes are none


def thickness(mask: np.ndarray) -> float:
    """Pixels across a stroke, in the mean over all ink; `mask` bool (H, W), True where there is ink; 0: none.

    In a straight stroke w pixels wide, a pixel is w/4 + 1/2 away from the nearest paper in the mean.
    """
    from scipy.ndimage import distance_transform_edt

    if not mask.any():
        return 0.0
    inside = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return max(1.0, 4 * (float(inside[mask].mean()) - 0.5))


def change_weight(mask: np.ndarray, pixels: float) -> tuple[np.ndarray, float]:
    """Ink 0..1 float32 (H, W) whose edges lie `pixels` further out (below 0: further in), and how far they do.

    Less than asked for where that would close a loop or make a new one, break a stroke or leave nothing.  The edges are
    soft.  The mask needs paper around it, as wide as the edges move.
    """
    from scipy.ndimage import distance_transform_edt

    signed = distance_transform_edt(~mask) - distance_transform_edt(mask)  # > 0 outside; never between -1 and 1
    signed -= np.sign(signed) * 0.5  # the edge lies between two pixels
    loops, parts = _loops(mask), _parts(mask)
    for share in SHARES:
        changed = signed < share * pixels
        if changed.any() and _loops(changed) == loops and _parts(changed) <= parts:
            break
    else:
        share = 0.0
    moved = share * pixels
    ink: np.ndarray = np.clip((moved - signed) / (2 * SOFT_EDGE) + 0.5, 0, 1).astype(np.float32)
    return ink, moved


def _parts(mask: np.ndarray) -> int:
    from scipy.ndimage import label

    return int(label(mask, np.ones((3, 3)))[1])


def _loops(mask: np.ndarray) -> int:
    """How many pieces of paper the ink encloses, without holes that are only where ink is thin."""
    from scipy.ndimage import label

    counts = np.bincount(label(~mask)[0].ravel())[1:]
    return int((counts >= LEAST_LOOP * mask.size).sum()) - 1  # one of them is around the ink
