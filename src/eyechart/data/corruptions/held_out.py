"""Spoilings outside the fifteen, for choosing robust recipes on validation images: no test is made of them.

Kinds that MNIST-C's authors had and left out of the published arrays, or near those, one level each, written anew and
simply: they need not match anybody's numbers.  Lengths are in pixels of a 28-pixel image (frame.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eyechart.data.corruptions.frame import SIDE, in_pixels, places, smoothed
from eyechart.data.corruptions.table import Corruption

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.data.corruptions.draws import Draws

BLOCK = 8  # pixels of a square that jpeg rounds the cosines of


def gaussian_noise(images: np.ndarray, draws: Draws, sigma: float) -> np.ndarray:
    return np.asarray(images + np.float32(sigma) * draws.normal("noise", *images.shape[1:]))


def speckle_noise(images: np.ndarray, draws: Draws, sigma: float) -> np.ndarray:
    """Noise that grows with brightness."""
    return np.asarray(images * (1 + np.float32(sigma) * draws.normal("noise", *images.shape[1:])))


def gaussian_blur(images: np.ndarray, draws: Draws, sigma: float) -> np.ndarray:
    return smoothed(images, in_pixels(sigma, *images.shape[2:]))


def defocus_blur(images: np.ndarray, draws: Draws, radius: float) -> np.ndarray:
    """Every point a disc."""
    from scipy.ndimage import convolve

    radius = in_pixels(radius, *images.shape[2:])
    across = np.arange(-int(np.ceil(radius)), int(np.ceil(radius)) + 1)
    disc = np.clip(radius + 0.5 - np.hypot(across[:, None], across[None]), 0, 1).astype(np.float32)
    found: np.ndarray = convolve(images, (disc / disc.sum())[None, None], mode="nearest")
    return found


def pixelate(images: np.ndarray, draws: Draws, side: float) -> np.ndarray:
    """Squares of one grey each."""
    height, width = images.shape[2:]
    step = max(2, round(in_pixels(side, height, width)))
    rows, columns = np.arange(0, height, step), np.arange(0, width, step)
    sums = np.add.reduceat(np.add.reduceat(images, rows, axis=2), columns, axis=3)
    areas = np.diff([*rows, height])[:, None] * np.diff([*columns, width])[None]
    squares = sums / areas.astype(np.float32)
    return np.asarray(squares[:, :, np.arange(height) // step][..., np.arange(width) // step])


def jpeg(images: np.ndarray, draws: Draws, step: float) -> np.ndarray:
    """Cosines of squares of 8 x 8 pixels, rounded to steps that grow with frequency."""
    from scipy.fft import dctn, idctn

    height, width = images.shape[2:]
    border = ((0, 0), (0, 0), (0, -height % BLOCK), (0, -width % BLOCK))
    padded = np.pad(images, border, mode="edge")
    rows, columns = padded.shape[2] // BLOCK, padded.shape[3] // BLOCK
    blocks = padded.reshape(*images.shape[:2], rows, BLOCK, columns, BLOCK)
    steps = np.float32(step) * (1 + np.add.outer(np.arange(BLOCK), np.arange(BLOCK)))[:, None].astype(np.float32)
    cosines = dctn(blocks, axes=(3, 5), norm="ortho")
    found = idctn(np.rint(cosines / steps) * steps, axes=(3, 5), norm="ortho")
    return np.asarray(found.reshape(padded.shape)[..., :height, :width])


def contrast(images: np.ndarray, draws: Draws, left: float) -> np.ndarray:
    """So much of the distance to the mean grey of the image is left."""
    mean = images.mean(axis=(2, 3), keepdims=True)
    return np.asarray((images - mean) * np.float32(left) + mean)


def inverse(images: np.ndarray, draws: Draws) -> np.ndarray:
    return np.asarray(1 - images)


def saturate(images: np.ndarray, draws: Draws, times: float, more: float) -> np.ndarray:
    """Too much of everything: what is grey becomes white."""
    return np.asarray(images * np.float32(times) + np.float32(more))


def quantise(images: np.ndarray, draws: Draws, steps: float) -> np.ndarray:
    return np.asarray(np.rint(images * np.float32(steps)) / np.float32(steps))


def elastic(images: np.ndarray, draws: Draws, length: float, sigma: float) -> np.ndarray:
    """Pixels read off up to about `length` away, neighbours alike."""
    from scipy.ndimage import map_coordinates

    height, width = images.shape[2:]
    moves = smoothed(2 * draws.uniform("moves", 2, height, width) - 1, in_pixels(sigma, height, width))
    moves *= in_pixels(length, height, width) / np.abs(moves).max(axis=(1, 2, 3), keepdims=True)
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"))
    found = np.empty_like(images)
    for image, move, target in zip(images, moves, found, strict=True):
        for channel, plane in zip(image, target, strict=True):
            plane[:] = map_coordinates(channel, grid + move, order=1, mode="nearest")
    return found


def gradient(images: np.ndarray, draws: Draws, most: float) -> np.ndarray:
    """Light from one side, which makes the ground pale there."""
    height, width = images.shape[2:]
    angle = 2 * np.pi * draws.uniform("angle")[:, None, None]
    x, y = (2 * places(width) + 1) / SIDE - 1, (2 * places(height) + 1) / SIDE - 1
    along = (np.cos(angle) * x[None, None] + np.sin(angle) * y[None, :, None]) / np.sqrt(2)
    light = (np.float32(most) * (1 + along) / 2)[:, None].astype(np.float32)
    return np.asarray(images * (1 - light) + light)


def frost(images: np.ndarray, draws: Draws, amount: float) -> np.ndarray:
    """Pale veils of crystals: ridges of smoothed noise, over a picture that is darker for it."""
    height, width = images.shape[2:]
    noise = smoothed(draws.normal("crystals", height, width), in_pixels(1.5, height, width))
    noise /= noise.std(axis=(1, 2), keepdims=True)
    veil = np.exp(-2 * np.abs(noise))[:, None]
    return np.asarray(images * np.float32(1 - amount / 2) + np.float32(amount) * veil)


def snow(images: np.ndarray, draws: Draws, share: float, length: float) -> np.ndarray:
    """Short pale streaks, all falling one way."""
    height, width = images.shape[2:]
    flakes = (draws.uniform("flakes", height, width) < share).astype(np.float32)
    signs, streaks = draws.signs("wind"), flakes.copy()
    for step in range(1, max(2, round(in_pixels(length, height, width)))):
        for sign in (-1, 1):
            moved = np.roll(np.roll(flakes[signs == sign], step, axis=1), sign * step, axis=2)
            streaks[signs == sign] = np.maximum(streaks[signs == sign], moved)
    return np.asarray(np.maximum(images, smoothed(streaks, in_pixels(0.5, height, width))[:, None] * np.float32(1.3)))


def scribble(images: np.ndarray, draws: Draws, number: int) -> np.ndarray:
    """Bows of white ink: parabolas from the top to the bottom."""
    height, width = images.shape[2:]
    start, bow, end = (SIDE * draws.uniform("bows", 3, number)).transpose(1, 2, 0)[..., None]  # each (number, N, 1)
    t = (places(height) / (SIDE - 1))[None, None]
    columns = (1 - t) ** 2 * start + 2 * t * (1 - t) * bow + t**2 * end  # (number, N, H)
    distance = np.abs(places(width) - columns[..., None])
    ink = np.clip(1.4 - distance, 0, 1).max(axis=0)
    return np.asarray(np.maximum(images, ink[:, None].astype(np.float32)))


def _one_level(
    words: tuple[str, str], change: Callable[..., np.ndarray], *parameters: float, is_drawn: bool = True
) -> Corruption:
    return Corruption(change.__name__, words, change, (parameters,), published=1, is_drawn=is_drawn)


_ALL = (
    _one_level(("Gaussian noise", "bruit gaussien"), gaussian_noise, 0.35),
    _one_level(("speckle noise", "bruit de chatoiement"), speckle_noise, 0.8),
    _one_level(("Gaussian blur", "flou gaussien"), gaussian_blur, 1.6, is_drawn=False),
    _one_level(("defocus blur", "flou de mise au point"), defocus_blur, 2.5, is_drawn=False),
    _one_level(("pixels", "pixels"), pixelate, 3, is_drawn=False),
    _one_level(("JPEG", "JPEG"), jpeg, 0.25, is_drawn=False),
    _one_level(("contrast", "contraste"), contrast, 0.25, is_drawn=False),
    _one_level(("negative", "négatif"), inverse, is_drawn=False),
    _one_level(("saturation", "saturation"), saturate, 3, 0.2, is_drawn=False),
    _one_level(("few greys", "peu de gris"), quantise, 1, is_drawn=False),
    _one_level(("elastic", "élastique"), elastic, 2.5, 3),
    _one_level(("gradient", "dégradé"), gradient, 0.9),
    _one_level(("frost", "givre"), frost, 0.8),
    _one_level(("snow", "neige"), snow, 0.05, 3),
    _one_level(("scribble", "gribouillis"), scribble, 2),
)
HELD_OUT: dict[str, Corruption] = {each.name: each for each in _ALL}
