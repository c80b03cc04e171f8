"""Digits as a computer prints them, in the fonts that matplotlib carries: what networks that learned handwriting meet.

Nothing is bent, turned or slanted; a picture is one digit of one face at its own size and place.  A network that reads
handwritten digits at 99 % may read few of these, as everyone finds who shows it a screenshot.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version

import numpy as np
from PIL import ImageFont

from eyechart.base.seeding import derived_seed
from eyechart.data.glyphs import FINE, INK, LATIN_TYPE, MARGIN, MASTER, TYPE, type_folder, typed
from eyechart.data.known import DIGITS

VERSION = 1  # of the rule by which a seed becomes pictures
PICTURE = 28  # pixels a side
SIZES, PLACES = (0.8, 1.05), (-2.0, 2.0)  # of INK, and pixels away from the middle
OLD_STYLE = "cmmi10"  # its digits are letters of another alphabet
FACES = (*TYPE, *(name for name in LATIN_TYPE if name != OLD_STYLE))


def pictures(numbers: range, seed: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The pictures of these numbers uint8 (B, 1, 28, 28), white ink on black, and their classes int64 (B,).

    A picture is a function of seed, part and number.  Raises MissingError where matplotlib's fonts are not there.
    """
    made = [_picture(np.random.default_rng(derived_seed(seed, f"font-digits/{part}", n)), n) for n in numbers]
    return np.stack(made), np.array([number % len(DIGITS) for number in numbers], np.int64)


def drawn_with() -> list[str]:
    """All that pictures depend on beside seed and rule: hashes of the fonts, versions of what draws."""
    fonts = [hashlib.sha256((type_folder() / f"{name}.ttf").read_bytes()).hexdigest() for name in FACES]
    return [*fonts, *(f"{name} {version(name)}" for name in ("numpy", "pillow", "scipy"))]


@lru_cache(maxsize=1)
def _masters() -> np.ndarray:
    """Every digit in every face, float32 (faces, 10, MASTER, MASTER) in 0..1, drawn once a process."""
    fonts = [ImageFont.truetype(str(type_folder() / f"{name}.ttf"), MASTER) for name in FACES]
    return np.stack([np.stack([typed(digit, font) for digit in DIGITS]) for font in fonts])


def _picture(random: np.random.Generator, number: int) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    master = _masters()[random.integers(len(FACES)), number % len(DIGITS)]
    size = INK * random.uniform(*SIZES) / (MASTER - 2 * MARGIN)  # pixels of a picture in one of a master
    steps = (np.arange(PICTURE * FINE) + 0.5) / FINE - PICTURE / 2
    rows, columns = ((steps - random.uniform(*PLACES)) / size + (MASTER - 1) / 2 for _ in range(2))
    places = np.meshgrid(rows, columns, indexing="ij")
    ink = map_coordinates(master, places, order=1, mode="constant", prefilter=False)
    pixels = ink.reshape(PICTURE, FINE, PICTURE, FINE).mean(axis=(1, 3))
    grey: np.ndarray = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return grey[None]
