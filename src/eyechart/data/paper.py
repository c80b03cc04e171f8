"""From a picture to the ink that stands on it: which grey, how the light falls, which of the two is bright, how strong.

grey       luminance, or the one colour in which the ink stands out far better (yellow on white)
light      what the paper would look like without ink: one value where it is even, else a smooth surface for lamp and
           lens (a polynomial that leaves ink out), and on it what a wide median sees, for shadows with an edge
polarity   ink is what differs from the paper by more than noise, and lies on the side where there is more of it
contrast   what is left above a floor of noise, so that ink has 1 and paper 0
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

LEAST_CONTRAST = 20.0  # grey levels of 255 from ink to paper; below it nothing is written
NOISES = 4.0  # so many times the noise is still noise
LEAST_FLOOR = 8.0  # grey levels that are noise anyway: those of JPEG
BETTER_COLOUR = 1.5  # times as much contrast as luminance has, for one colour to be taken instead
RING = 0.04  # of the shorter side: how wide the border is
EVEN_SPREAD, EVEN_SHARE = 3.0, 0.5  # grey levels of the border's spread, and share of all pixels that are as it is
COARSE = 48  # pixels of the longer side of the picture on which light is estimated
WIDE_MEDIAN = 17  # pixels of that picture
ROUNDS = 8  # of fitting and leaving out
LEFT_OUT = 2.0  # spreads from the surface, from which on a pixel is taken for ink
NOISY, SMOOTHING = 2.0, 400  # grey levels; pixels of the longer side for each pixel of smoothing
DARKEST_PAPER = 24.0  # grey levels by which is divided at least


class Ink(NamedTuple):
    """What stands on the paper."""

    strength: np.ndarray  # float32 (H, W), 0 paper to 1 ink
    is_bright: bool  # the ink was brighter than the paper
    is_even: bool  # the light was
    contrast: float  # grey levels from ink to paper; below LEAST_CONTRAST nothing is written
    light: np.ndarray  # float32 (H, W), grey levels of the paper alone


def grey_of(colours: np.ndarray) -> tuple[np.ndarray, str]:
    """float32 (H, W), 0..255, of a picture uint8 (H, W) or (H, W, 3); and which grey that is."""
    if colours.ndim == 2:
        return colours.astype(np.float32), "grey"
    luminance = np.asarray(Image.fromarray(colours).convert("L"), np.float32)
    best, name, most = luminance, "luminance", BETTER_COLOUR * _reach(luminance)
    for channel, colour in enumerate(("red", "green", "blue")):
        plane = colours[:, :, channel].astype(np.float32)
        if (reach := _reach(plane)) > max(most, LEAST_CONTRAST):
            best, name, most = plane, colour, reach
    return best, name


def _reach(plane: np.ndarray) -> float:
    """How far the furthest hundredth of the pixels is from the median, in grey levels."""
    some = plane[:: max(1, plane.shape[0] // 128), :: max(1, plane.shape[1] // 128)]
    return float(np.percentile(np.abs(some - np.median(some)), 99))


def find_ink(grey: np.ndarray) -> Ink:
    """What is written on a picture, float32 (H, W) of 0..255."""
    light, is_even = light_of(grey)
    difference = grey - light
    noise = _noise(difference)
    if noise > NOISY:
        from scipy.ndimage import gaussian_filter

        difference = gaussian_filter(difference, max(grey.shape) / SMOOTHING)
        noise = _noise(difference)
    floor = max(LEAST_FLOOR, NOISES * noise)
    above, below = (float(np.maximum(side - floor, 0).sum()) for side in (difference, -difference))
    is_bright = above > below
    contrast = difference if is_bright else -difference * (255 / np.maximum(light, DARKEST_PAPER))
    contrast = np.clip(contrast, 0, 255)
    level = _ink_level(contrast, floor)
    strength = np.clip((contrast - floor / 2) / max(level - floor / 2, LEAST_CONTRAST / 2), 0, 1).astype(np.float32)
    return Ink(strength, is_bright, is_even, level if level > floor else 0.0, light)


def light_of(grey: np.ndarray) -> tuple[np.ndarray, bool]:
    """The paper without ink, float32 (H, W), and whether it is even."""
    width = max(1, round(RING * min(grey.shape)))
    ring = np.concatenate(
        [grey[:width].ravel(), grey[-width:].ravel(), grey[:, :width].ravel(), grey[:, -width:].ravel()]
    )
    usual = float(np.median(ring))
    spread = 1.4826 * float(np.median(np.abs(ring - usual)))
    if spread <= EVEN_SPREAD and float((np.abs(grey - usual) <= 2 * EVEN_SPREAD).mean()) >= EVEN_SHARE:
        return np.full_like(grey, usual), True
    height, width = grey.shape
    scale = min(1.0, COARSE / max(grey.shape))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    coarse = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX), np.float32)
    surface = _smooth_surface(coarse)
    rest = np.clip(coarse - surface + 128, 0, 255).astype(np.uint8)
    wide = Image.fromarray(rest).filter(ImageFilter.MedianFilter(WIDE_MEDIAN))
    light = surface + np.asarray(wide, np.float32) - 128
    full = Image.fromarray(light).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(full, np.float32), False


def _smooth_surface(coarse: np.ndarray) -> np.ndarray:
    """A polynomial, fourth degree in radius and second in place, through the pixels that are paper: float32 (h, w)."""
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, side) for side in coarse.shape), indexing="ij")
    radius = rows**2 + columns**2
    terms = [np.ones_like(rows), rows, columns, rows * columns, rows**2, columns**2, radius**2]
    basis = np.stack([term.ravel() for term in terms], axis=1)
    values = coarse.ravel().astype(np.float64)
    kept = np.ones(len(values), bool)
    fitted = values
    for _ in range(ROUNDS):
        fitted = basis @ np.linalg.lstsq(basis[kept], values[kept], rcond=None)[0]
        away = values - fitted
        away -= np.median(away)
        kept = np.abs(away) <= LEFT_OUT * max(1.0, 1.4826 * float(np.median(np.abs(away))))
        if kept.sum() < 4 * len(terms):
            break
    return fitted.reshape(coarse.shape).astype(np.float32)


def _noise(difference: np.ndarray) -> float:
    """The spread of the paper's pixels, in grey levels: more than half of all pixels are paper."""
    return 1.4826 * float(np.median(np.abs(difference - np.median(difference))))


def _ink_level(contrast: np.ndarray, floor: float) -> float:
    """Grey levels of the ink itself: the middle of the upper group among what is no noise.  0: there is none."""
    values = contrast[contrast > floor]
    if not len(values):
        return 0.0
    counts = np.bincount(values.astype(np.int64), minlength=256).astype(np.float64)
    return float(np.median(values[values >= upper_group(counts)]))


def upper_group(counts: np.ndarray) -> int:
    """Where the upper of two groups of values begins, by how many there are of each.  Source: Otsu 1979."""
    below, sums = counts.cumsum(), (counts * np.arange(len(counts))).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.nan_to_num(between).argmax()) + (1 if (counts > 0).sum() > 1 else 0)
