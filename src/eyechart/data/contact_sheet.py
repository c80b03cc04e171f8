"""A picture of a dataset, a row a class, the way an optician would print it: calm paper, black type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from eyechart.base.fonts import pillow_font
from eyechart.base.foreign_text import shown
from eyechart.data.stratify import class_counts
from eyechart.files.pictures import as_picture, write_png

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.schema.contracts import Dataset, LabelledImages

PAPER, INK, FAINT = "#fbfaf6", "#16161a", "#6b6a66"
MARGIN, GAP, ROW_GAP = 48, 6, 12  # pixels
HEADER_HEIGHT, FOOTER_HEIGHT = 100, 44
MOST_COLUMNS, LEAST_COLUMNS = 16, 10
MOST_ROWS = 100  # of more classes, so many are shown, evenly spread
TILE_SIDE = 56  # about; small images are enlarged a whole number of times, so that their pixels stay square
MAX_LABEL_WIDTH = 320


def write_contact_sheet(dataset: Dataset, path: Path) -> None:
    """Draw train images of every class to a PNG at `path`, whole or not at all (StorageError)."""
    write_png(path, draw_contact_sheet(dataset))


def draw_contact_sheet(dataset: Dataset) -> Image.Image:
    """The sheet as a picture: title, a row for each class with its name and count, and where the data came from."""
    card = dataset.card
    boxes = dataset.train.objects
    counts = class_counts(dataset.train.labels if boxes is None else boxes.labels, card.num_classes)
    counted = "train" if boxes is None else "train boxes"
    shown_ids = shown_classes(card.num_classes)
    examples = [_examples(dataset.train, label_id) for label_id in shown_ids]  # their places: images may be large
    labels = [Label(card.classes[label_id], 20, bold=True) for label_id in shown_ids]
    label_width = max([90, *(int(label.font.getlength(label.text)) for label in labels)]) + 28
    tile_width, tile_height = tile_size(card.width, card.height)
    row_height = max(tile_height, 44) + ROW_GAP
    num_columns = max(LEAST_COLUMNS, max(map(len, examples)))
    width = MARGIN * 2 + label_width + num_columns * (tile_width + GAP) - GAP
    sheet = Image.new("RGB", (width, HEADER_HEIGHT + row_height * len(labels) + FOOTER_HEIGHT), PAPER)
    draw = ImageDraw.Draw(sheet)
    _draw_header(draw, dataset, width)
    for row, (label_id, label) in enumerate(zip(shown_ids, labels, strict=True)):
        top = HEADER_HEIGHT + row_height * row
        middle = top + (row_height - ROW_GAP) // 2
        label.draw(draw, middle - 9)
        Label(f"{counts[label_id]:,} {counted}", 13, colour=FAINT).draw(draw, middle + 12)
        for column, image in enumerate(dataset.train.images[examples[row]]):
            tile = as_picture(image).resize((tile_width, tile_height), resampling(card.width, tile_width))
            sheet.paste(tile, (MARGIN + label_width + column * (tile_width + GAP), middle - tile_height // 2))
    footer = f"{card.source} · licence {card.licence} · content sha256 {card.content_sha256[:16]}"
    Label(footer, 12, width - 2 * MARGIN, colour=FAINT).draw(draw, sheet.height - 26)
    return sheet


def shown_classes(num_classes: int) -> list[int]:
    """The ids of the classes that have a row: all, or MOST_ROWS of them with the first and the last."""
    most = min(num_classes, MOST_ROWS)
    return [round(row * (num_classes - 1) / max(1, most - 1)) for row in range(most)]


def tile_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of a tile in pixels: small images enlarged a whole number of times, large ones reduced."""
    longest = max(width, height)
    if longest <= TILE_SIDE:
        factor = max(1, TILE_SIDE // longest)
        return width * factor, height * factor
    return max(1, round(width * TILE_SIDE / longest)), max(1, round(height * TILE_SIDE / longest))


def _draw_header(draw: ImageDraw.ImageDraw, dataset: Dataset, width: int) -> None:
    card = dataset.card
    validation = f"{card.num_validation:,} validation, " if card.num_validation else ""
    colour = "grey" if card.num_channels == 1 else "colour"
    size = f"{card.width} x {card.height} {colour}"
    facts = f"{card.num_train:,} train, {validation}{card.num_test:,} test images · {size}"
    if (rows := len(shown_classes(card.num_classes))) < card.num_classes:
        facts += f" · {rows} of {card.num_classes:,} classes"
    Label(card.title, 26, width - 2 * MARGIN, bold=True).draw(draw, 40)
    Label(facts, 14, width - 2 * MARGIN, colour=FAINT).draw(draw, 68)
    draw.line((MARGIN, 86, width - MARGIN, 86), INK, 2)


def _examples(part: LabelledImages, label: int) -> np.ndarray:
    """Where up to MOST_COLUMNS images of a class lie, or with a box of it, evenly spread over these: int64 (n,)."""
    if part.objects is None:
        places = np.flatnonzero(part.labels == label)
    else:
        image = np.repeat(np.arange(len(part)), part.objects.counts)
        places = np.unique(image[part.objects.labels == label])
    spread = np.linspace(0, len(places) - 1, min(MOST_COLUMNS, len(places))).astype(np.int64)
    chosen: np.ndarray = places[spread]
    return chosen


def resampling(from_width: int, to_width: int) -> Image.Resampling:
    return Image.Resampling.NEAREST if to_width >= from_width else Image.Resampling.LANCZOS


class Label:
    """A line of text at the left margin, in a font that has its signs, cut to a width in pixels."""

    def __init__(
        self, text: str, size: int, most_pixels: int = MAX_LABEL_WIDTH, *, bold: bool = False, colour: str = INK
    ):
        # Pillow breaks lines at some characters, and stops at others.
        self.font, text = pillow_font(shown(text), size, bold)
        self.text, self.colour = _shortened(text, self.font, most_pixels), colour

    def draw(self, draw: ImageDraw.ImageDraw, middle: int) -> None:
        draw.text((MARGIN, middle), self.text, self.colour, self.font, anchor="lm")


def _shortened(text: str, font: ImageFont.FreeTypeFont, most_pixels: int) -> str:
    if font.getlength(text) <= most_pixels:
        return text
    while text and font.getlength(text + "…") > most_pixels:
        text = text[:-1]
    return text + "…"
