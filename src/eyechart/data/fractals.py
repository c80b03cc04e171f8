"""One fractal, changed a little a thousand times: a source task that needs neither fonts nor a download.

    the fractal     two affine maps of the plane; who jumps by one or the other, at random, draws their attractor
    a class         the same maps, each of their twelve numbers a little larger or smaller
    a picture       4,096 jumps of its class, at its own place, turned, larger or smaller, bolder or finer, with noise

Every number comes from whole random bits by sums, products and quotients alone, element by element, which IEEE 754
rounds one way; no root, sine, power or matrix product is among them.  So every machine makes the same bytes.

No picture is slanted, nor stretched along one axis: a system that is moved so is another one's perturbation, so that
this would hide what makes a class.

Source: Nakamura et al. 2024, "Scaling Backwards: Minimal Synthetic Pre-training?" (arXiv 2408.00677), "1p-frac": one
system of two maps whose sigma-factor is 3.5, each number times a factor within 1 +- .1 (so their code), a thousand
classes.  There a class has one picture of 512 pixels, and its variety comes from augmentation.  The sigma-factor is
Anderson and Farrell's (2022, "Improving Fractal Pre-training"): the larger singular value and twice the smaller, summed
over the maps.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from eyechart.base.seeding import derived_seed
from eyechart.data.known import KNOWN

VERSION = 1  # of the rule by which a seed becomes pictures
PICTURE, FINE = 28, 2  # pixels: side of a picture, and how many cells it is the mean of along each axis
NUM_CLASSES = len(KNOWN["fractals"].classes)
DELTA = 0.1  # the largest share by which a number of a map is changed

# x' = a x + b y + e and y' = c x + d y + f, as (a, b, e, c, d, f).  Drawn by Anderson and Farrell's rule, and chosen
# among 1,500 because its classes differ much for what pictures of one class do (lab log of 2026-11-26).
MAPS = ((-0.276, 0.609, -0.668, -0.644, -0.192, 0.943), (0.332, -0.557, 0.439, -0.330, -0.394, 0.986))
FIRST_OF_256 = 150  # how often the first map is taken: the shares of the two areas, |ad - bc|

WALKERS, JUMPS, UNSEEN = 64, 64, 16  # points at once, their jumps, and those before, until each lies on the attractor
SIDE = 22  # pixels: of the square that an attractor fills, before it is turned and made larger or smaller


class _Chances(NamedTuple):
    """All that is random about some pictures; B of them."""

    jumps: np.ndarray  # uint8 (B, UNSEEN + JUMPS, WALKERS)
    looks: np.ndarray  # float64 (B, 7) in 0..1
    noise: np.ndarray  # uint8 (B, PICTURE, PICTURE)


def pictures(numbers: range, seed: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The pictures of these numbers uint8 (B, 1, 28, 28), white on black, and their classes int64 (B,).

    A picture is a function of seed, part and number.
    """
    labels = np.array([number % NUM_CLASSES for number in numbers], np.int64)  # every class as often
    chances = _chances([derived_seed(seed, f"fractals/{part}", number) for number in numbers])
    x, y = _placed(*_points(all_systems()[labels], chances.jumps), chances.looks)
    return _developed(_counted(x, y), chances)[:, None], labels


def drawn_with() -> list[str]:
    """All that pictures depend on beside seed and rule: the version of what draws."""
    return [f"numpy {np.__version__}"]


@lru_cache(maxsize=1)
def all_systems() -> np.ndarray:
    """The maps of every class, float64 (K, 2, 6); the same whatever the seed of the pictures."""
    factors = np.random.default_rng(derived_seed(0, "fractals/classes")).random((NUM_CLASSES, 2, 6))
    systems: np.ndarray = np.array(MAPS) * (1 - DELTA + 2 * DELTA * factors)
    return systems


def _chances(seeds: list[int]) -> _Chances:
    shape = (UNSEEN + JUMPS, WALKERS)
    jumps, looks, noise = [], [], []
    for seed in seeds:
        random = np.random.default_rng(seed)
        jumps.append(np.frombuffer(random.bytes(shape[0] * shape[1]), np.uint8))
        noise.append(np.frombuffer(random.bytes(PICTURE * PICTURE), np.uint8))
        looks.append(random.random(7))
    num = len(seeds)
    grain = np.stack(noise).reshape(num, PICTURE, PICTURE)
    return _Chances(np.stack(jumps).reshape(num, *shape), np.stack(looks), grain)


def _points(systems: np.ndarray, jumps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the walkers of each system (B, 2, 6) were: x and y, float64 (B, P), P = JUMPS * WALKERS."""
    first, second = (systems[:, k, :, None] for k in (0, 1))  # (B, 6, 1)
    x, y = np.zeros((2, len(jumps), WALKERS))
    xs, ys = np.empty((2, len(jumps), JUMPS, WALKERS))
    takes_first = jumps < FIRST_OF_256
    for jump in range(UNSEEN + JUMPS):
        a, b, e, c, d, f = (np.where(takes_first[:, jump], first[:, i], second[:, i]) for i in range(6))
        x, y = a * x + b * y + e, c * x + d * y + f
        if jump >= UNSEEN:
            xs[:, jump - UNSEEN], ys[:, jump - UNSEEN] = x, y
    return xs.reshape(len(jumps), -1), ys.reshape(len(jumps), -1)


def _placed(x: np.ndarray, y: np.ndarray, looks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points as pixels of a picture, float64 (B, P) each: the middle is 14, and a few may lie outside."""
    x, y = _filling(x), _filling(y)
    right, down, turn, size = (looks[:, [i]] for i in range(4))
    half = 0.2 * turn - 0.1  # tangent of half the angle, which gives its sine and cosine without either
    cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    scale = SIDE * (0.7 + 0.35 * size)
    return (
        scale * (cosine * x - sine * y) + PICTURE / 2 + 4 * right - 2,
        scale * (sine * x + cosine * y) + PICTURE / 2 + 4 * down - 2,
    )


def _filling(places: np.ndarray) -> np.ndarray:
    """Along one axis (B, P): -.5 to .5, as the authors stretch each axis to the frame."""
    low, high = places.min(axis=1, keepdims=True), places.max(axis=1, keepdims=True)
    filling: np.ndarray = (places - low) / (high - low) - 0.5
    return filling


def _counted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How many points lie in each cell, int64 (B, S, S), S = PICTURE * FINE; those outside are left out."""
    side = PICTURE * FINE
    column, row = np.floor(x * FINE).astype(np.int64), np.floor(y * FINE).astype(np.int64)
    inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    cells = (np.arange(len(x))[:, None] * side + row) * side + column
    counts: np.ndarray = np.bincount(cells[inside], minlength=len(x) * side * side)
    return counts.reshape(-1, side, side)


def _developed(counts: np.ndarray, chances: _Chances) -> np.ndarray:
    """Grey pictures uint8 (B, 28, 28): a cell is full from one to four points on; light and noise differ."""
    weight, light, grain = (chances.looks[:, i, None, None] for i in (4, 5, 6))
    ink = np.floor(255 * np.minimum(counts * (0.3 + 0.7 * weight), 1))  # whole numbers: in any order, their sum is one
    pixels = ink.reshape(-1, PICTURE, FINE, PICTURE, FINE).sum(axis=(2, 4)) / (255 * FINE**2)
    pixels = (0.7 + 0.3 * light) * pixels + 0.1 * grain * (chances.noise / 255 - 0.5)
    grey: np.ndarray = np.floor(255 * np.clip(pixels, 0, 1) + 0.5).astype(np.uint8)
    return grey
