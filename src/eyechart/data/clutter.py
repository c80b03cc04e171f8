"""Pieces of other images around what an image shows: the same picture for the same seed, number and place.

The pieces of fewer are among those of more, so that levels differ by what is added and by nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from eyechart.base.seeding import derived_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema.contracts import Images

VERSION = 1  # of the rule: another one is another context
PIECE_SHARE = 5 / 28  # of the shorter side
LEAST_PIECE = 2  # pixels
LEAST_INK = 0.5  # of full contrast, that a piece of ink has somewhere
MOST_INK = 0.25  # of full contrast, that may be where a piece comes: nothing of the image's own is covered
TRIES = 20  # for a piece that shows something


def cluttered(
    images: Images, others: Images, amount: int, *, numbers: Sequence[int], is_bright: bool | None, seed: int = 0
) -> np.ndarray:
    """uint8 (N, C, H, W) with `amount` square pieces of `others` (M, C, H, W) each.

    `numbers`: N places of the images among the others, from which none takes a piece of itself.  `is_bright`: the ink
    is brighter than its ground, and pieces of ink come where the image has none and cover nothing; None: pictures
    without a ground, over which pieces are laid wherever it falls.
    """
    made = np.array(images[:], np.uint8)
    side = max(LEAST_PIECE, round(PIECE_SHARE * min(made.shape[2:])))
    for image, number in zip(made, numbers, strict=True):
        _clutter(image, others, side, amount, int(number), is_bright, seed)
    return made


def _clutter(
    image: np.ndarray, others: Images, side: int, amount: int, number: int, is_bright: bool | None, seed: int
) -> None:
    """Change one image (C, H, W) in place."""
    free = None if is_bright is None else _free_places(image, side, is_bright)
    for place in range(amount):
        random = np.random.default_rng(derived_seed(seed, f"clutter/{place}", number))
        piece = _piece(others, side, number, is_bright, random)
        if free is None or not len(free):
            top, left = (int(random.integers(0, size - side + 1)) for size in image.shape[1:])
        else:
            top, left = free[random.integers(len(free))]
        spot = image[:, top : top + side, left : left + side]
        if is_bright is None:
            spot[:] = piece
        else:
            (np.maximum if is_bright else np.minimum)(spot, piece, out=spot)


def _free_places(image: np.ndarray, side: int, is_bright: bool) -> np.ndarray:
    """int64 (F, 2): tops and lefts of the squares in which there is no ink."""
    windows = sliding_window_view(_ink(image, is_bright), (side, side))
    return np.argwhere(windows.max(axis=(2, 3)) <= MOST_INK)


def _ink(image: np.ndarray, is_bright: bool) -> np.ndarray:
    """float (H, W), 0..1."""
    share: np.ndarray = image.max(axis=0) / 255 if is_bright else 1 - image.min(axis=0) / 255
    return share


def _piece(others: Images, side: int, number: int, is_bright: bool | None, random: np.random.Generator) -> np.ndarray:
    """uint8 (C, side, side) of another image; of ink one that has some, as far as tries go."""
    piece = np.empty(0, np.uint8)
    for _ in range(TRIES):
        chosen = int(random.integers(len(others) - 1)) if len(others) > 1 else 0
        other = others[chosen + (chosen >= number)] if len(others) > 1 else others[0]
        top, left = (int(random.integers(0, size - side + 1)) for size in other.shape[1:])
        piece = other[:, top : top + side, left : left + side]
        if is_bright is None or _ink(piece, is_bright).max() >= LEAST_INK:
            break
    return piece
