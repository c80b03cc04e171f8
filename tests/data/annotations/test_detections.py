"""Detections under the ids of their annotations, whatever the format of these; what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eyechart.base.errors import DatasetError
from eyechart.data.annotations.detections import detection_ids, read_detections
from eyechart.data.annotations.found import Annotated, Picture

A_BOX = {"image_id": 7, "category_id": 3, "bbox": [1, 2, 3.5, 4], "score": 0.5}


def coco() -> Annotated:
    pictures = [Picture(Path("a.png"), 20, 20, id=5), Picture(Path("b.png"), 20, 20, id=7)]
    return Annotated("COCO", ("cat", "dog"), {"test": pictures}, class_of={0: 0, 3: 1})


def others() -> Annotated:
    pictures = [Picture(Path("x/a.png"), 20, 20), Picture(Path("x/b.png"), 20, 20)]
    return Annotated("YOLO", ("cat", "dog"), {"test": pictures})


def written(folder: Path, content: object) -> Path:
    path = folder / "found.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_image_after_image_best_first(tmp_path: Path) -> None:
    surer = A_BOX | {"score": 0.75, "category_id": 0}
    earlier = A_BOX | {"image_id": 5, "score": 0.125}
    found = read_detections(written(tmp_path, [A_BOX, surer, earlier]), coco(), "test")
    assert (found.image.tolist(), found.labels.tolist()) == ([0, 1, 1], [1, 0, 1])
    assert found.scores.tolist() == [0.125, 0.75, 0.5]
    assert found.boxes[2].tolist() == [1, 2, 4.5, 6]


def test_none_at_all_is_legal(tmp_path: Path) -> None:
    found = read_detections(written(tmp_path, []), coco(), "test")
    assert (found.boxes.shape, found.image.shape) == ((0, 4), (0,))


@pytest.mark.parametrize("image", ["b.png", "b"])
@pytest.mark.parametrize("label", ["dog", 1])
def test_pictures_and_classes_without_ids_go_by_their_names(image: str, label: object, tmp_path: Path) -> None:
    found = read_detections(written(tmp_path, [A_BOX | {"image_id": image, "category_id": label}]), others(), "test")
    assert (found.image.tolist(), found.labels.tolist()) == ([1], [1])


def test_ids_are_what_is_read(tmp_path: Path) -> None:
    assert detection_ids(coco(), "test") == ([5, 7], {"cat": 0, "dog": 3})
    images, classes = detection_ids(others(), "test")
    both = [A_BOX | {"image_id": image, "category_id": classes["cat"]} for image in images]
    assert read_detections(written(tmp_path, both), others(), "test").image.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (A_BOX | {"image_id": 6}, "found.json, detection 2: there is no image 6"),
        (A_BOX | {"image_id": [7]}, r"there is no image \[7\]"),
        (A_BOX | {"category_id": 1}, "there is no category 1"),
        (A_BOX | {"category_id": True}, "there is no category True"),
        (A_BOX | {"bbox": [1, 2, -3, 4]}, r"bbox is \[1, 2, -3, 4\]; expected \[left, top, width, height\]"),
        (A_BOX | {"bbox": [1, 2, 3]}, "expected .left, top, width, height"),
        (A_BOX | {"bbox": [1, 2, float("inf"), 3]}, "expected .left, top, width, height"),
        (A_BOX | {"score": "high"}, "score is 'high'; expected a number"),
        ({"image_id": 7}, "expected image_id, category_id, bbox and score"),
        (3, "expected image_id, category_id, bbox and score"),
    ],
)
def test_what_is_wrong_is_named(entry: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=message):
        read_detections(written(tmp_path, [A_BOX, entry]), coco(), "test")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ({"annotations": []}, "has annotations, not detections; expected COCO's list"),
        ({"boxes": []}, "has no list; expected COCO's list"),
    ],
)
def test_a_file_that_is_none(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=message):
        read_detections(written(tmp_path, content), coco(), "test")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_detections(tmp_path / "none.json", coco(), "test")
