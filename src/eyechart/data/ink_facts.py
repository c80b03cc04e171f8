"""Whether a set of images is ink on even ground, as handwriting is, and what its ink looks like: measured, not named.

even       the border of nearly every image has one and the same colour, black or white
strokes    what stands on it is thin in proportion to its box
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from PIL import Image

from eyechart.data.strokes import thickness
from eyechart.schema import InkFacts

if TYPE_CHECKING:
    from eyechart.schema.contracts import Images

MOST_MEASURED = 300  # images, evenly spread over the part
FEWEST = 20  # images with ink; fewer say nothing about a set
EVEN_LEVELS = 16  # grey levels that a border may be away from black or white
EVEN_SHARE = 0.95  # of the images have such a border
MOST_STROKE = 0.25  # of the box's longer side; clothing, faces and the like are thicker
LEAST_CONTRAST = 64  # grey levels between ground and ink, median image
FINE, SMALL_SIDE = 3, 48  # pixels across that each pixel of an image so small becomes before strokes are measured
INK_LEVEL = 0.5  # of an image's own largest contrast: the edge of a stroke
TOLERANCE = 0.25  # of its own value, by which a measure may lie outside of a range
UPRIGHT, BAR = 0.4, 1.8  # width by height; strokes in the width: what is below both is one straight stroke
STRAY = 0.3  # per cent of the images at either end


class Measures(NamedTuple):
    """What the ink of one image looks like."""

    side: float  # pixels: longer side of the box around it
    stroke: float  # pixels
    share: float  # 0..1, of the box
    aspect: float  # width by height of the box
    mass: tuple[float, float]  # centre of mass (x, y) from the middle of the image, in pixels
    box: tuple[float, float]  # centre of the box, the same


def measure_set(images: Images) -> InkFacts | None:
    """What the ink of images uint8 (N, C, H, W) has in common; None where they are no ink on even ground."""
    if images.shape[1] != 1 or not len(images):
        return None
    rows = np.unique(np.linspace(0, len(images) - 1, min(MOST_MEASURED, len(images))).astype(np.int64))
    chosen = images[rows][:, 0].astype(np.float32)
    ground = np.median(np.concatenate([chosen[:, 0], chosen[:, -1], chosen[:, :, 0], chosen[:, :, -1]], axis=1), axis=1)
    is_bright = bool(np.median(ground) < 128)
    far = np.abs(ground - (0 if is_bright else 255))
    if (far <= EVEN_LEVELS).mean() < EVEN_SHARE:
        return None
    inked = (chosen if is_bright else 255 - chosen) / 255
    if 255 * float(np.median(inked.max(axis=(1, 2)))) < LEAST_CONTRAST:
        return None
    measured = [found for ink in inked if (found := measure_ink(ink))]
    return _in_common(measured, is_bright) if len(measured) >= FEWEST else None


def _in_common(measured: list[Measures], is_bright: bool) -> InkFacts | None:
    side, stroke = (float(np.median([getattr(each, name) for each in measured])) for name in ("side", "stroke"))
    if stroke > MOST_STROKE * side:
        return None
    places = {name: np.array([getattr(each, name) for each in measured]) for name in ("mass", "box")}  # (N, 2)
    away = {name: np.abs(place - np.median(place, axis=0)).max(axis=1) for name, place in places.items()}
    centred: Literal["mass", "box"] = "mass" if away["mass"].mean() < away["box"].mean() else "box"
    x, y = np.median(places[centred], axis=0).tolist()
    ranges = {
        name: _range([getattr(each, name) for each in measured]) for name in ("side", "stroke", "share", "aspect")
    }
    return InkFacts(
        is_bright=is_bright,
        box_side=side,
        stroke=stroke,
        centred_by=centred,
        centre=(x, y),
        centre_spread=float(np.percentile(away[centred], 100 - STRAY)),
        boxes=ranges["side"],
        strokes=ranges["stroke"],
        shares=ranges["share"],
        aspects=ranges["aspect"],
    )


def _range(values: list[float]) -> tuple[float, float]:
    low, high = np.percentile(values, [STRAY, 100 - STRAY])
    return float(low), float(high)


def measure_ink(ink: np.ndarray) -> Measures | None:
    """Of one image, ink 0..1 float32 (H, W), 0 where there is none; None: nothing stands out."""
    most = float(ink.max())
    if most <= 0:
        return None
    height, width = ink.shape
    fine = FINE if max(ink.shape) <= SMALL_SIDE else 1
    enlarged = Image.fromarray(ink / most).resize((fine * width, fine * height), Image.Resampling.BICUBIC)
    mask = np.asarray(enlarged) > INK_LEVEL
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    top, bottom, left, right = (edge / fine for edge in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
    x, y = centre_of_mass(ink)
    return Measures(
        side=max(bottom - top, right - left),
        stroke=thickness(mask) / fine,
        share=float(mask.sum()) / fine**2 / ((bottom - top) * (right - left)),
        aspect=(right - left) / (bottom - top),
        mass=(x - width / 2, y - height / 2),
        box=((left + right - width) / 2, (top + bottom - height) / 2),
    )


def centre_of_mass(ink: np.ndarray) -> tuple[float, float]:
    """(x, y) in pixels from the corner, of ink float32 (H, W), not all 0; in doubles, as the page's JavaScript adds."""
    columns, rows = (ink.sum(axis=axis, dtype=np.float64) for axis in (0, 1))
    x, y = (float((sums * (np.arange(len(sums)) + 0.5)).sum()) for sums in (columns, rows))
    total = float(columns.sum())
    return x / total, y / total


def within(value: float, ends: tuple[float, float]) -> bool:
    """Whether a measure lies in the training images' range, or not far outside."""
    return ends[0] * (1 - TOLERANCE) <= value <= ends[1] * (1 + TOLERANCE)


def oddities(measured: Measures, facts: InkFacts) -> list[str]:
    """What is not as in the training images, in words; none: strokes, share of ink and proportions are like theirs.

    One straight upright stroke fills its box, however people lean theirs: where the training images have boxes nearly
    as narrow, only its thickness is asked.
    """
    looked = {"strokes": (measured.stroke, facts.strokes)}
    narrowest = facts.aspects[0] * facts.box_side
    is_bar = measured.aspect < UPRIGHT and measured.aspect * measured.side < BAR * measured.stroke
    if not (is_bar and narrowest < BAR * facts.stroke):
        looked |= {"share of ink": (measured.share, facts.shares), "proportions": (measured.aspect, facts.aspects)}
    return [name for name, (value, ends) in looked.items() if not within(value, ends)]
