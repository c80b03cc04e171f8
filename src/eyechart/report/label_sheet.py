"""Suspicious labels as files: a picture to look through, a table to work with."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.fonts import pillow_font
from eyechart.base.foreign_text import shown
from eyechart.comparison.answers import Shelf
from eyechart.comparison.label_noise import Suspect
from eyechart.files.file_names import readable
from eyechart.files.pictures import as_picture, write_png
from eyechart.files.storage import write_text

if TYPE_CHECKING:
    from PIL import Image, ImageFont

PAPER, INK, FAINT = "#fbfaf6", "#16161a", "#6b6a66"
COLUMNS = 6
TILE_SIDE, CAPTION_HEIGHT, GAP, MARGIN = 112, 52, 24, 32  # pixels
FIELDS = (
    "place", "part", "number", "items", "label", "suggested", "label_probability", "suggested_probability", "quality",
    "confident", "num_answers", "num_agreeing", "disputed",
)  # fmt: skip


def suspect_rows(suspects: Sequence[Suspect], classes: Sequence[str]) -> list[dict[str, object]]:
    """FIELDS of each, the classes by name; `place` counts from the most suspicious, 1."""
    return [
        {
            "place": place,
            "part": suspect.part,
            "number": suspect.number,
            "items": readable(str(suspect.items)),
            "label": classes[suspect.label],
            "suggested": classes[suspect.suggested],
            "label_probability": round(suspect.label_probability, 6),
            "suggested_probability": round(suspect.suggested_probability, 6),
            "quality": round(suspect.quality, 6),
            "confident": suspect.confident,
            "num_answers": suspect.num_answers,
            "num_agreeing": suspect.num_agreeing,
            "disputed": suspect.disputed,
        }
        for place, suspect in enumerate(suspects, 1)
    ]


def write_suspects_csv(suspects: Sequence[Suspect], classes: Sequence[str], path: Path) -> None:
    """All suspects, a line each; StorageError when the disk refuses."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(suspect_rows(suspects, classes))
    write_text(path, text.getvalue())


def write_suspects_png(suspects: Sequence[Suspect], classes: Sequence[str], path: Path, shelf: Shelf) -> None:
    """The images with label, suggestion and place below each; StorageError when the disk refuses."""
    from PIL import Image, ImageDraw

    num_rows = max(1, -(-len(suspects) // COLUMNS))
    step_x, step_y = TILE_SIDE + GAP, TILE_SIDE + CAPTION_HEIGHT + GAP
    sheet = Image.new("RGB", (2 * MARGIN + COLUMNS * step_x - GAP, 2 * MARGIN + num_rows * step_y - GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, suspect in enumerate(suspects):
        left, top = MARGIN + index % COLUMNS * step_x, MARGIN + index // COLUMNS * step_y
        pixels = shelf.items(suspect.items.parent, suspect.items.name)["images"][suspect.number]
        sheet.paste(_tile(pixels), (left, top))
        name_font, said = _fitting([classes[suspect.label], classes[suspect.suggested]])
        place = f"{suspect.part} {suspect.number}, {100 * suspect.suggested_probability:.0f} %"
        place += ", disputed" if suspect.disputed else ""
        small_font, place = pillow_font(place, 11)
        draw.text((left, top + TILE_SIDE + 14), said, INK, name_font, anchor="lm")
        draw.text((left, top + TILE_SIDE + 36), place, FAINT, small_font, anchor="lm")
    write_png(path, sheet)


def _fitting(names: Sequence[str]) -> tuple[ImageFont.FreeTypeFont, str]:
    """Label and suggestion below a tile, and their font; long names lose as much of their middle as must be."""
    for most in range(24, 2, -1):
        font, text = pillow_font(" → ".join(shown(name, most) for name in names), 15)
        if font.getlength(text) <= TILE_SIDE + GAP - 6:
            break
    return font, text


def _tile(pixels: np.ndarray) -> Image.Image:
    from PIL import Image

    picture = as_picture(pixels)
    scale = TILE_SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.convert("RGB").resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
