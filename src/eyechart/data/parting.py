"""A picture with several things written on it, cut into pictures with one each: a line of digits, digit by digit.

What is a thing, and what is a stray, is as in handwriting.py, which prepares each of the parts afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from eyechart.data.handwriting import FINE_SIDE, INK_EDGE, on_ground
from eyechart.data.marks import Thing, find_things
from eyechart.data.paper import LEAST_CONTRAST, find_ink, grey_of

PARTING_SIDE = 1000  # pixels of the longer side, on which a large picture is parted
ROOM = 0.25  # of a thing's longer side: paper around it
SOFT_EDGE = 2  # pixels around a thing's ink that are its own edge


class Part(NamedTuple):
    """One thing by itself."""

    picture: Image.Image  # mode L, dark on white, with paper around it
    box: tuple[float, float, float, float]  # around its ink, left, top, right, bottom in the whole picture's own pixels
    corner: tuple[float, float]  # where in the whole picture (x, y) this one begins
    scale: float  # of the whole picture's pixels, for one of these


def part(picture: Image.Image) -> list[Part]:
    """The things on an upright picture of mode L, RGB or RGBA, in reading order; none of a blank one."""
    opaque = on_ground(picture, [])
    longer = max(opaque.size)
    scale = max(1.0, longer / PARTING_SIDE) if longer > FINE_SIDE else longer / FINE_SIDE
    size = max(1, round(opaque.width / scale)), max(1, round(opaque.height / scale))
    if size != opaque.size:
        opaque = opaque.resize(size, Image.Resampling.BOX if scale > 1 else Image.Resampling.BICUBIC, reducing_gap=2.0)
    ink = find_ink(grey_of(np.asarray(opaque))[0])
    if ink.contrast < LEAST_CONTRAST:
        return []
    return [_alone(thing, ink.strength, scale) for thing in find_things(ink.strength > INK_EDGE)]


def _alone(thing: Thing, strength: np.ndarray, scale: float) -> Part:
    """A thing on white; `strength` 0..1 (H, W) of all ink."""
    from scipy.ndimage import binary_dilation

    room = SOFT_EDGE + round(ROOM * max(thing.bottom - thing.top, thing.right - thing.left))
    own = binary_dilation(np.pad(thing.mask, room), np.ones((3, 3)), iterations=SOFT_EDGE)
    around = np.pad(strength, room)[
        thing.top : thing.bottom + 2 * room, thing.left : thing.right + 2 * room
    ]  # the padding moved it by `room`
    levels = np.rint(255 * (1 - np.where(own, around, 0).clip(0, 1))).astype(np.uint8)
    box = (thing.left * scale, thing.top * scale, thing.right * scale, thing.bottom * scale)
    return Part(Image.fromarray(levels), box, ((thing.left - room) * scale, (thing.top - room) * scale), scale)
