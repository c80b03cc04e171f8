"""Pixels as pictures, files and data URLs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.files.pictures import as_picture, png, png_url, write_png


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_stay_what_they_are_whatever_the_effort(channels: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (channels, 5, 7), dtype=np.uint8)
    picture = as_picture(pixels)
    assert (picture.width, picture.height, picture.mode) == (7, 5, "L" if channels == 1 else "RGB")
    write_png(tmp_path / "a.png", picture)
    address, _, content = png_url(picture).partition(",")
    assert address == "data:image/png;base64"
    for found in (png(picture), png(picture, small=True), (tmp_path / "a.png").read_bytes(), base64.b64decode(content)):
        read = np.asarray(Image.open(io.BytesIO(found)))
        assert np.array_equal(read, pixels[0] if channels == 1 else pixels[:3].transpose(1, 2, 0))
