"""A contact sheet of what robust recipes make of training images: each change alone, then draws of the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageDraw

from eyechart.base.seeding import derived_seed
from eyechart.catalog.robust import ROBUST
from eyechart.data.batches import to_floats
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
from eyechart.data.mixed_changes import CHANGES, Chance
from eyechart.data.mixing import mix
from eyechart.files.pictures import as_picture, write_png

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.schema.contracts import Dataset

NUM_IMAGES, NUM_DRAWS = 14, 8  # columns; rows of the whole policy
LABEL_WIDTH, GROUP_GAP = 150, 18  # pixels


def write_mixing_sheet(dataset: Dataset, path: Path, seed: int = 0) -> None:
    """Draw train images of a dataset as robust recipes see them to a PNG at `path`, whole or not at all."""
    write_png(path, draw_mixing_sheet(dataset, seed))


def draw_mixing_sheet(dataset: Dataset, seed: int = 0) -> Image.Image:
    """The sheet as a picture: the untouched images, a row for each change that the policy has, and its draws."""
    card = dataset.card
    tile_width, tile_height = tile_size(card.width, card.height)
    groups = _groups(np.asarray(dataset.train.images[: min(NUM_IMAGES, len(dataset.train))]), seed)
    row_height, num_rows = tile_height + ROW_GAP // 2, sum(map(len, groups))
    width = 2 * MARGIN + LABEL_WIDTH + NUM_IMAGES * (tile_width + GAP)
    height = HEADER_HEIGHT + num_rows * row_height + len(groups) * GROUP_GAP + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    Label("What --robust makes of training images", 26, width - 2 * MARGIN, bold=True).draw(draw, 40)
    told = f"{card.title} · each change alone, then {NUM_DRAWS} draws of all together"
    Label(told, 14, width - 2 * MARGIN, colour=FAINT).draw(draw, 68)
    draw.line((MARGIN, 86, width - MARGIN, 86), INK, 2)
    top = HEADER_HEIGHT
    for group in groups:
        for name, tiles in group:
            Label(name.replace("_", " "), 15, bold=True).draw(draw, top + tile_height // 2)
            for column, tile in enumerate(tiles):
                picture = as_picture(tile).resize((tile_width, tile_height), resampling(card.width, tile_width))
                sheet.paste(picture, (MARGIN + LABEL_WIDTH + column * (tile_width + GAP), top))
            top += row_height
        top += GROUP_GAP
    return sheet


def _groups(images: np.ndarray, seed: int) -> list[list[tuple[str, np.ndarray]]]:
    """Rows of a name and tiles uint8 (N, C, H, W): untouched, one change each, the whole policy."""
    floats = to_floats(torch.from_numpy(np.array(images)))
    generator = torch.Generator().manual_seed(derived_seed(seed, "mixing sheet"))
    chance = Chance(generator, floats.device)
    used = dict.fromkeys(name for names in (ROBUST.operations, *ROBUST.finishes) for name in names if name != "none")
    alone = [(str(name), _bytes(CHANGES[name](floats, chance))) for name in used]
    whole = [("" if turn else "all together", _bytes(mix(floats, ROBUST, generator))) for turn in range(NUM_DRAWS)]
    return [[("untouched", images)], alone, whole]


def _bytes(images: torch.Tensor) -> np.ndarray:
    return np.asarray((images.clamp(0, 1) * 255).round().to(torch.uint8).numpy())
