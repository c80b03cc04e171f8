"""Spoil the images of a part: the same pictures for the same seed, whichever of them are asked for, in any order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.corruptions.draws import Draws
from eyechart.data.corruptions.table import corruption_of

if TYPE_CHECKING:
    from eyechart.data.corruptions.table import Corruption
    from eyechart.schema.contracts import Images

PIXELS_AT_ONCE = 2**18  # of all channels: 334 images of MNIST, whose numbers stay in the processor's cache
LEAST_AT_ONCE = 16  # images, however large: glass blur goes from pixel to pixel, for all of them together


def corrupted(
    images: Images, name: str, level: str, *, seed: int = 0, numbers: np.ndarray | None = None, num_threads: int = 1
) -> np.ndarray:
    """Images uint8 (N, C, H, W) under one corruption, the same shape and type; the originals are not written to.

    `level` is "1" (mild) to "5", or "published"; `numbers` int64 (N,) are the places of these images in their part, of
    which, with the seed, each image's draw is a function (None: they are the first N).  UsageError for a name or a
    level that there is not.
    """
    corruption = corruption_of(name)
    return spoiled_by(corruption, corruption.parameters_at(level), images, seed, numbers, num_threads)


def spoiled_by(
    corruption: Corruption,
    parameters: tuple[float, ...],
    images: Images,
    seed: int = 0,
    numbers: np.ndarray | None = None,
    num_threads: int = 1,
) -> np.ndarray:
    """The same under any corruption, of the fifteen or not, with its parameters."""
    draws = Draws(seed, corruption.name, np.arange(len(images)) if numbers is None else numbers)
    spoiled = np.empty(images.shape, np.uint8)
    at_once = max(LEAST_AT_ONCE, PIXELS_AT_ONCE // max(1, int(np.prod(images.shape[1:]))))

    def spoil(start: int) -> None:
        rows = slice(start, start + at_once)
        pixels = np.asarray(images[rows]).astype(np.float32) / np.float32(255)
        changed = corruption.change(pixels, draws.some(rows), *parameters)
        spoiled[rows] = np.rint(np.clip(changed, 0, 1) * np.float32(255)).astype(np.uint8)

    with ThreadPoolExecutor(max(1, num_threads)) as pool:
        list(pool.map(spoil, range(0, len(images), at_once)))
    return spoiled
