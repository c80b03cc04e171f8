"""Blur: through frosted glass, and of a hand that moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.corruptions.frame import in_pixels, smoothed

if TYPE_CHECKING:
    from eyechart.data.corruptions.draws import Draws


def glass_blur(images: np.ndarray, draws: Draws, sigma: float, reach: int, rounds: int) -> np.ndarray:
    """Smoothed, then half of the pixels swapped with one up to `reach` away, in so many rounds, and smoothed again.

    The published arrays were smoothed up and down alone, because grey images were taken for rows of many channels.
    """
    height, width = images.shape[2:]
    steps = max(1, round(in_pixels(reach, height, width)))
    pixels = smoothed(images, in_pixels(sigma, height, width))
    by_place = np.ascontiguousarray(np.moveaxis(pixels, 0, -1))  # (C, H, W, N): the images of a place lie together
    everyone = np.arange(len(images))
    for turn in range(rounds):
        moves = draws.uniform(f"moves {turn}", 3, height, width)  # whether, down, right: a plane each
        is_swapped = moves[:, 0] < 0.5
        down, right = (np.floor(moves[:, axis] * 2 * steps).astype(np.int64) - steps for axis in (1, 2))
        down, right = (np.where(is_swapped, move, 0).transpose(1, 2, 0).copy() for move in (down, right))  # (H, W, N)
        for row in range(height - steps, steps, -1):
            for column in range(width - steps, steps, -1):
                rows, columns = row + down[row, column], column + right[row, column]
                here = by_place[:, row, column].copy()
                by_place[:, row, column] = by_place[:, rows, columns, everyone]
                by_place[:, rows, columns, everyone] = here
    return smoothed(np.ascontiguousarray(np.moveaxis(by_place, -1, 0)), in_pixels(sigma, height, width))


def motion_blur(images: np.ndarray, draws: Draws, length: float, sigma: float) -> np.ndarray:
    """Smeared one way along a line between -45 and 45 degrees, by half a bell curve of this length and sigma."""
    height, width = images.shape[2:]
    length, sigma = in_pixels(length, height, width), in_pixels(sigma, height, width)
    angles = (draws.uniform("angle") * 90 - 45).astype(np.float64) * np.pi / 180
    steps = np.arange(2 * int(np.ceil(length)) + 1)
    weights = np.exp(-((steps / sigma) ** 2) / 2)
    weights /= weights.sum()
    flat = images.reshape(*images.shape[:2], height * width)
    smeared = np.zeros_like(flat)
    for step, weight in zip(steps.tolist(), weights.astype(np.float32), strict=True):
        # Whole pixels, as ImageMagick takes them, which drew MNIST-C.
        down, right = (np.ceil(step * part(angles) - 0.5).astype(np.int64)[:, None] for part in (np.sin, np.cos))
        rows = np.clip(np.arange(height) + down, 0, height - 1)  # (N, H): the border goes on outside
        columns = np.clip(np.arange(width) + right, 0, width - 1)
        places = (rows[:, :, None] * width + columns[:, None, :]).reshape(len(images), 1, -1)
        smeared += weight * np.take_along_axis(flat, places, axis=2)
    return smeared.reshape(images.shape)
