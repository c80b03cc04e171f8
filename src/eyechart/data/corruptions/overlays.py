"""What lies over a picture: light, stripes of its negative, fog, and mud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.corruptions.frame import in_pixels, smoothed

if TYPE_CHECKING:
    from eyechart.data.corruptions.draws import Draws

MUD = (63 / 255, 42 / 255, 20 / 255)  # grey images have the first
MOST_MUD = 0.8  # less than this share of mud on a pixel is none
LEAST_FOG_SIDE = 256  # of the map that fog is cut from: nine times MNIST's side, so that much of it varies slowly
KEPT, MARGIN = 4, 2  # pixels between its points; points around the corner that is needed


def brightness(images: np.ndarray, draws: Draws, more: float) -> np.ndarray:
    """Lighter by this much, colours keeping hue and saturation (the V of HSV); the same for all images."""
    value = images.max(axis=1, keepdims=True)
    lighter = np.minimum(value + np.float32(more), 1)
    # Black has no hue, and becomes grey.
    return np.asarray(np.where(value > 0, images * (lighter / np.where(value > 0, value, 1)), lighter))


def stripe(images: np.ndarray, draws: Draws, columns: float) -> np.ndarray:
    """The negative of the left and the right columns of the image; the same for all images."""
    width = images.shape[3]
    number = max(1, round(in_pixels(columns, width, width)))
    striped = images.copy()
    striped[..., :number] = 1 - striped[..., :number]
    striped[..., width - number :] = 1 - striped[..., width - number :]
    return striped


def spatter(
    images: np.ndarray, draws: Draws, mean: float, deviation: float, drop_sigma: float, least: float, edge_sigma: float
) -> np.ndarray:
    """Drops of mud: where smoothed noise is above `least`, with edges smoothed again."""
    num_channels, height, width = images.shape[1:]
    noise = mean + deviation * draws.normal("mud", height, width)
    is_mud = smoothed(noise, in_pixels(drop_sigma, height, width)) > least
    mud = smoothed(is_mud.astype(np.float32), in_pixels(edge_sigma, height, width))
    mud = np.where(mud < MOST_MUD, np.float32(0), mud)[:, None]  # (N, 1, H, W)
    colour = np.array(MUD[:num_channels], np.float32)[:, None, None]
    return np.asarray(images * (1 - mud) + colour * mud)


# --------------------------------------------------------------------------------------------- fog


def fog(images: np.ndarray, draws: Draws, amount: float, decay: float) -> np.ndarray:
    """White clouds of this amount over the picture, the whole then brought back to its brightest pixel.

    Clouds are a corner of a plasma fractal (Fournier, Fussell and Carpenter 1982): at each halving of the distance
    between points the variation is divided by `decay`, squared.
    """
    brightest = images.max(axis=(1, 2, 3), keepdims=True)
    clouds = _clouds(draws, images.shape[2], images.shape[3], np.float32(decay))[:, None]
    return np.asarray((images + np.float32(amount) * clouds) * (brightest / (brightest + np.float32(amount))))


def _clouds(draws: Draws, height: int, width: int, decay: np.float32) -> np.ndarray:
    """float32 (N, H, W), about 0..1: a corner of a map that goes from 0 to 1.

    The whole map is worked out for points KEPT pixels apart, which tell its range, and all pixels in the corner alone:
    finer points would move the range by a few hundredths and take ten times as long.
    """
    step, wobble = max(LEAST_FOG_SIDE, 2 ** int(np.ceil(np.log2(max(height, width))))), np.float32(1)
    heights = np.zeros((len(draws), 1, 1), np.float32)
    while step > KEPT:
        heights = _finer(heights, draws.uniform(f"clouds {step}", 3, *heights.shape[1:]), wobble)
        step, wobble = step // 2, wobble / decay**2
    low, high = (end(heights, axis=(1, 2), keepdims=True) for end in (np.min, np.max))
    for axis, pixels in ((1, height), (2, width)):
        near = np.arange(-MARGIN, -(-pixels // step) + MARGIN) % heights.shape[axis]  # the map is a torus
        heights = heights.take(near, axis=axis)
    while step > 1:
        heights = _finer(heights, draws.uniform(f"clouds {step}", 3, *heights.shape[1:]), wobble)
        step, wobble = step // 2, wobble / decay**2
    corner = heights[:, MARGIN * KEPT :, MARGIN * KEPT :][:, :height, :width]
    return np.asarray((corner - low) / (high - low))


def _finer(heights: np.ndarray, chance: np.ndarray, wobble: np.float32) -> np.ndarray:
    """A map (N, R, C) with twice the points each way, the new ones the mean of four around them and up to +-`wobble`.

    Diamond-square on a torus; in a window of it, the outermost points lack neighbours and are to be cut off.
    """
    moved = (2 * chance - 1) * wobble  # (N, 3, R, C)
    across = heights + np.roll(heights, -1, axis=1)
    middles = (across + np.roll(across, -1, axis=2)) / 4 + moved[:, 0]
    right = (middles + np.roll(middles, 1, axis=1) + heights + np.roll(heights, -1, axis=2)) / 4 + moved[:, 1]
    below = (middles + np.roll(middles, 1, axis=2) + heights + np.roll(heights, -1, axis=1)) / 4 + moved[:, 2]
    finer = np.empty((len(heights), 2 * heights.shape[1], 2 * heights.shape[2]), np.float32)
    finer[:, ::2, ::2], finer[:, 1::2, 1::2] = heights, middles
    finer[:, ::2, 1::2], finer[:, 1::2, ::2] = right, below
    return finer
