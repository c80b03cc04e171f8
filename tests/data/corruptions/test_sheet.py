"""The contact sheet of corruptions, and the command that draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from eyechart.data.contact_sheet import tile_size
from eyechart.data.corruptions.apply import corrupted
from eyechart.data.corruptions.sheet import HEADER_HEIGHT, HEADING_HEIGHT, _left, draw_corruption_sheet
from eyechart.data.corruptions.table import CORRUPTIONS
from eyechart.schema.contracts import Dataset
from tests.in_process import eyechart


def test_a_tile_is_the_corrupted_image(small_mnist: Dataset) -> None:
    sheet = np.asarray(draw_corruption_sheet(small_mnist).convert("L"))
    width, height = tile_size(28, 28)
    zero = int(np.flatnonzero(small_mnist.train.labels == 0)[0])
    image = small_mnist.train.images[zero : zero + 1]
    name = next(iter(CORRUPTIONS))
    top = HEADER_HEIGHT + HEADING_HEIGHT + height + 6  # below the untouched ones
    for column, level in ((0, "1"), (4, "5"), (5, "published")):
        left = _left(column, width)
        tile = sheet[top : top + height : 2, left : left + width : 2]
        assert np.array_equal(tile, corrupted(image, name, level, numbers=np.array([zero]))[0, 0])


def test_the_command_draws_it(tmp_path: Path) -> None:
    done = eyechart("data", "show", "digits", "--corruptions", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "digits-corruptions.png\n"), done.stderr
    with Image.open(tmp_path / "digits-corruptions.png") as sheet:
        assert sheet.height > 15 * 56
    again = eyechart("data", "show", "digits", "--corruptions", cwd=tmp_path)
    assert (again.returncode, "--exist-ok" in again.stderr) == (2, True)
