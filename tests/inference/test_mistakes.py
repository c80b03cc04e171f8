"""What is drawn of a detector's mistakes, and which pictures come first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from audits.boxes import found_boxes
from eyechart.data.annotations.found import Picture
from eyechart.inference.drawing import CAPTION_HEIGHT
from eyechart.inference.mistakes import MISSED, RIGHT, WRONG, draw_worst, marks_of
from eyechart.schema.objects import objects_of

BOX, FAR, OUTSIDE = (10, 40, 50, 80), (100, 100, 150, 150), (200, 200, 250, 250)
CLASSES = ("cat", "dog")
OBJECTS = objects_of([([BOX], [0], [False]), ([BOX, FAR], [0, 1], [False] * 2), ([BOX], [1], [True])])
FOUND = found_boxes((0, BOX, 0.9, 0), (1, BOX, 0.8, 1), (1, OUTSIDE, 0.7, 0), (2, BOX, 0.9, 1))


def test_marks_say_what_was_missed_wrong_and_right() -> None:
    marks = marks_of(FOUND, OBJECTS, CLASSES)
    assert [(mark.text, mark.colour) for mark in marks[0]] == [("cat 90 %", RIGHT)]
    assert [(mark.text, mark.colour, mark.box) for mark in marks[1]] == [
        ("missed dog", MISSED, FAR), ("dog 80 %: is cat", WRONG, BOX), ("cat 70 %: fits nothing", WRONG, OUTSIDE)
    ]  # fmt: skip
    assert marks[2] == [], "a crowd is neither"


def test_the_worst_come_first_and_faultless_ones_not_at_all(tmp_path: Path) -> None:
    pictures = []
    for name in ("one", "two", "three"):
        Image.new("L", (320, 320), 40).save(tmp_path / f"{name}.png")
        pictures.append(Picture(tmp_path / f"{name}.png", 320, 320))
    written = draw_worst(pictures, FOUND, OBJECTS, CLASSES, tmp_path / "out", 12)
    assert [path.name for path in written] == ["01-two.png"]
    pixels = np.asarray(Image.open(written[0]).convert("RGB"))
    assert pixels.shape == (320 + CAPTION_HEIGHT, 320, 3)
    assert tuple(pixels[125, 100]) == ImageColor.getrgb(MISSED)
    assert tuple(pixels[60, 10]) == ImageColor.getrgb(WRONG)
    silent = draw_worst(pictures, found_boxes(), OBJECTS, CLASSES, tmp_path / "silent", 1)
    assert [path.name for path in silent] == ["01-two.png"], "two missed are more than one"
