"""Scenes: images of a classification set placed on a canvas, with a tight box around each.

A scene is a function of (seed, number) and of the images that it is made from: it is the same whenever it is asked for,
so nothing has to be kept.  Scenes for training are made from train images alone, those for test from test images.

1. ground    dark, light, textured or coloured, drawn for the scene
2. objects   one after another: an image, its size, its angle, a place where it overlaps no other too much
3. clutter   pieces of other images, smaller than any object, without a box
4. noise     added to every pixel

An image with a plain border is cut out: how far a pixel is from the border's median (boxes.py) is how much ink it has.
Any other image is pasted as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.base.seeding import derived_seed
from eyechart.data.ink import INK_SHARE
from eyechart.schema.objects import Objects, objects_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema.contracts import Images

GROUNDS = ("dark", "light", "textured", "coloured")
PLACES = 30  # that are tried for an object before it is left out; the first object always finds one
PLAIN_BORDER = 0.2  # of the border's pixels that may hold ink, where an image counts as cut out from a plain ground
LEAST_PEAK = 0.1  # of contrast, 0..1: below, an image is an empty sheet and pasted as it is
CLUTTER_SIZE = (0.15, 0.35)  # of the smallest object's side


@dataclass(frozen=True)
class Knobs:
    """How hard scenes are."""

    canvas: int = 128  # pixels a side
    count: tuple[int, int] = (2, 6)  # objects, both ends possible
    side: tuple[int, int] = (20, 44)  # pixels of an object's longer side, before it is turned
    overlap: float = 0.0  # the largest IoU that two boxes may have
    rotation: float = 0.0  # degrees, to either side
    clutter: int = 0  # pieces without a box
    noise: float = 0.0  # standard deviation, of 0..1
    grounds: tuple[str, ...] = ("dark",)  # one is drawn for each scene
    contrast: float = 0.7  # the least between ink and ground, 0..1

    @property
    def num_channels(self) -> int:
        return 3 if "coloured" in self.grounds else 1


LEVELS = {
    "easy": Knobs(),
    "medium": Knobs(
        count=(2, 8), side=(16, 48), overlap=0.1, rotation=15, clutter=3, noise=0.03,
        grounds=("dark", "light", "textured"), contrast=0.5,
    ),
    "hard": Knobs(
        count=(1, 12), side=(12, 56), overlap=0.3, rotation=30, clutter=8, noise=0.08, grounds=GROUNDS, contrast=0.3,
    ),
}  # fmt: skip


def knobs_of(level: str, **changes: Any) -> Knobs:
    """The knobs of a level with some of them turned; those that are None stay.  UsageError for what cannot be."""
    if level not in LEVELS:
        raise UsageError(
            f"There is no level {level!r} of scenes.{did_you_mean(level, LEVELS)} Expected one of {', '.join(LEVELS)}."
        )
    known = {field.name for field in fields(Knobs)}
    assert set(changes) <= known, f"knobs are {known}"
    knobs = replace(LEVELS[level], **{name: value for name, value in changes.items() if value is not None})
    _check(knobs)
    return knobs


def _check(knobs: Knobs) -> None:
    wrong = {
        "canvas": not 8 <= knobs.canvas <= 4096,
        "count": not 0 < knobs.count[0] <= knobs.count[1] <= 200,
        "side": not 4 <= knobs.side[0] <= knobs.side[1] <= knobs.canvas,
        "overlap": not 0 <= knobs.overlap < 1,
        "rotation": not 0 <= knobs.rotation <= 180,
        "clutter": not 0 <= knobs.clutter <= 200,
        "noise": not 0 <= knobs.noise <= 1,
        "grounds": not knobs.grounds or not set(knobs.grounds) <= set(GROUNDS),
        "contrast": not 0 < knobs.contrast <= 1,
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise UsageError(
                f"Scenes cannot have {name} = {getattr(knobs, name)}. Expected a canvas of 8 to 4096 pixels, 1 to 200 "
                f"objects with sides of 4 pixels up to the canvas, overlap below 1, rotation up to 180 degrees, noise "
                f"and contrast up to 1 (contrast above 0), up to 200 pieces of clutter, and grounds out of "
                f"{', '.join(GROUNDS)}."
            )


# --------------------------------------------------------------------------------------------- scenes


def between(text: str) -> tuple[int, int]:
    """ "2-8" -> (2, 8), "5" -> (5, 5).  Raises ValueError for anything else."""
    low, _, high = text.partition("-")
    return int(low), int(high or low)


class Scene(NamedTuple):
    """One picture and what is to be found on it."""

    image: np.ndarray  # uint8 (C, H, W)
    boxes: np.ndarray  # float32 (R, 4), whole pixels; R may be less than was drawn where there was no place
    labels: np.ndarray  # int64 (R,)


class SceneMaker:
    """Makes scenes from the images of one part of a dataset."""

    def __init__(self, images: Images, labels: np.ndarray, knobs: Knobs, seed: int, part: str):
        assert len(images) == len(labels) > 0, "scenes are made from labelled images"
        self.knobs = knobs
        self._images, self._labels, self._purpose, self._seed = images, labels, f"scenes/{part}", seed
        self._by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def scene(self, number: int) -> Scene:
        """The scene of that number, always the same."""
        random = np.random.default_rng(derived_seed(self._seed, self._purpose, number))
        knobs = self.knobs
        canvas = _ground(knobs, str(random.choice(knobs.grounds)), random)
        boxes: list[tuple[int, int, int, int]] = []
        labels: list[int] = []
        for _ in range(random.integers(knobs.count[0], knobs.count[1] + 1)):
            of_class = self._by_class[random.integers(len(self._by_class))]  # every class as often
            which = int(of_class[random.integers(len(of_class))])
            box = self._placed(canvas, which, boxes, random)
            if box is not None:
                boxes.append(box)
                labels.append(int(self._labels[which]))
        for _ in range(knobs.clutter):
            self._clutter(canvas, boxes, random)
        if knobs.noise:
            canvas += random.normal(0, knobs.noise, canvas.shape).astype(np.float32)
        image = np.rint(255 * canvas.clip(0, 1)).astype(np.uint8)
        return Scene(image, np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64))

    def scenes(self, numbers: Sequence[int]) -> tuple[np.ndarray, Objects]:
        """uint8 (B, C, H, W), and what is on them."""
        made = [self.scene(number) for number in numbers]
        objects = objects_of(
            (scene.boxes.tolist(), scene.labels.tolist(), [False] * len(scene.labels)) for scene in made
        )
        return np.stack([scene.image for scene in made]), objects

    def _placed(
        self, canvas: np.ndarray, which: int, boxes: list[tuple[int, int, int, int]], random: np.random.Generator
    ) -> tuple[int, int, int, int] | None:
        """Draw an image where there is room for it; its box, or None where there is none."""
        side = random.integers(self.knobs.side[0], self.knobs.side[1] + 1)
        angle = float(random.uniform(-self.knobs.rotation, self.knobs.rotation))
        stamp = _turned(_cut_out(self._images[which]), int(side), angle)
        ink = _ink_box(stamp.alpha)
        width, height = ink[2] - ink[0], ink[3] - ink[1]
        size = canvas.shape[-1]
        if width > size or height > size:
            return None
        for _ in range(PLACES):
            left, top = int(random.integers(size - width + 1)), int(random.integers(size - height + 1))
            box = (left, top, left + width, top + height)
            if all(_iou(box, other) <= self.knobs.overlap for other in boxes):
                _draw(canvas, stamp, left - ink[0], top - ink[1], self.knobs.contrast, random)
                return box
        return None

    def _clutter(self, canvas: np.ndarray, boxes: list[tuple[int, int, int, int]], random: np.random.Generator) -> None:
        """A piece of some image, small, and on no object."""
        stamp = _cut_out(self._images[int(random.integers(len(self._images)))])
        side = max(3, int(self.knobs.side[0] * random.uniform(*CLUTTER_SIZE)))
        piece = _piece(_turned(stamp, 3 * side, float(random.uniform(-180, 180))), side, random)
        for _ in range(PLACES):
            left, top = (int(place) for place in random.integers(0, canvas.shape[-1] - side + 1, 2))
            box = (left, top, left + side, top + side)
            if all(_iou(box, other) == 0 for other in boxes):
                _draw(canvas, piece, left, top, self.knobs.contrast, random)
                return


def _ground(knobs: Knobs, kind: str, random: np.random.Generator) -> np.ndarray:
    """float32 (C, S, S) in 0..1."""
    shape = (knobs.num_channels, knobs.canvas, knobs.canvas)
    if kind == "light":
        return np.full(shape, random.uniform(0.8, 1.0), np.float32)
    if kind == "dark":
        return np.full(shape, random.uniform(0.0, 0.15), np.float32)
    level = random.uniform(0.1, 0.9, (knobs.num_channels if kind == "coloured" else 1, 1, 1)).astype(np.float32)
    cells = int(random.integers(3, 12))
    waves = random.uniform(-0.15, 0.15, (shape[0] if kind == "coloured" else 1, cells, cells)).astype(np.float32)
    texture = np.stack([_resized(wave, knobs.canvas, knobs.canvas) for wave in waves])
    return np.broadcast_to((level + texture).clip(0, 1), shape).copy()


# --------------------------------------------------------------------------------------------- what is placed


class Stamp(NamedTuple):
    """An image ready to be placed."""

    pixels: np.ndarray | None  # float32 (C, h, w) in 0..1 of a picture that is pasted as it is; None: ink alone
    alpha: np.ndarray  # float32 (h, w) in 0..1: how much of each pixel covers what is below it


def _cut_out(image: np.ndarray) -> Stamp:
    """An image uint8 (C, h, w) without its plain ground and margin, or the whole of it."""
    pixels = image.astype(np.float32) / 255
    border = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, 1:-1, 0], pixels[:, 1:-1, -1]], axis=1)
    ground = np.median(border, axis=1)
    contrast = np.abs(pixels - ground[:, None, None]).max(axis=0)
    peak = float(contrast.max())
    on_border = np.abs(border - ground[:, None]).max(axis=0)
    if peak <= LEAST_PEAK or float((on_border > INK_SHARE * peak).mean()) > PLAIN_BORDER:
        return Stamp(pixels, np.ones(pixels.shape[1:], np.float32))
    alpha = contrast / peak
    left, top, right, bottom = _ink_box(alpha)
    return Stamp(None, alpha[top:bottom, left:right])


def _turned(stamp: Stamp, side: int, degrees: float) -> Stamp:
    """The stamp with a longer side of `side` pixels, then turned; what it grows by when turned is see-through."""
    height, width = stamp.alpha.shape
    scale = side / max(height, width)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    layers = [stamp.alpha] if stamp.pixels is None else [stamp.alpha, *stamp.pixels]
    layers = [_rotated(_resized(layer, new_height, new_width), degrees) for layer in layers]
    return Stamp(None if stamp.pixels is None else np.stack(layers[1:]), layers[0].clip(0, 1))


def _resized(layer: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(layer).resize((width, height), Image.Resampling.BILINEAR))


def _rotated(layer: np.ndarray, degrees: float) -> np.ndarray:
    if not degrees:
        return layer
    return np.asarray(Image.fromarray(layer).rotate(degrees, Image.Resampling.BILINEAR, expand=True))


def _piece(stamp: Stamp, side: int, random: np.random.Generator) -> Stamp:
    """A square of `side` pixels out of a stamp that is larger."""
    height, width = stamp.alpha.shape
    top, left = (int(random.integers(max(1, length - side + 1))) for length in (height, width))
    rows, columns = slice(top, top + side), slice(left, left + side)
    return Stamp(None if stamp.pixels is None else stamp.pixels[:, rows, columns], stamp.alpha[rows, columns])


def _ink_box(alpha: np.ndarray) -> tuple[int, int, int, int]:
    """From the first to the last column and row with ink, as boxes.py measures it."""
    marked = alpha > INK_SHARE * float(alpha.max())
    columns, rows = np.flatnonzero(marked.any(axis=0)), np.flatnonzero(marked.any(axis=1))
    if len(columns) == 0:
        return 0, 0, alpha.shape[1], alpha.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _draw(canvas: np.ndarray, stamp: Stamp, left: int, top: int, contrast: float, random: np.random.Generator) -> None:
    """Blend a stamp into the canvas (C, S, S), in place; what is outside is cut off."""
    size, (height, width) = canvas.shape[-1], stamp.alpha.shape
    rows, columns = slice(max(0, top), min(size, top + height)), slice(max(0, left), min(size, left + width))
    inside = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    alpha, below = stamp.alpha[inside], canvas[:, rows, columns]
    if stamp.pixels is None:
        paint = _ink(below, contrast, random)
    else:
        paint = _in_channels(stamp.pixels[:, inside[0], inside[1]], len(canvas))
    below += alpha * (paint - below)


def _ink(below: np.ndarray, contrast: float, random: np.random.Generator) -> np.ndarray:
    """float32 (C, 1, 1): a colour that is at least `contrast` away from the ground's mean, in the mean of channels."""
    ground = below.mean(axis=(1, 2), keepdims=True)
    lighter, darker = 1 - float(ground.mean()), float(ground.mean())
    room = lighter if lighter >= darker else darker
    step = random.uniform(min(contrast, room), room)
    ink = ground + step if lighter >= darker else ground - step
    if len(below) > 1:
        ink = ink + random.uniform(-0.2, 0.2, ink.shape)
    colour: np.ndarray = ink.clip(0, 1).astype(np.float32)
    return colour


def _in_channels(pixels: np.ndarray, number: int) -> np.ndarray:
    if len(pixels) == number:
        return pixels
    grey: np.ndarray = pixels.mean(axis=0, keepdims=True)
    return np.broadcast_to(grey, (number, *grey.shape[1:]))


def _iou(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (areas - both)
