"""Outlines instead of strokes: Canny's edges.

Source: J. Canny, A Computational Approach to Edge Detection, IEEE PAMI 1986; thresholds as in scikit-image, which drew
MNIST-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.corruptions.frame import in_pixels, luminance

if TYPE_CHECKING:
    from eyechart.data.corruptions.draws import Draws

LOW, HIGH = 0.1, 0.2  # of the gradient by Sobel's kernels: an edge holds a point above HIGH, and none below LOW


def canny_edges(images: np.ndarray, draws: Draws, share: float, sigma: float) -> np.ndarray:
    """White outlines on black, mixed with the picture: `share` is that of the outlines; the same for all images."""
    height, width = images.shape[2:]
    found = edges(luminance(images), in_pixels(sigma, height, width)).astype(np.float32)[:, None]
    return np.asarray((1 - np.float32(share)) * images + np.float32(share) * found)


def edges(greys: np.ndarray, sigma: float) -> np.ndarray:
    """bool (N, H, W): where the brightness float32 (N, H, W) in 0..1, smoothed by `sigma` pixels, changes most."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(greys, sigma, mode="constant", axes=(-2, -1))
    # Outside there is nothing, which must not darken what is near the border.
    smooth /= gaussian_filter(np.ones_like(greys[:1]), sigma, mode="constant", axes=(-2, -1)) + np.finfo(np.float32).eps
    down, right = _sobel(smooth, 1), _sobel(smooth, 2)
    strength = np.hypot(down, right)
    is_ridge = _is_ridge(strength, down, right)
    is_ridge[:, [0, -1]] = False
    is_ridge[:, :, [0, -1]] = False
    return _held_by_strong(is_ridge & (strength >= LOW), is_ridge & (strength >= HIGH))


def _sobel(greys: np.ndarray, axis: int) -> np.ndarray:
    """The gradient along one axis (1 or 2) of each image by itself; scipy's own would smooth over images as well."""
    from scipy.ndimage import correlate1d

    found: np.ndarray = correlate1d(correlate1d(greys, [-1, 0, 1], axis=axis), [1, 2, 1], axis=3 - axis)
    return found


def _is_ridge(strength: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """bool (N, H, W): no weaker than what lies on both sides in the direction of the gradient, between two pixels."""
    padded = np.pad(strength, ((0, 0), (1, 1), (1, 1)))
    height, width = strength.shape[1:]

    def shifted(rows: int, columns: int) -> np.ndarray:
        return padded[:, 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    steep, flat = np.maximum(abs(down), abs(right)), np.minimum(abs(down), abs(right))
    slant = flat / np.maximum(steep, np.finfo(np.float32).tiny)  # 0: along an axis, 1: along a diagonal
    is_across, is_same_sign = abs(right) >= abs(down), down * right >= 0
    ridge = np.ones(strength.shape, bool)
    for side in (1, -1):
        straight = np.where(is_across, shifted(0, side), shifted(side, 0))
        # The diagonal neighbour on that side: of equal signs down and right, of others up and right.
        slanted = np.where(is_same_sign, shifted(side, side),
                           np.where(is_across, shifted(-side, side), shifted(side, -side)))  # fmt: skip
        ridge &= strength >= straight * (1 - slant) + slanted * slant
    return ridge


def _held_by_strong(is_weak: np.ndarray, is_strong: np.ndarray) -> np.ndarray:
    """The connected pieces of bool (N, H, W) that hold a strong point; pieces lie in one image."""
    from scipy.ndimage import label

    touching = np.zeros((3, 3, 3), bool)
    touching[1] = True
    pieces, number = label(is_weak, touching)
    is_held = np.zeros(number + 1, bool)
    is_held[pieces[is_strong]] = True
    is_held[0] = False
    return np.asarray(is_held[pieces])
