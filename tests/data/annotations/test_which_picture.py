"""Which picture an annotation means, and which part a picture belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from eyechart.base.errors import DatasetError
from eyechart.data.annotations.found import part_in_path
from eyechart.data.annotations.looking import read_annotations


def draw(folder: Path, names: Iterable[str] = "ab") -> None:
    """Black pictures of 40 x 30 pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.zeros((30, 40), np.uint8)).save(folder / f"{name}.png")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("test/images/train_001.jpg", "test"),
        ("train/test_tube_3.jpg", "train"),
        ("train/eval_3.jpg", "train"),
        ("val/train/a.jpg", "train"),
        ("images/val_7.jpg", "validation"),
        ("train_test_data/test_1.jpg", "test"),
        ("VisDrone2019-DET-test-dev/images/1.jpg", "test"),
        ("images/1.jpg", None),
    ],
)
def test_folders_tell_the_part_before_the_name_does(name: str, part: str | None, tmp_path: Path) -> None:
    assert part_in_path(tmp_path / name, tmp_path) == part


def test_yolo_without_folders_takes_no_pictures_of_programs(tmp_path: Path) -> None:
    draw(tmp_path / "images")
    for folder in (".ipynb_checkpoints", "images/@eaDir/a.png", "runs/first", "venv/lib"):
        draw(tmp_path / folder, "c")
    (tmp_path / "runs" / "first" / "study.json").write_text("{}")
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    (tmp_path / "data.yaml").write_text("names: [cat, dog]")
    (pictures,) = read_annotations(tmp_path).parts.values()
    assert [each.path.name for each in pictures] == ["a.png", "b.png"]


def test_pictures_of_programs_are_no_second_ones_of_a_name(tmp_path: Path) -> None:
    for folder in ("", "@eaDir", ".cache"):
        draw(tmp_path / folder, "a")
    (tmp_path / "all.csv").write_text("filename,label,xmin,ymin,xmax,ymax\na.png,cat,1,1,5,5\n")
    (picture,) = read_annotations(tmp_path).parts["train"]
    assert picture.path == tmp_path / "a.png"


def test_yolo_takes_a_picture_once_however_often_its_folder_is_named(tmp_path: Path) -> None:
    draw(tmp_path / "train" / "images")
    facts = {"names": ["cat"], "train": ["train", "train/images"], "val": "train", "valid": "train"}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(facts))
    found = read_annotations(tmp_path).parts
    assert {part: [each.path.name for each in pictures] for part, pictures in found.items()} == {
        "train": ["a.png", "b.png"], "validation": ["a.png", "b.png"]
    }  # fmt: skip


def bare_voc(path: Path, filename: str, box: str) -> None:
    """One xml with a cat in a box "left top right bottom"."""
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box.split(), strict=True)
    sides = "".join(f"<{side}>{value}</{side}>" for side, value in corners)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<annotation><filename>{filename}</filename>"
        f"<object><name>cat</name><bndbox>{sides}</bndbox></object></annotation>"
    )


def lefts_of_voc(root: Path) -> dict[str, list[float]]:
    """Picture below the root -> the left sides of its boxes."""
    found = read_annotations(root).parts
    return {
        each.path.relative_to(root).as_posix(): [box[0] for box in each.boxes] for part in found.values()
        for each in part
    }  # fmt: skip


def test_voc_copies_that_all_name_the_first_picture(tmp_path: Path) -> None:
    draw(tmp_path, "0123")
    for number in range(4):
        bare_voc(tmp_path / f"{number}.xml", "0.png", f"{number} 0 9 9")
    assert lefts_of_voc(tmp_path) == {f"{number}.png": [number] for number in range(4)}


def test_voc_takes_the_named_picture_where_the_one_called_alike_is_far(tmp_path: Path) -> None:
    draw(tmp_path / "train", "a")
    draw(tmp_path / "test", "b")
    bare_voc(tmp_path / "train" / "b.xml", "a.png", "3 0 9 9")
    assert lefts_of_voc(tmp_path) == {"train/a.png": [3]}


@pytest.mark.parametrize("xml", ["a.1", "c"])
@pytest.mark.parametrize("filename", ["a.1", "a.1.png", r"C:\pictures\a.1.png"])
def test_voc_names_with_a_dot(xml: str, filename: str, tmp_path: Path) -> None:
    draw(tmp_path, ["a", "a.1", "a.1.1"])
    bare_voc(tmp_path / f"{xml}.xml", filename, "3 0 9 9")
    assert lefts_of_voc(tmp_path) == {"a.1.png": [3]}


def test_two_xmls_of_one_picture_are_a_fault(tmp_path: Path) -> None:
    draw(tmp_path, "a")
    bare_voc(tmp_path / "a.xml", "a.png", "3 0 9 9")
    bare_voc(tmp_path / "old" / "c.xml", "a.png", "4 0 9 9")
    with pytest.raises(
        DatasetError, match=r"old/c\.xml: is of a\.png, as a\.xml is; expected one xml for each picture"
    ):
        read_annotations(tmp_path)


def test_a_table_names_pictures_without_their_endings(tmp_path: Path) -> None:
    draw(tmp_path, ["img", "img.1"])
    rows = ["img,cat,1,1,9,9", "img.1,cat,2,1,9,9"]
    (tmp_path / "all.csv").write_text("\n".join(["image_id,label,xmin,ymin,xmax,ymax", *rows]))
    found = read_annotations(tmp_path).parts["train"]
    assert {each.path.name: each.boxes[0][0] for each in found} == {"img.png": 1, "img.1.png": 2}


def test_a_table_for_each_part(tmp_path: Path) -> None:
    """As TensorFlow's tutorials make them: one folder of pictures, train_labels.csv and test_labels.csv."""
    draw(tmp_path, ["a", "b", "train_c"])
    columns = "filename,label,xmin,ymin,xmax,ymax"
    (tmp_path / "train_labels.csv").write_text(f"{columns}\na.png,cat,1,1,9,9")
    (tmp_path / "test_labels.csv").write_text(f"{columns}\nb.png,cat,1,1,9,9\ntrain_c.png,cat,1,1,9,9")
    parts = read_annotations(tmp_path).parts
    assert {part: [each.path.name for each in found] for part, found in parts.items()} == {
        "train": ["a.png"], "test": ["b.png", "train_c.png"]
    }  # fmt: skip
    (tmp_path / "train_labels.csv").write_text(f"{columns}\na.png,cat,1,1,9,9\nb.png,cat,1,1,9,9")
    with pytest.raises(DatasetError, match=r"image 'b\.png' is in a table of test as well"):
        read_annotations(tmp_path)


def test_a_table_names_pictures_by_their_folders(tmp_path: Path) -> None:
    for folder in ("train", "test"):
        draw(tmp_path / folder, "a")
    rows = ["train/a.png,cat,1,1,10,10", "test/a.png,dog,20,20,30,30"]
    (tmp_path / "all.csv").write_text("\n".join(["path,label,xmin,ymin,xmax,ymax", *rows]))
    found = read_annotations(tmp_path).parts
    assert {part: [each.boxes for each in pictures] for part, pictures in found.items()} == {
        "train": [[(1, 1, 10, 10)]], "test": [[(20, 20, 30, 30)]]
    }  # fmt: skip
    (tmp_path / "all.csv").write_text("path,label,xmin,ymin,xmax,ymax\n\na.png,cat,1,1,10,10\n")
    with pytest.raises(DatasetError, match=r"line 3: the image 'a\.png' may be any of 2, such as test/a\.png"):
        read_annotations(tmp_path)


def test_pictures_of_one_name_belong_to_the_annotation_beside_them(tmp_path: Path) -> None:
    for part in ("train", "test"):
        draw(tmp_path / part)
        for name in "ab":
            (tmp_path / part / f"{name}.csv").write_text("label,xmin,ymin,xmax,ymax\ncat,1,1,5,5\n")
    found = read_annotations(tmp_path)
    assert {part: {each.path.parent.name for each in pictures} for part, pictures in found.parts.items()} == {
        "train": {"train"}, "test": {"test"}
    }  # fmt: skip
