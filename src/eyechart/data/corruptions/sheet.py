"""A contact sheet of all corruptions: a row each, one image at every severity, then others at the published level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from eyechart.data.contact_sheet import (
    FAINT,
    GAP,
    HEADER_HEIGHT,
    INK,
    MARGIN,
    PAPER,
    ROW_GAP,
    Label,
    resampling,
    tile_size,
)
from eyechart.data.corruptions.apply import corrupted
from eyechart.data.corruptions.table import CORRUPTIONS, PUBLISHED, SEVERITIES
from eyechart.files.pictures import as_picture, write_png

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.data.corruptions.table import Corruption
    from eyechart.schema.contracts import Dataset

NUM_PUBLISHED = 8  # columns of other images
HEADING_HEIGHT, GROUP_GAP, LABEL_WIDTH = 24, 18, 150  # pixels


def write_corruption_sheet(dataset: Dataset, path: Path, seed: int = 0) -> None:
    """Draw train images of a dataset under all corruptions to a PNG at `path`, whole or not at all (StorageError)."""
    write_png(path, draw_corruption_sheet(dataset, seed))


def draw_corruption_sheet(dataset: Dataset, seed: int = 0) -> Image.Image:
    """The sheet as a picture: the untouched images first, the geometric corruptions last and apart."""
    tile_width, tile_height = tile_size(dataset.card.width, dataset.card.height)
    numbers = _chosen(dataset)
    images = np.asarray(dataset.train.images[numbers])
    row_height, num_columns = tile_height + ROW_GAP // 2, len(SEVERITIES) + NUM_PUBLISHED
    width = 2 * MARGIN + LABEL_WIDTH + num_columns * (tile_width + GAP) + GROUP_GAP
    top = HEADER_HEIGHT + HEADING_HEIGHT
    sheet = Image.new("RGB", (width, top + (len(CORRUPTIONS) + 1) * row_height + GROUP_GAP + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    _draw_header(draw, dataset, width, tile_width)
    for row, (name, tiles) in enumerate(_rows(images, numbers, seed)):
        is_apart = row > 0 and CORRUPTIONS[name].is_geometric
        middle = top + row * row_height + tile_height // 2 + (GROUP_GAP if is_apart else 0)
        Label(_words(name), 15, bold=True).draw(draw, middle - (7 if row else 0))
        if row:
            Label(_remark(CORRUPTIONS[name]), 11, colour=FAINT).draw(draw, middle + 11)
        for column, tile in enumerate(tiles):
            picture = as_picture(tile).resize((tile_width, tile_height), resampling(dataset.card.width, tile_width))
            sheet.paste(picture, (_left(column, tile_width), middle - tile_height // 2))
    return sheet


def _rows(images: np.ndarray, numbers: np.ndarray, seed: int) -> list[tuple[str, np.ndarray]]:
    """The name of each row and its tiles, the originals first: one image at all severities, then all of them."""
    untouched = np.concatenate([images[:1]] * len(SEVERITIES) + [images])
    found = [("", untouched)]
    for name in CORRUPTIONS:
        one = [corrupted(images[:1], name, level, seed=seed, numbers=numbers[:1]) for level in SEVERITIES]
        found.append((name, np.concatenate([*one, corrupted(images, name, PUBLISHED, seed=seed, numbers=numbers)])))
    return found


def _chosen(dataset: Dataset) -> np.ndarray:
    """int64 (NUM_PUBLISHED,): train images, each of another class as far as there are classes."""
    labels = dataset.train.labels
    first = [np.flatnonzero(labels == label)[:NUM_PUBLISHED] for label in range(dataset.card.num_classes)]
    in_turn = [of_class[turn] for turn in range(NUM_PUBLISHED) for of_class in first if turn < len(of_class)]
    return np.array(in_turn[:NUM_PUBLISHED], np.int64)


def _left(column: int, tile_width: int) -> int:
    apart = GROUP_GAP if column >= len(SEVERITIES) else 0
    return MARGIN + LABEL_WIDTH + column * (tile_width + GAP) + apart


def _words(name: str) -> str:
    return CORRUPTIONS[name].words[0] if name else "untouched"


def _remark(corruption: Corruption) -> str:
    kind = "geometric, " if corruption.is_geometric else ""
    return f"{kind}published: {corruption.published}"


def _draw_header(draw: ImageDraw.ImageDraw, dataset: Dataset, width: int, tile_width: int) -> None:
    Label("Corruptions after MNIST-C", 26, width - 2 * MARGIN, bold=True).draw(draw, 40)
    told = f"{dataset.card.title} · the mildest severity first; the last four move pixels and change none"
    Label(told, 14, width - 2 * MARGIN, colour=FAINT).draw(draw, 68)
    draw.line((MARGIN, 86, width - MARGIN, 86), INK, 2)
    font = Label("", 13).font
    headings = [*SEVERITIES, "at the published level of each"]
    for column, heading in enumerate(headings):
        place = _left(column, tile_width) + (tile_width // 2 if column < len(SEVERITIES) else 0)
        draw.text((place, HEADER_HEIGHT + 10), heading, FAINT, font, anchor="mm" if column < len(SEVERITIES) else "lm")
