"""Lengths and places that mean the same on images of any size.

MNIST-C is of 28 x 28 pixels.  A length there is the same share of the shorter side elsewhere.
"""

from __future__ import annotations

import numpy as np

SIDE = 28  # pixels of MNIST-C, in which all lengths of table.py are


def in_pixels(length: float, height: int, width: int) -> float:
    """A length of 28-pixel images on images of this size."""
    return length * min(height, width) / SIDE


def places(num_pixels: int) -> np.ndarray:
    """float32 (num_pixels,): where the middle of each pixel of a side lies on one of 28, 0 being its first pixel's."""
    return ((np.arange(num_pixels) + 0.5) * SIDE / num_pixels - 0.5).astype(np.float32)


def smoothed(images: np.ndarray, sigma: float) -> np.ndarray:
    """Images (..., H, W) convolved with a bell curve of `sigma` pixels; the border goes on outside."""
    from scipy.ndimage import gaussian_filter

    found: np.ndarray = gaussian_filter(images, sigma, mode="nearest", axes=(-2, -1))
    return found


def luminance(images: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) as (N, H, W): grey as it is, colours by ITU-R BT.709."""
    if images.shape[1] == 1:
        return images[:, 0]
    weights = np.array([0.2125, 0.7154, 0.0721], np.float32)
    return np.asarray((images * weights[:, None, None]).sum(axis=1))
