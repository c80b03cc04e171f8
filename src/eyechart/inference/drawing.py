"""Boxes drawn on their picture, with names, and a line below: an answer, or what was right and wrong about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw

from eyechart.base.fonts import pillow_font
from eyechart.base.foreign_text import shown
from eyechart.data.pictures import read_in_own_size
from eyechart.files.pictures import as_picture, write_png

if TYPE_CHECKING:
    from eyechart.inference.prediction import PictureAnswer
    from eyechart.schema import PictureRule

LEAST_SIDE, MOST_SIDE = 320, 1600  # pixels of the drawing's longer side: small pictures grow by whole numbers
CAPTION_HEIGHT, LETTER = 34, 15  # pixels
PAPER, INK, FRAME = "#fbfaf6", "#16161a", "#E69F00"
MOST_LETTERS = 24  # of a class's name


Corners = tuple[float, float, float, float]  # left, top, right, bottom


class Mark(NamedTuple):
    """A box to draw, in the upright picture's own pixels, and what stands at it."""

    box: Corners
    text: str
    colour: str = FRAME


def draw_answer(picture: Path, answer: PictureAnswer, target: Path, rule: PictureRule | None = None) -> None:
    """Write a PNG of the upright picture with the answer on it.  Errors as reading pictures and writing files has."""
    marks = [Mark(each.box, f"{shown(each.label, MOST_LETTERS)} {100 * each.score:.0f} %") for each in answer.boxes]
    caption = answer.said or f"{len(marks)} found"
    if answer.label is not None:
        caption = f"{shown(answer.label, MOST_LETTERS)}  {100 * (answer.probability or 0.0):.1f} %"
    draw_marks(picture, marks, caption, target, rule)


def draw_marks(
    picture: Path,
    marks: Sequence[Mark],
    caption: str,
    target: Path,
    rule: PictureRule | None = None,
    *,
    is_upright: bool = True,
) -> None:
    """Write a PNG of the picture with boxes on it, the first ones on top.  Errors as draw_answer has."""
    pixels = read_in_own_size(picture, channels=3, rule=rule, is_upright=is_upright)
    height, width = pixels.shape[1:]
    scale = _scale(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resampling = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    shown_picture = as_picture(pixels).resize(size, resampling)
    sheet = Image.new("RGB", (size[0], size[1] + CAPTION_HEIGHT), PAPER)
    sheet.paste(shown_picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    names: list[Corners] = []
    for mark in reversed(marks):
        _draw_box(draw, mark, scale, size, names)
    font, text = pillow_font(caption, LETTER)
    draw.text((10, size[1] + CAPTION_HEIGHT // 2), text, INK, font, anchor="lm")
    write_png(target, sheet, small=False)


def _scale(height: int, width: int) -> float:
    longer = max(height, width)
    if longer < LEAST_SIDE:
        return float(-(-LEAST_SIDE // longer))
    return min(1.0, MOST_SIDE / longer)


def _draw_box(draw: ImageDraw.ImageDraw, mark: Mark, scale: float, size: tuple[int, int], names: list[Corners]) -> None:
    """Its name stands above, or below where another one of `names` stands already, to which it is added."""
    left, top, right, bottom = (scale * side for side in mark.box)
    if right - left < 1 or bottom - top < 1:
        return
    draw.rectangle((left, top, right - 1, bottom - 1), outline=mark.colour, width=3)
    font, text = pillow_font(mark.text, LETTER)
    wide, high = font.getlength(text) + 8, LETTER + 7
    x = max(0.0, min(left, size[0] - wide))
    above = top - high if top >= high else min(top, size[1] - high)
    below = min(bottom, size[1] - high)
    y = next((y for y in (above, below) if not _is_taken((x, y, x + wide, y + high), names)), above)
    names.append((x, y, x + wide, y + high))
    draw.rectangle(names[-1], fill=mark.colour)
    draw.text((x + 4, y + high / 2), text, INK, font, anchor="lm")


def _is_taken(place: Corners, names: list[Corners]) -> bool:
    left, top, right, bottom = place
    return any(left < x1 and x0 < right and top < y1 and y0 < bottom for x0, y0, x1, y1 in names)
