"""The contact sheet of what robust recipes see, and the command that draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from eyechart.catalog.robust import ROBUST
from eyechart.data.contact_sheet import HEADER_HEIGHT, MARGIN, tile_size
from eyechart.data.mixing_sheet import LABEL_WIDTH, NUM_DRAWS, NUM_IMAGES, _groups, draw_mixing_sheet
from eyechart.schema.contracts import Dataset
from tests.in_process import eyechart


def test_a_tile_is_an_image_as_it_is_and_the_rows_are_all_changes(small_mnist: Dataset) -> None:
    sheet = np.asarray(draw_mixing_sheet(small_mnist).convert("L"))
    width, height = tile_size(28, 28)
    left = MARGIN + LABEL_WIDTH
    tile = sheet[HEADER_HEIGHT : HEADER_HEIGHT + height : 2, left : left + width : 2]
    assert np.array_equal(tile, small_mnist.train.images[:1][0, 0])
    untouched, alone, whole = _groups(np.asarray(small_mnist.train.images[:NUM_IMAGES]), seed=0)
    used = {*ROBUST.operations, *(name for names in ROBUST.finishes for name in names)} - {"none"}
    assert {name for name, _ in alone} == used
    assert len(whole) == NUM_DRAWS
    assert len({tiles.tobytes() for _, tiles in [*untouched, *alone, *whole]}) == 1 + len(used) + NUM_DRAWS


def test_the_command_draws_it(tmp_path: Path) -> None:
    done = eyechart("data", "show", "digits", "--robust", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "digits-robust.png\n"), done.stderr
    with Image.open(tmp_path / "digits-robust.png") as sheet:
        assert sheet.height > 20 * 56
    both = eyechart("data", "show", "digits", "--robust", "--corruptions", cwd=tmp_path)
    assert (both.returncode, "two sheets" in both.stderr) == (2, True)
