"""An answer drawn on its picture: boxes with names where there are some, the answer below."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from eyechart.base.fonts import pillow_font
from eyechart.base.foreign_text import shown
from eyechart.data.pictures import read_with_size
from eyechart.files.storage import write_bytes

if TYPE_CHECKING:
    from eyechart.inference.prediction import FoundBox, PictureAnswer
    from eyechart.schema import PictureRule

LEAST_SIDE, MOST_SIDE = 320, 1600  # pixels of the drawing's longer side: small pictures grow by whole numbers
CAPTION_HEIGHT, LETTER = 34, 15  # pixels
PAPER, INK, FRAME = "#fbfaf6", "#16161a", "#E69F00"
MOST_LETTERS = 24  # of a class's name


def draw_answer(picture: Path, answer: PictureAnswer, target: Path, rule: PictureRule | None = None) -> None:
    """Write a PNG of the upright picture with the answer on it.  Errors as reading pictures and writing files has."""
    _, (height, width) = read_with_size(picture, channels=3, height=8, width=8, rule=rule)
    pixels, _ = read_with_size(picture, channels=3, height=height, width=width, rule=rule)
    scale = _scale(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resampling = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    shown_picture = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).resize(size, resampling)
    sheet = Image.new("RGB", (size[0], size[1] + CAPTION_HEIGHT), PAPER)
    sheet.paste(shown_picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for found in reversed(answer.boxes):  # the surest last, on top
        _draw_box(draw, found, scale, size)
    font, text = pillow_font(f"{shown(answer.label, MOST_LETTERS)}  {100 * answer.probability:.1f} %", LETTER)
    draw.text((10, size[1] + CAPTION_HEIGHT // 2), text, INK, font, anchor="lm")
    content = io.BytesIO()
    sheet.save(content, "PNG")
    write_bytes(target, content.getvalue())


def _scale(height: int, width: int) -> float:
    longer = max(height, width)
    if longer < LEAST_SIDE:
        return float(-(-LEAST_SIDE // longer))
    return min(1.0, MOST_SIDE / longer)


def _draw_box(draw: ImageDraw.ImageDraw, found: FoundBox, scale: float, size: tuple[int, int]) -> None:
    left, top, right, bottom = (scale * side for side in found.box)
    if right - left < 1 or bottom - top < 1:
        return
    draw.rectangle((left, top, right - 1, bottom - 1), outline=FRAME, width=3)
    name = f"{shown(found.label, MOST_LETTERS)} {100 * found.score:.0f} %"
    font, text = pillow_font(name, LETTER)
    wide, high = font.getlength(text) + 8, LETTER + 7
    x = max(0.0, min(left, size[0] - wide))
    y = top - high if top >= high else min(top, size[1] - high)
    draw.rectangle((x, y, x + wide, y + high), fill=FRAME)
    draw.text((x + 4, y + high / 2), text, INK, font, anchor="lm")
