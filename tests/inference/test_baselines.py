"""Boxes from a classifier, with one that knows how light a picture is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PIL import Image

from eyechart.inference.baselines import INK_OF_FRAME, boxes_by_classifier, components, windows
from eyechart.inference.prediction import RunPredictor
from eyechart.schema.contracts import Images, Predictions

SIDE = 28


class Brightness:
    """Class 0 for a dark centre, 1 for a light one; surer the more the frame's edge is dark."""

    def __init__(self, mean: float = 0.13, channels: int = 1):
        frame = SimpleNamespace(image_channels=channels, image_height=SIDE, image_width=SIDE, mean=(mean,),
                                picture_rule=None)  # fmt: skip
        self.record = SimpleNamespace(preprocessing=frame, dataset=SimpleNamespace(classes=("dark", "light")))
        self.seen: list[np.ndarray] = []

    def answer(self, images: Images) -> Predictions:
        self.seen.append(images)
        centre = images[:, :, 10:18, 10:18].mean(axis=(1, 2, 3)) / 255
        edge = images[:, :, 0].mean(axis=(1, 2)) / 255
        sure = 0.55 + 0.4 * (1 - edge) * np.abs(centre - 0.5) * 2
        light = np.where(centre > 0.5, sure, 1 - sure)
        return Predictions(np.stack([1 - light, light], axis=1).astype(np.float32))


def found(predictor: Brightness, *pictures: Path, how: str = "components") -> list:
    return list(boxes_by_classifier(cast("RunPredictor", predictor), pictures, how))  # type: ignore[arg-type]


def drawn(path: Path, ground: int, *squares: tuple[int, int, int, int], ink: int = 255, mode: str = "L") -> Path:
    pixels = np.full((96, 128), ground, np.uint8)
    for left, top, right, bottom in squares:
        pixels[top:bottom, left:right] = ink
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def test_components_are_tight_boxes_whatever_the_order() -> None:
    distance = np.zeros((60, 80), np.uint8)
    distance[10:30, 5:15] = 200
    distance[32:36, 5:15] = 200  # two pixels below: a stroke of the same object
    distance[40:55, 60:75] = 90
    distance[1:4, 40:43] = 255  # too small to be one
    assert components(distance).tolist() == [[5, 10, 15, 36], [60, 40, 75, 55]]
    assert len(components(np.full((20, 20), 30, np.uint8))) == 0, "noise does not stand out"


def test_windows_are_where_something_stands_out() -> None:
    distance = np.zeros((64, 64), np.uint8)
    assert len(windows(distance)) == 0
    distance[40:60, 40:60] = 255
    boxes = windows(distance)
    assert len(np.unique(boxes[:, 2] - boxes[:, 0])) == 5, "16, 23, 32, 45 and 64 pixels fit"
    assert ((boxes[:, 2] > 40) & (boxes[:, 3] > 40)).all()
    assert ((boxes >= 0) & (boxes <= 64)).all()
    assert len(windows(np.full((8, 8), 255, np.uint8))) == 0, "a picture smaller than every window"


@pytest.mark.parametrize(("ground", "ink", "mean"), [(0, 255, 0.1), (255, 0, 0.1), (0, 255, 0.9), (255, 0, 0.9)])
def test_a_classifier_sees_what_it_learned(ground: int, ink: int, mean: float, tmp_path: Path) -> None:
    """Light on dark or dark on light as in training, and the object as large in its frame as MNIST's."""
    predictor = Brightness(mean)
    picture = drawn(tmp_path / "x.png", ground, (20, 30, 40, 50), (100, 80, 128, 96), ink=ink)
    boxes = found(predictor, picture)[0]
    assert sorted(each.box for each in boxes) == [(20, 30, 40, 50), (100, 80, 128, 96)]
    light = mean < 0.5
    assert {each.label for each in boxes} == {"light" if light else "dark"}
    crop = predictor.seen[0][0, 0]
    inked = (crop > 127) == light
    assert (inked.sum() / crop.size) ** 0.5 == pytest.approx(INK_OF_FRAME, abs=0.04)
    assert not inked[[0, -1]].any()


def test_windows_that_overlap_leave_the_surest(tmp_path: Path) -> None:
    picture = drawn(tmp_path / "x.png", 0, (20, 30, 40, 50), (90, 60, 110, 80))
    boxes = [each.box for each in found(Brightness(), picture, how="windows")[0] if each.label == "light"]
    for square in ((20, 30, 40, 50), (90, 60, 110, 80)):
        assert any(left <= square[0] + 4 and right >= square[2] - 4 for left, _, right, _ in boxes)
    scores = [each.score for each in found(Brightness(), picture, how="windows")[0]]
    assert scores == sorted(scores, reverse=True)


def test_many_pictures_keep_their_order_and_empty_ones_have_none(tmp_path: Path) -> None:
    pictures = [drawn(tmp_path / f"{n}.png", 0, *([(20, 30, 40, 50)] if n % 3 else [])) for n in range(20)]
    assert [len(each) for each in found(Brightness(), *pictures)] == [int(n % 3 > 0) for n in range(20)]
    assert [len(each) for each in found(Brightness(), pictures[0], how="windows")] == [0]


def test_colours_stay(tmp_path: Path) -> None:
    predictor = Brightness(channels=3)
    boxes = found(predictor, drawn(tmp_path / "x.png", 255, (20, 30, 40, 50), ink=0, mode="RGB"))[0]
    assert [each.label for each in boxes] == ["dark"]
    assert predictor.seen[0].shape == (1, 3, SIDE, SIDE)
