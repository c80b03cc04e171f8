"""The four that move pixels and change none: shear, scale, rotate, translate.  Every recipe augments with these.

An affine map around the middle, read off with bilinear interpolation; what comes in from outside repeats the border,
as in data/augment.py.  There are a few maps only (one a sign), so that each is worked out once for all its images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.corruptions.frame import in_pixels

if TYPE_CHECKING:
    from eyechart.data.corruptions.draws import Draws

Map = tuple[tuple[float, float], tuple[float, float]]  # (x, y) of the result -> (x, y) that is looked up


def shear(images: np.ndarray, draws: Draws, radians: float) -> np.ndarray:
    """Slanted to the left or to the right."""
    maps: dict[int, Map] = {sign: ((1, -np.sin(sign * radians)), (0, np.cos(sign * radians))) for sign in (-1, 1)}
    return _by_sign(images, draws.signs("direction"), maps)


def rotate(images: np.ndarray, draws: Draws, radians: float) -> np.ndarray:
    """Turned to the left or to the right."""
    cos, sin = float(np.cos(radians)), float(np.sin(radians))
    maps: dict[int, Map] = {sign: ((cos, -sign * sin), (sign * sin, cos)) for sign in (-1, 1)}
    return _by_sign(images, draws.signs("direction"), maps)


def scale(images: np.ndarray, draws: Draws, size: float) -> np.ndarray:
    """Smaller, in the middle: `size` is that of the result over that of the original, the same for all images."""
    return _looked_up(images, ((1 / size, 0), (0, 1 / size)))


def translate(images: np.ndarray, draws: Draws, length: float) -> np.ndarray:
    """Moved along both axes by this length, towards one of the four corners."""
    moved = np.empty_like(images)
    signs, shift = draws.signs("direction", 2), in_pixels(length, *images.shape[2:])
    for right in (-1, 1):
        for down in (-1, 1):
            mine = (signs[:, 0] == right) & (signs[:, 1] == down)
            moved[mine] = _looked_up(images[mine], ((1, 0), (0, 1)), (shift * right, shift * down))
    return moved


def _by_sign(images: np.ndarray, signs: np.ndarray, maps: dict[int, Map]) -> np.ndarray:
    mapped = np.empty_like(images)
    for sign, matrix in maps.items():
        mapped[signs == sign] = _looked_up(images[signs == sign], matrix)
    return mapped


def _looked_up(images: np.ndarray, matrix: Map, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Images (N, C, H, W) under one map around the middle, and a shift (right, down) in pixels."""
    height, width = images.shape[2:]
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    y, x = np.meshgrid(np.arange(height) - middle_y, np.arange(width) - middle_x, indexing="ij")
    from_x = np.clip(matrix[0][0] * x + matrix[0][1] * y + middle_x + shift[0], 0, width - 1)
    from_y = np.clip(matrix[1][0] * x + matrix[1][1] * y + middle_y + shift[1], 0, height - 1)
    left, top = np.floor(from_x).astype(np.int64), np.floor(from_y).astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (from_x - left).astype(np.float32), (from_y - top).astype(np.float32)
    flat = images.reshape(*images.shape[:2], height * width)
    upper = flat[:, :, top * width + left] * (1 - across) + flat[:, :, top * width + right] * across
    lower = flat[:, :, bottom * width + left] * (1 - across) + flat[:, :, bottom * width + right] * across
    return np.asarray(upper * (1 - down) + lower * down)  # (N, C, H, W)
