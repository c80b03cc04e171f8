"""A stranger's photo, scan or drawing, brought to what a network learned from: the same code wherever pictures come in.

For sets of ink on even ground (schema.InkFacts).  In order, and each is a step that can be shown:

1. alpha     transparent parts are laid over the ground on which the ink stands out more
2. grey      see paper.py
3. light     uneven light is taken away, paper becomes 0 and ink 1: see paper.py
4. marks     borders, shadows and specks are dropped: see marks.py
5. weight    strokes are made as thick as those of the training images, before anything is made small
6. size      the box around the ink gets the training images' size, its proportions kept
7. place     the centre of mass, or of the box, comes to where they have it

A picture that is as the training images are (their size, ground, box, strokes and place) stays as it is.  One with
nothing on it, with several things, or with one that is too small, is told to be so and goes to no network.
No torch, no randomness; large pictures are made smaller first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from PIL import Image

from eyechart.data.ink_facts import EVEN_LEVELS, centre_of_mass, measure_ink, oddities, within
from eyechart.data.marks import Marks, find_marks
from eyechart.data.paper import LEAST_CONTRAST, Ink, find_ink, grey_of
from eyechart.data.picture_rule import GROUNDS
from eyechart.data.picture_rule import measure_ink as contrasts_with_grounds
from eyechart.data.strokes import change_weight, thickness

if TYPE_CHECKING:
    from eyechart.schema import InkFacts

Refusal = Literal["blank", "several", "small"]
WORKING_SIDE = 400  # pixels of the longer side, on which a large picture is looked at
FINE_SIDE = 120  # pixels: a smaller picture is enlarged to about that
NEAR, ROOM = 0.3, 0.6  # writing below so much of a large picture's side is looked at anew, with so much around it
INK_EDGE = 0.4  # of the ink's strength: where a stroke ends
WEIGHING_SIDE = 140  # pixels of the box on which strokes are weighed
LEAST_MOVE = 0.25  # pixels of an edge that are worth a word
PLACE_TOLERANCE = 0.5  # pixels by which a centre may lie further off and the picture still be left as it is
LEAST_SHARE = 0.3  # of the training images' box that a picture's own pixels must have
MOST_THINNER, MOST_THICKER = 0.4, 8.0  # of a stroke's own thickness, that it may change by


class Step(NamedTuple):
    """One step of preparing."""

    name: str
    picture: np.ndarray  # uint8 (H, W) or (H, W, 3), as it is after the step
    words: str  # what was done


class Prepared(NamedTuple):
    """What a network is to see of a picture, or why none is asked."""

    pixels: np.ndarray | None  # uint8 (H, W); None: refused
    refusal: Refusal | None
    num_things: int  # that stand apart
    steps: tuple[Step, ...]
    corner: tuple[float, float] = (0.0, 0.0)  # where in the picture's own pixels (x, y) the image begins
    scale: float = 1.0  # of the picture's own pixels, for one of the image's


def prepare(picture: Image.Image, facts: InkFacts, height: int, width: int) -> Prepared:
    """An upright picture of mode L, RGB or RGBA as one of a set with these facts and images of `height` x `width`."""
    steps = [Step("as it came", _shown(picture), f"{picture.width} x {picture.height} pixels")]
    opaque = on_ground(picture, steps)
    found = _look(opaque, steps)
    if opaque.size == (width, height) and (kept := _as_trained(opaque, found.ink, facts)) is not None:
        return Prepared(kept, None, 1, (*steps, Step("as trained", kept, "as the training images are: left as it is")))
    if not found.marks.num_things:
        blank = Step("blank", _bytes(found.ink.strength), "nothing is written here")
        return Prepared(None, "blank", 0, (*steps, blank))
    steps.append(_marks_step(found.ink, found.marks))
    if found.marks.num_things > 1:
        return Prepared(None, "several", found.marks.num_things, tuple(steps))
    rows, columns = box_of(found.marks.mask)
    if max(rows.stop - rows.start, columns.stop - columns.start) * found.scale < LEAST_SHARE * facts.box_side:
        return Prepared(None, "small", 1, tuple(steps))
    mask, shrunk = _small_enough(found.marks.mask[rows, columns])
    ink, margin = _weighed(mask, facts, steps)
    placed = place(ink, facts, height, width)
    pixels = placed.pixels if facts.is_bright else 255 - placed.pixels
    words = f"box {facts.box_side:.0f} pixels long, centre of {facts.centred_by} where the training images have it"
    steps.append(Step("size and place", pixels, words))
    one = found.scale * shrunk  # of the picture's own pixels, for one of the ink's
    x = found.corner[0] + columns.start * found.scale + (placed.left - margin) * one
    y = found.corner[1] + rows.start * found.scale + (placed.top - margin) * one
    return Prepared(pixels, None, 1, tuple(steps), (x, y), placed.scale * one)


class _Look(NamedTuple):
    """What is seen of a picture, or of the part of it where the writing is."""

    ink: Ink
    marks: Marks
    scale: float  # of the picture's own pixels, for one of these
    corner: tuple[float, float] = (0.0, 0.0)  # where in the picture (x, y) this part begins


def _look(opaque: Image.Image, steps: list[Step]) -> _Look:
    """Find the writing, a second time from nearer where it is a small part of a large picture."""
    found = _look_once(opaque, steps)
    if found.marks.num_things != 1 or found.scale <= 1:
        return found
    rows, columns = box_of(found.marks.mask)
    side = max(rows.stop - rows.start, columns.stop - columns.start)
    if side >= NEAR * max(found.marks.mask.shape):
        return found
    left, top = (max(0, round((edge - ROOM * side) * found.scale)) for edge in (columns.start, rows.start))
    right = min(opaque.width, round((columns.stop + ROOM * side) * found.scale))
    bottom = min(opaque.height, round((rows.stop + ROOM * side) * found.scale))
    nearer = opaque.crop((left, top, right, bottom))
    steps.append(Step("nearer", _shown(nearer), "the part around the writing, at its own size"))
    return _look_once(nearer, steps)._replace(corner=(float(left), float(top)))


def _look_once(opaque: Image.Image, steps: list[Step]) -> _Look:
    longer = max(opaque.size)
    scale = max(1.0, longer / WORKING_SIDE) if longer > FINE_SIDE else longer / FINE_SIDE
    size = max(1, round(opaque.width / scale)), max(1, round(opaque.height / scale))
    resized = opaque
    if size != opaque.size:
        resized = opaque.resize(size, Image.Resampling.BOX if scale > 1 else Image.Resampling.BICUBIC, reducing_gap=2.0)
    grey, which = grey_of(np.asarray(resized))
    steps.append(Step("grey", np.clip(grey, 0, 255).astype(np.uint8), f"{which}, {size[0]} x {size[1]} pixels"))
    ink = find_ink(grey)
    sides = "ink is bright" if ink.is_bright else "ink is dark"
    light = "even light" if ink.is_even else "uneven light taken away"
    steps.append(Step("ink", _bytes(ink.strength), f"{light}; {sides}; contrast {ink.contrast:.0f} of 255"))
    mask = ink.strength > INK_EDGE if ink.contrast >= LEAST_CONTRAST else np.zeros(grey.shape, bool)
    return _Look(ink, find_marks(mask), scale)


def on_ground(picture: Image.Image, steps: list[Step]) -> Image.Image:
    """Opaque, mode L or RGB: over white or over black, wherever the ink stands out more; says so in `steps`."""
    if picture.mode != "RGBA":
        return picture
    contrasts = contrasts_with_grounds(picture)
    if np.isnan(contrasts).any():  # nothing on it is opaque
        ground = "white"
    else:
        grounds = ("white", "black")
        ground = max(grounds, key=lambda name: contrasts[list(GROUNDS).index(name)])  # type: ignore[arg-type]
    paper = Image.new("RGBA", picture.size, ground)
    opaque = Image.alpha_composite(paper, picture).convert("RGB")
    steps.append(Step("alpha", _shown(opaque), f"transparent parts laid over {ground}"))
    return opaque


def _as_trained(opaque: Image.Image, ink: Ink, facts: InkFacts) -> np.ndarray | None:
    """The picture itself, inverted where its ink is on the other side; None: it is not as the training images are."""
    grey = np.asarray(opaque.convert("L"))
    own = grey if ink.is_bright else 255 - grey
    border = np.concatenate([own[0], own[-1], own[:, 0], own[:, -1]])
    measured = measure_ink(own.astype(np.float32) / 255)
    if np.median(border) > EVEN_LEVELS or measured is None or own.max() < LEAST_CONTRAST:
        return None
    centre = measured.mass if facts.centred_by == "mass" else measured.box
    away = max(abs(centre[axis] - facts.centre[axis]) for axis in (0, 1))
    if (
        away > facts.centre_spread + PLACE_TOLERANCE
        or oddities(measured, facts)
        or not within(measured.side, facts.boxes)
    ):
        return None
    kept: np.ndarray = own if facts.is_bright else 255 - own
    return kept


def _small_enough(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """A box with ink, at most WEIGHING_SIDE long; and how many of its pixels one of the new ones is."""
    scale = max(mask.shape) / WEIGHING_SIDE
    if scale <= 1:
        return mask, 1.0
    size = max(1, round(mask.shape[1] / scale)), max(1, round(mask.shape[0] / scale))
    shares = Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX)
    return np.asarray(shares) > INK_EDGE, scale


def _weighed(mask: np.ndarray, facts: InkFacts, steps: list[Step]) -> tuple[np.ndarray, int]:
    """The ink of a box, 0..1 float32 with a margin of paper, its strokes as thick as they should be; and the margin.

    With edges moved by m, a stroke is t + 2m thick in a box of s + 2m: their ratio is to be the training images'.
    """
    side, stroke = max(mask.shape), thickness(mask)
    ratio = facts.stroke / facts.box_side
    wanted = (ratio * side - stroke) / (2 * (1 - ratio))
    wanted = float(np.clip(wanted, -MOST_THINNER * stroke / 2, MOST_THICKER * stroke / 2))
    margin = int(np.ceil(max(wanted, 0))) + 2
    ink, moved = change_weight(np.pad(mask, margin), wanted)
    words = "strokes left as they are"
    if abs(moved) > LEAST_MOVE:
        how = f"from {stroke:.1f} to about {stroke + 2 * moved:.1f} pixels in a box of {side}"
        words = f"strokes made {'thicker' if moved > 0 else 'thinner'}, {how}"
    steps.append(Step("weight", _bytes(ink), words))
    return ink, margin


class Placed(NamedTuple):
    """Ink made small and put in its place."""

    pixels: np.ndarray  # uint8 (H, W), bright on 0
    left: float  # where in the ink's pixels the image begins
    top: float
    scale: float  # of the ink's pixels, for one of the image's


def place(ink: np.ndarray, facts: InkFacts, height: int, width: int) -> Placed:
    """Ink 0..1 float32 made small by areas, and put where the training images have it, all of it in the image."""
    rows, columns = box_of(ink > 0.5)
    scale = max(rows.stop - rows.start, columns.stop - columns.start) / facts.box_side
    if facts.centred_by == "mass":
        x, y = centre_of_mass(ink)
    else:
        x, y = (columns.start + columns.stop) / 2, (rows.start + rows.stop) / 2
    left = _inside(x - scale * (width / 2 + facts.centre[0]), columns, scale * width)
    top = _inside(y - scale * (height / 2 + facts.centre[1]), rows, scale * height)
    pad = int(np.ceil(scale * max(width, height))) + 1
    padded = Image.fromarray(np.pad(ink, pad))
    region = (left + pad, top + pad, left + pad + scale * width, top + pad + scale * height)
    shrunk = padded.resize((width, height), Image.Resampling.BOX, box=region)
    return Placed(_bytes(np.asarray(shrunk)), left, top, scale)


def box_of(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns with anything in them; `mask` bool (H, W), not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _inside(start: float, ink: slice, length: float) -> float:
    """Where the image begins along one axis, so that all of the ink is in it."""
    return min(max(start, ink.stop - length), ink.start) if ink.stop - ink.start <= length else start


def _marks_step(ink: Ink, marks: Marks) -> Step:
    kept = np.where(marks.mask, ink.strength, 0) if marks.num_things == 1 else ink.strength
    words = f"{marks.num_dropped} strays dropped" if marks.num_dropped else "nothing dropped"
    if marks.num_things > 1:
        words = f"{marks.num_things} things stand apart; {words}"
    return Step("marks", _bytes(kept), words)


def _bytes(strength: np.ndarray) -> np.ndarray:
    levels: np.ndarray = np.rint(255 * np.clip(strength, 0, 1)).astype(np.uint8)
    return levels


def _shown(picture: Image.Image) -> np.ndarray:
    """A small copy of a picture for a sheet, uint8 (H, W, 3)."""
    copy = picture.convert("RGBA") if picture.mode == "RGBA" else picture.convert("RGB")
    if max(copy.size) > WORKING_SIDE:
        copy = copy.copy()
        copy.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    if copy.mode == "RGBA":
        board = Image.new("RGBA", copy.size, "#c8c8c8")
        copy = Image.alpha_composite(board, copy).convert("RGB")
    return np.asarray(copy)
