"""Noise of single pixels: of too little light, and of broken sensor cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eyechart.data.corruptions.draws import Draws

NUM_GREYS = 256


def shot_noise(images: np.ndarray, draws: Draws, photons: float) -> np.ndarray:
    """As few photons as make noise: Poisson numbers whose mean is `photons` at white, each pixel and channel its own.

    Each number is read off the distribution at one uniform draw, so that fewer photons distort the same picture more.
    """
    greys = np.rint(images * 255).astype(np.int64)  # (N, C, H, W): 256 rates, a table of each
    table = _poisson_table(np.arange(NUM_GREYS) / 255 * photons)  # (256, M)
    below = draws.uniform("photons", *images.shape[1:]).astype(np.float64)
    # One row after the other on one axis: row g lies between g and g + 1.
    rows = (np.arange(NUM_GREYS)[:, None] + np.minimum(table, 1.0)).ravel()
    places = np.searchsorted(rows, (greys + below).ravel(), side="right").reshape(greys.shape)
    counts = places - greys * table.shape[1]
    return np.asarray(counts / photons, np.float32)


def _poisson_table(rates: np.ndarray) -> np.ndarray:
    """float64 (rates, M): P(count <= m); the last column is 1."""
    from scipy.special import pdtr  # scipy.stats would take a second to import

    most = int(rates.max() + 10 * np.sqrt(rates.max()) + 10)  # beyond: less than a uniform draw can tell from 1
    table: np.ndarray = pdtr(np.arange(most)[None], rates[:, None])
    table[:, -1] = 1.0
    return table


def impulse_noise(images: np.ndarray, draws: Draws, share: float) -> np.ndarray:
    """Salt and pepper: this share of pixels, in each channel by itself, is white or black, half of them each."""
    chance = draws.uniform("impulses", *images.shape[1:])
    spoiled = np.where(chance < share / 2, np.float32(0), images)
    return np.asarray(np.where(chance > 1 - share / 2, np.float32(1), spoiled))
