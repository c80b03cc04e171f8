"""Answers drawn on their pictures: boxes where they were found, in the picture's own pixels, whatever its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from eyechart.data.pictures import in_own_pixels, read_with_size
from eyechart.inference.drawing import CAPTION_HEIGHT, FRAME, draw_answer
from eyechart.inference.prediction import FoundBox, PictureAnswer

BOX = FoundBox("seven", 0.9, (0, 0, 0, 0))


def answer(*boxes: FoundBox) -> PictureAnswer:
    return PictureAnswer("x.png", "seven", 0.987, {"seven": 0.987, "one": 0.013}, list(boxes))


def drawn(folder: Path, width: int, height: int, *boxes: FoundBox) -> Image.Image:
    Image.new("L", (width, height), 40).save(folder / "x.png")
    draw_answer(folder / "x.png", answer(*boxes), folder / "out" / "y.png")
    return Image.open(folder / "out" / "y.png").convert("RGB")


@pytest.mark.parametrize(("width", "height", "scale"), [(40, 80, 4), (400, 300, 1), (3200, 1600, 0.5)])
def test_a_frame_stands_where_the_box_is(width: int, height: int, scale: float, tmp_path: Path) -> None:
    corners = (0.25 * width, 0.25 * height, 0.75 * width, 0.75 * height)
    picture = drawn(tmp_path, width, height, BOX._replace(box=corners))
    assert picture.size == (width * scale, height * scale + CAPTION_HEIGHT)
    pixels = np.asarray(picture)
    framed = (pixels == ImageColor.getrgb(FRAME)).all(axis=-1)
    left, top, right, bottom = (round(scale * side) for side in corners)
    middle = (top + bottom) // 2
    row = np.flatnonzero(framed[middle])
    assert (row.min(), row.max()) == (left, right - 1)
    assert not framed[middle, left + 4 : right - 4].any(), "what is inside stays to be seen"
    assert (pixels[middle, left + 5] == 40).all()


def test_without_boxes_only_the_caption_is_added(tmp_path: Path) -> None:
    pixels = np.asarray(drawn(tmp_path, 400, 300))
    assert (pixels[:300] == 40).all()
    assert pixels[300:].min() < 100, "the answer is written below"


def test_a_box_without_area_draws_nothing(tmp_path: Path) -> None:
    pixels = np.asarray(drawn(tmp_path, 400, 300, BOX._replace(box=(5.0, 5.0, 5.0, 9.0))))
    assert (pixels[:300] == 40).all()


@pytest.mark.parametrize("own", [(28, 28), (100, 28), (28, 100), (31, 57), (500, 400)])
def test_boxes_come_back_into_the_pictures_own_pixels(own: tuple[int, int], tmp_path: Path) -> None:
    """Ink in a picture of any shape, found where the fitted picture has it, is where it was."""
    height, width = own
    picture = np.zeros((height, width), np.uint8)
    top, left, bottom, right = height // 4, width // 4, height // 4 + height // 2, width // 4 + width // 3
    picture[top:bottom, left:right] = 255
    Image.fromarray(picture).save(tmp_path / "x.png")
    fitted, size = read_with_size(tmp_path / "x.png", channels=1, height=28, width=28)
    assert size == own
    rows, columns = np.flatnonzero((fitted[0] > 127).any(axis=1)), np.flatnonzero((fitted[0] > 127).any(axis=0))
    found = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], np.float32)
    pixel = max(height, width) / 28
    np.testing.assert_allclose(in_own_pixels(found, own, 28, 28)[0], [left, top, right, bottom], atol=pixel + 0.5)
    whole = in_own_pixels(np.array([[0, 0, 28, 28]], np.float32), own, 28, 28)[0]
    assert whole.tolist() == [0, 0, width, height], "the frame around a picture is none of it"
