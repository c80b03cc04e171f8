"""Scenes on the disk: read back by ourselves and by COCO's own tools."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from eyechart.data.annotations.looking import read_annotations
from eyechart.data.coco_files import made_whole, write_scenes
from eyechart.data.scenes import LEVELS, SceneMaker

DIGITS = np.random.default_rng(0).integers(0, 2, (6, 1, 12, 12), np.uint8) * 255
DIGITS[:, :, :2] = DIGITS[:, :, -2:] = DIGITS[..., :2] = DIGITS[..., -2:] = 0


def written(folder: Path, level: str = "medium") -> SceneMaker:
    maker = SceneMaker(DIGITS, np.arange(6) % 3, LEVELS[level], 0, "train")
    assert write_scenes(folder, "train", maker, 5, ("a", "b", "é"), lambda sentence: None) > 5
    return maker


def test_pictures_and_boxes_come_back(tmp_path: Path) -> None:
    maker = written(tmp_path)
    found = read_annotations(tmp_path)
    assert (found.kind, found.classes, list(found.parts)) == ("COCO", ("a", "b", "é"), ["train"])
    objects = found.objects("train")
    for number, picture in enumerate(found.parts["train"]):
        scene = maker.scene(number)
        assert np.array_equal(np.asarray(Image.open(picture.path)), scene.image[0])
        boxes, labels = objects.of(number)
        assert np.array_equal(boxes, scene.boxes)
        assert np.array_equal(labels, scene.labels)


def test_colours_come_back(tmp_path: Path) -> None:
    maker = written(tmp_path, "hard")
    picture = read_annotations(tmp_path).parts["train"][0]
    assert np.array_equal(np.asarray(Image.open(picture.path)).transpose(2, 0, 1), maker.scene(0).image)


def test_coco_reads_it(tmp_path: Path) -> None:
    maker = written(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = COCO(str(tmp_path / "annotations" / "train.json"))
    scene = maker.scene(2)
    boxes = [each["bbox"] for each in theirs.loadAnns(theirs.getAnnIds(imgIds=[3]))]
    assert boxes == [[left, top, right - left, bottom - top] for left, top, right, bottom in scene.boxes.tolist()]
    assert [each["name"] for each in theirs.loadCats(theirs.getCatIds())] == ["a", "b", "é"]
    assert json.loads((tmp_path / "annotations" / "train.json").read_text())["images"][0]["file_name"].startswith(
        "train/"
    )


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def stop() -> None:
        with made_whole(tmp_path / "s") as folder:
            (folder / "half.png").write_bytes(b"")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert not any(tmp_path.iterdir())
    with made_whole(tmp_path / "deep" / "s") as folder:
        (folder / "whole.png").write_bytes(b"")
    assert [path.name for path in (tmp_path / "deep").rglob("*")] == ["s", "whole.png"]
