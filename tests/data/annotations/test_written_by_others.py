"""Every format as another library writes it: the same pictures and boxes out of each (written_by_others/make.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyechart.data import catalog
from eyechart.data.annotations.looking import read_annotations

FOLDER = Path(__file__).parent / "written_by_others"
KINDS = {"coco": "COCO", "yolo": "YOLO", "voc": "Pascal VOC", "csv": "CSV"}
BOXES = {"a": [("cat", 2, 3, 12, 23), ("dog", 20, 5, 40, 30)], "b": [("dog", 0, 10, 25, 50)], "c": []}


@pytest.mark.parametrize("name", KINDS)
def test_pictures_boxes_and_classes_are_those_that_were_given(name: str) -> None:
    found = read_annotations(FOLDER / name)
    assert found.kind == KINDS[name]
    assert found.classes == ("cat", "dog")
    pictures = {each.path.stem: each for each in found.parts["train"]}
    assert set(pictures) == ({"a", "b"} if name == "csv" else set(BOXES)), "a table has no row for an empty picture"
    for stem, picture in pictures.items():
        assert [found.classes[label] for label in picture.labels] == [box[0] for box in BOXES[stem]]
        expected = np.array([box[1:] for box in BOXES[stem]], float).reshape(-1, 4)
        # YOLO has five decimals of a share of the picture.
        np.testing.assert_allclose(np.array(picture.boxes).reshape(-1, 4), expected, atol=1e-3)
        assert not any(picture.crowds)


@pytest.mark.parametrize("name", KINDS)
def test_each_is_a_dataset_to_train_on(name: str) -> None:
    dataset = catalog.load_dataset(str(FOLDER / name))
    assert dataset.card.task == "detection"
    assert (dataset.card.num_channels, dataset.card.height, dataset.card.width) == (3, 60, 60)
    assert dataset.card.num_train + dataset.card.num_test == (2 if name == "csv" else 3)
