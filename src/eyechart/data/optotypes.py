"""The rows of an eye chart: test images that shrink, fade, blur, turn, or are crowded, from row to row in equal steps.

A dimension has a row that is left as it is and rows of growing difficulty; every row shows the same images, so that
what differs from row to row is the difficulty alone.  What is drawn at random (noise, side, place) belongs to an image
and grows with the row: it is the same noise, stronger.

Steps are those of charts for people: 0.1 log units of size (Bailey and Lovie 1976), 0.15 of contrast (Pelli, Robson and
Wilkins 1988).  Crowding lays neighbours at falling distance beside the target (Bouma 1970).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eyechart.schema.contracts import LabelledImages
from eyechart.schema.exam import ExamDimension, Row, Unit

LEAST_ITEMS = 100  # images a row
MOST_ITEMS = 300  # where there are more classes, some classes are left out
SEED = 20_019


@dataclass(frozen=True)
class Dimension:
    """One way in which reading gets harder.

    `levels` grow harder from the first on, which leaves an image as it is; `change` is given float32 images
    (N, C, H, W) in 0..1, their ground (N, C, 1, 1), a level and what is drawn for each image.
    """

    name: str
    words: tuple[str, str]  # English, French
    unit: Unit
    levels: tuple[float, ...]
    is_log: bool  # steps are equal in the logarithm
    change: Callable[[np.ndarray, np.ndarray, float, Drawn], np.ndarray]


@dataclass(frozen=True)
class Drawn:
    """What belongs to an image in all rows."""

    noise: np.ndarray  # float32 (N, C, H, W), standard normal
    sign: np.ndarray  # (N,), -1 or 1
    place: np.ndarray  # (N, 2) in 0..1
    left: np.ndarray  # float32 (N, C, H, W): neighbours of other classes
    right: np.ndarray


def choose(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Numbers of the images that are shown: as many of each class, LEAST_ITEMS or more together; always the same ones.

    Classes that have fewer images show what they have.
    """
    random = np.random.default_rng(SEED)
    order = random.permutation(len(labels))
    each = max(1, -(-LEAST_ITEMS // num_classes))
    chosen = [order[labels[order] == label][:each] for label in range(num_classes)]
    rows = [numbers[place] for place in range(each) for numbers in chosen if place < len(numbers)]
    return np.array(rows[:MOST_ITEMS], np.int64)


def drawn_for(part: LabelledImages, chosen: np.ndarray) -> Drawn:
    """Everything at random, by the numbers of the images alone."""
    random = np.random.default_rng([SEED, len(chosen)])
    shape = (len(chosen), *part.images.shape[1:])
    noise = random.standard_normal(shape, np.float32)
    sign = random.choice([-1.0, 1.0], len(chosen))
    place = random.random((len(chosen), 2))
    labels = part.labels[chosen]
    neighbours = [_of_another_class(labels, random) for _ in range(2)]
    left, right = (as_floats(part.images[chosen[each]]) for each in neighbours)
    return Drawn(noise, sign, place, left, right)


def _of_another_class(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """For each image the place of another one that is called otherwise, where there is one."""
    found = np.arange(len(labels))
    for place, label in enumerate(labels):
        others = np.flatnonzero(labels != label)
        if len(others):
            found[place] = random.choice(others)
    return found


def rows_of(dimension: Dimension, images: np.ndarray, drawn: Drawn) -> np.ndarray:
    """uint8 (L, N, C, H, W): a row a level.  `images` are uint8 (N, C, H, W)."""
    floats, ground = as_floats(images), ground_of(images)
    rows = (dimension.change(floats, ground, level, drawn) for level in dimension.levels)
    # Bytes at once, row by row: as floats, large images of all rows would fill the memory.
    return np.stack([np.rint(255 * np.clip(row, 0, 1)).astype(np.uint8) for row in rows])


def as_floats(images: np.ndarray) -> np.ndarray:
    """uint8 -> float32 in 0..1."""
    return np.asarray(images, np.float32) / 255


def ground_of(images: np.ndarray) -> np.ndarray:
    """float32 (N, C, 1, 1): the median of an image's edge, what its sign stands on."""
    edges = (images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1])
    ground = np.median(np.concatenate(edges, axis=-1), axis=-1) / 255
    found: np.ndarray = ground[..., None, None].astype(np.float32)
    return found


# --------------------------------------------------------------------------------------------- what is changed


def shrink(images: np.ndarray, ground: np.ndarray, share: float, drawn: Drawn) -> np.ndarray:
    """To a share of each side, in the middle of the ground."""
    from PIL import Image

    height, width = images.shape[-2:]
    size = max(1, round(share * width)), max(1, round(share * height))
    found = np.broadcast_to(ground, images.shape).copy()
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    for place, channel in np.ndindex(images.shape[:2]):
        small = Image.fromarray(images[place, channel]).resize(size, Image.Resampling.BOX)
        found[place, channel, top : top + size[1], left : left + size[0]] = small
    return found


def fade(images: np.ndarray, ground: np.ndarray, contrast: float, drawn: Drawn) -> np.ndarray:
    """Towards the ground, to a share of the contrast."""
    faded: np.ndarray = ground + contrast * (images - ground)
    return faded


def blur(images: np.ndarray, ground: np.ndarray, sigma: float, drawn: Drawn) -> np.ndarray:
    """Gaussian, `sigma` as a share of the image's height."""
    from scipy.ndimage import gaussian_filter

    pixels = sigma * images.shape[-2]
    blurred: np.ndarray = gaussian_filter(images - ground, (0, 0, pixels, pixels), mode="constant") + ground
    return blurred


def add_noise(images: np.ndarray, ground: np.ndarray, deviation: float, drawn: Drawn) -> np.ndarray:
    """Normal, its standard deviation in shares of the range from black to white."""
    noisy: np.ndarray = images + deviation * drawn.noise
    return noisy


def turn(images: np.ndarray, ground: np.ndarray, degrees: float, drawn: Drawn) -> np.ndarray:
    """About the middle, to either side."""
    from scipy.ndimage import rotate

    found = np.empty_like(images)
    for place, sign in enumerate(drawn.sign):
        turned = rotate(images[place] - ground[place], sign * degrees, axes=(1, 2), reshape=False, order=1)
        found[place] = turned + ground[place]
    return found


def cover(images: np.ndarray, ground: np.ndarray, share: float, drawn: Drawn) -> np.ndarray:
    """A grey square over a share of the image's area, in a place of its own that it grows about."""
    height, width = images.shape[-2:]
    found = images.copy()
    half = np.sqrt(share) / 2
    for place, (y, x) in enumerate(drawn.place):
        # Nowhere beyond the edge, so that the share is what it says.
        middle_y, middle_x = (np.clip(each, half, 1 - half) for each in (y, x))
        rows = slice(round((middle_y - half) * height), round((middle_y + half) * height))
        columns = slice(round((middle_x - half) * width), round((middle_x + half) * width))
        found[place, :, rows, columns] = 0.5
    return found


def crowd(images: np.ndarray, ground: np.ndarray, spacing: float, drawn: Drawn) -> np.ndarray:
    """Between two others, whose middles are so many widths away; where signs overlap, the stronger one is seen."""
    shift = round(spacing * images.shape[-1])
    found = images - ground
    for others, step in ((drawn.left, -shift), (drawn.right, shift)):
        moved = _shifted(others - ground_of(np.rint(255 * others).astype(np.uint8)), step)
        found = np.where(np.abs(moved) > np.abs(found), moved, found)
    crowded: np.ndarray = found + ground
    return crowded


def _shifted(signs: np.ndarray, step: int) -> np.ndarray:
    """To the right by `step` pixels (left where below 0); what leaves the image is gone."""
    found = np.zeros_like(signs)
    width = signs.shape[-1]
    if abs(step) < width:
        target = slice(max(0, step), min(width, width + step))
        source = slice(max(0, -step), min(width, width - step))
        found[..., target] = signs[..., source]
    return found


def _falling(log_step: float, number: int) -> tuple[float, ...]:
    """1, and `number` more, each smaller by the same factor."""
    return tuple(float(10 ** (-log_step * place)) for place in range(number + 1))


def _steps(first: float, step: float, number: int) -> tuple[float, ...]:
    return tuple(round(first + step * place, 4) for place in range(number))


def _growing(first: float, number: int) -> tuple[float, ...]:
    """0, and `number` more in equal ratios of a tenth of a log unit."""
    return (0.0, *(float(first * 10 ** (0.1 * place)) for place in range(number)))


DIMENSIONS: dict[str, Dimension] = {
    each.name: each
    for each in (
        Dimension("size", ("size", "taille"), "side", _falling(0.1, 10), True, shrink),
        Dimension("contrast", ("contrast", "contraste"), "share", _falling(0.15, 14), True, fade),
        Dimension("blur", ("blur", "flou"), "side", _growing(0.02, 11), True, blur),
        Dimension("noise", ("noise", "bruit"), "share", _growing(0.1, 13), True, add_noise),
        Dimension("rotation", ("rotation", "rotation"), "degrees", tuple(map(float, range(0, 100, 9))), False, turn),
        Dimension("occlusion", ("occlusion", "occultation"), "share", _steps(0.0, 0.08, 12), False, cover),
        Dimension("crowding", ("crowding", "encombrement"), "widths", (1.0, *_steps(0.85, -0.07, 10)), False, crowd),
    )
}


def as_record(dimension: Dimension) -> ExamDimension:
    """Its rows with how hard each is: growing in equal steps, None for the one that is left as it is."""
    sign = 1 if dimension.levels[-1] > dimension.levels[1] else -1
    rows = [Row(level=dimension.levels[0], hardness=None)]
    for level in dimension.levels[1:]:
        rows.append(Row(level=level, hardness=sign * (math.log10(level) if dimension.is_log else level)))
    return ExamDimension(name=dimension.name, unit=dimension.unit, is_log=dimension.is_log, rows=tuple(rows))
