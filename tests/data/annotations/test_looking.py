"""Annotations of four formats: the same picture and boxes from each, and faults that are named with file and line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from PIL import Image

from eyechart.base.errors import DatasetError
from eyechart.data.annotations.found import with_boxes_alone
from eyechart.data.annotations.looking import are_annotated, read_annotations

# Two pictures of 40 x 30 pixels: a cat and a dog on the one, nothing on the other.
BOXES = {"a": [("cat", 2, 3, 12, 23), ("dog", 20, 5, 40, 30)], "b": []}


def draw(folder: Path, names: str = "ab") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.zeros((30, 40), np.uint8)).save(folder / f"{name}.png")


def coco(root: Path, first_id: int = 1, **changes: Any) -> dict[str, Any]:
    draw(root)
    classes = {"cat": first_id, "dog": first_id + 1}
    document = {
        "images": [{"id": first_id + n, "file_name": f"{name}.png", "width": 40, "height": 30}
                   for n, name in enumerate(BOXES)],
        "categories": [{"id": number, "name": name} for name, number in classes.items()],
        "annotations": [
            {"id": first_id + n, "image_id": first_id, "category_id": classes[name], "bbox": [x, y, r - x, b - y],
             "area": (r - x) * (b - y), "iscrowd": 0}
            for n, (name, x, y, r, b) in enumerate(BOXES["a"])
        ],
    } | changes  # fmt: skip
    (root / "instances.json").write_text(json.dumps(document))
    return document


def voc(root: Path) -> None:
    """As the format has it: pixels from 1, the last one in the box."""
    draw(root / "JPEGImages")
    for name, boxes in BOXES.items():
        tree = ElementTree.Element("annotation")
        ElementTree.SubElement(tree, "filename").text = f"{name}.png"
        size = ElementTree.SubElement(tree, "size")
        for side, value in (("width", 40), ("height", 30), ("depth", 1)):
            ElementTree.SubElement(size, side).text = str(value)
        for label, left, top, right, bottom in boxes:
            each = ElementTree.SubElement(tree, "object")
            ElementTree.SubElement(each, "name").text = label
            box = ElementTree.SubElement(each, "bndbox")
            for side, value in (("xmin", left + 1), ("ymin", top + 1), ("xmax", right), ("ymax", bottom)):
                ElementTree.SubElement(box, side).text = str(value)
        path = root / "Annotations" / f"{name}.xml"
        path.parent.mkdir(exist_ok=True)
        ElementTree.ElementTree(tree).write(path)


def yolo(root: Path) -> None:
    draw(root / "images" / "train")
    (root / "data.yaml").write_text(yaml.safe_dump({"names": {0: "cat", 1: "dog"}, "train": "images/train"}))
    lines = [
        f"{label == 'dog':d} {(x + r) / 80} {(y + b) / 60} {(r - x) / 40} {(b - y) / 30}"
        for label, x, y, r, b in BOXES["a"]
    ]
    (root / "labels" / "train").mkdir(parents=True)
    (root / "labels" / "train" / "a.txt").write_text("\n".join(lines) + "\n")


def one_csv_for_all(root: Path) -> None:
    draw(root)
    rows = [f"{name}.png,{label},{x},{y},{r},{b}" for name, boxes in BOXES.items() for label, x, y, r, b in boxes]
    (root / "all.csv").write_text("\n".join(["filename,label,xmin,ymin,xmax,ymax", *rows]))


def a_csv_for_each(root: Path) -> None:
    draw(root)
    for name, boxes in BOXES.items():
        rows = [f"{label},{x},{y},{r},{b}" for label, x, y, r, b in boxes]
        (root / f"{name}.csv").write_text("\n".join(["label,xmin,ymin,xmax,ymax", *rows]) + "\n")


WRITERS: dict[str, Callable[[Path], object]] = {
    "COCO": coco, "COCO from 0": lambda root: coco(root, 0), "Pascal VOC": voc, "YOLO": yolo,
    "CSV, one for all": one_csv_for_all, "CSV, one for each": a_csv_for_each,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_says_the_same(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path)
    found = read_annotations(tmp_path)
    assert found.kind == name.partition(",")[0].removesuffix(" from 0")
    assert found.classes == ("cat", "dog")
    pictures = {picture.path.stem: picture for picture in found.parts["train"]}
    assert (pictures["a"].width, pictures["a"].height) == (40, 30)
    np.testing.assert_allclose(pictures["a"].boxes, [box[1:] for box in BOXES["a"]], atol=1e-4)
    assert pictures["a"].labels == [0, 1]
    if name != "CSV, one for all":  # which cannot say that there is a picture with nothing on it
        assert pictures["b"].boxes == []
        assert found.objects("train").counts.tolist() == [2, 0]


def test_crowds_are_marked(tmp_path: Path) -> None:
    document = coco(tmp_path)
    document["annotations"][1]["iscrowd"] = 1
    (tmp_path / "instances.json").write_text(json.dumps(document))
    assert read_annotations(tmp_path).objects("train").crowds.tolist() == [False, True]


def test_parts_by_the_names_of_files_and_folders(tmp_path: Path) -> None:
    draw(tmp_path / "images")
    document = coco(tmp_path / "elsewhere")
    for name in ("first", "second"):
        path = tmp_path / "annotations" / f"instances_{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
    (tmp_path / "elsewhere" / "instances.json").unlink()
    with pytest.raises(DatasetError, match="Expected one json for each part"):
        read_annotations(tmp_path)
    for name, part in (("first", "train"), ("second", "val")):
        path = tmp_path / "annotations" / f"instances_{name}.json"
        path.rename(tmp_path / "annotations" / f"{part}.json")
    assert list(read_annotations(tmp_path).parts) == ["train", "validation"]


def test_coco_as_it_is_published(tmp_path: Path) -> None:
    """Pictures in train2017 and val2017, beside annotations/instances_train2017.json and instances_val2017.json."""
    document = coco(tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "elsewhere")
    (tmp_path / "annotations").mkdir()
    for part in ("train2017", "val2017"):
        draw(tmp_path / part)
        (tmp_path / "annotations" / f"instances_{part}.json").write_text(json.dumps(document))
    found = read_annotations(tmp_path)
    assert {part: {each.path.parent.name for each in pictures} for part, pictures in found.parts.items()} == {
        "train": {"train2017"}, "validation": {"val2017"}
    }  # fmt: skip


def test_the_name_of_a_coco_json_tells_its_part_before_its_folder(tmp_path: Path) -> None:
    document = coco(tmp_path / "images")
    (tmp_path / "images" / "instances.json").unlink()
    (tmp_path / "images" / "train").mkdir()
    for part in ("train", "val"):
        (tmp_path / "images" / "train" / f"instances_{part}.json").write_text(json.dumps(document))
    assert list(read_annotations(tmp_path).parts) == ["train", "validation"]


def test_pixels_that_count_from_0_in_one_direction(tmp_path: Path) -> None:
    voc(tmp_path)
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace("<ymin>4</ymin>", "<ymin>0</ymin>"))
    found = read_annotations(tmp_path)
    assert found.parts["train"][0].boxes[0] == (3, 0, 12, 23)
    assert found.remarks == ()


def test_yolo_by_an_absolute_path_and_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    yolo(tmp_path / "set")
    draw(tmp_path / "set" / "images" / "more", "c")
    facts = {"names": ["cat", "dog"], "path": str(tmp_path / "set"), "train": ["images/train", "images/more"]}
    (tmp_path / "set" / "data.yaml").write_text(yaml.safe_dump(facts))
    monkeypatch.chdir(tmp_path)
    (pictures,) = read_annotations(Path("set")).parts.values()
    assert {each.path.name: len(each.boxes) for each in pictures} == {"a.png": 2, "b.png": 0, "c.png": 0}
    (tmp_path / "set" / "images" / "more").rename(tmp_path / "large disk")
    (tmp_path / "set" / "images" / "more").symlink_to(tmp_path / "large disk")
    (pictures,) = read_annotations(Path("set")).parts.values()
    assert len(pictures) == 3, "a link stays a folder of the dataset"
    (tmp_path / "set" / "list.txt").write_text("images/train/a.png")
    draw(tmp_path / "elsewhere")
    for change, fault in (
        ({"train": "list.txt"}, "a file; expected a folder of pictures"),
        ({"train": [3]}, "is in 3; expected a folder, or several of them"),
        ({"train": str(tmp_path / "elsewhere")}, "which is not in set"),
        ({"names": [["cat"], "dog"]}, "has a class that is a list"),
    ):
        (tmp_path / "set" / "data.yaml").write_text(yaml.safe_dump(facts | change))
        with pytest.raises(DatasetError, match=fault):
            read_annotations(Path("set"))


@pytest.mark.parametrize(("names", "keys"), [({0: "a", "x": "b"}, "0, 'x'"), ({2: "a", 0: "b"}, "2, 0")])
def test_yolo_classes_that_are_not_numbered_from_0_on(names: dict[object, str], keys: str, tmp_path: Path) -> None:
    draw(tmp_path)
    (tmp_path / "data.yaml").write_text(yaml.safe_dump({"names": names}, sort_keys=False))
    with pytest.raises(DatasetError, match=f"has the class numbers {keys}; expected 0, 1, 2"):
        read_annotations(tmp_path)


def test_boxes_a_pixel_outside_are_cut(tmp_path: Path) -> None:
    draw(tmp_path)
    (tmp_path / "a.csv").write_text("label,xmin,ymin,xmax,ymax\ncat,-1,0,40.5,30\n")
    assert read_annotations(tmp_path).parts["train"][0].boxes == [(0, 0, 40, 30)]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("cat,5,5,5,9", r"a.csv, line 2: the box \(5, 5, 5, 9\) is empty"),
        ("cat,9,5,5,9", "is inverted; expected left, top, right, bottom"),
        ("cat,40,5,40.5,9", r"a.csv, line 2: the box \(40, 5, 40.5, 9\) is empty, or has nothing in its picture"),
        ("cat,5,5,50,9", "lies outside of its picture of 40 x 30 pixels"),
        ("cat,5,x,9,9", "has something that is no number"),
        ("cat,5,inf,9,9", "has something that is no number"),
        ("cat,5,5,9", "has something that is no number"),
        (",5,5,9,9", "line 2: has no label"),
    ],
)
def test_faults_of_a_table(row: str, fault: str, tmp_path: Path) -> None:
    draw(tmp_path)
    (tmp_path / "a.csv").write_text(f"label,xmin,ymin,xmax,ymax\n{row}\ndog,1,1,5,5\n")
    with pytest.raises(DatasetError, match=fault):
        read_annotations(tmp_path)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"images": [{"id": 1, "file_name": "c.png", "width": 4, "height": 4}]}, "the image 'c.png' is not there"),
        ({"images": [{"id": 1, "file_name": "a.png"}] * 2}, "image id 1 stands there twice"),
        (
            {"images": [{"id": 1, "file_name": "a.png"}, {"id": 7, "file_name": "./a.png"}]},
            "the images 1 and 7 are both './a.png'; expected one entry for each file",
        ),
        ({"annotations": [{"id": 1, "image_id": 9, "category_id": 1, "bbox": [1, 1, 2, 2]}]}, "there is no image 9"),
        ({"annotations": [{"id": 1, "image_id": 1, "category_id": 9, "bbox": [1, 1, 2, 2]}]}, "no category 9"),
        ({"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1]}]}, r"bbox is \[1, 1\]; expected"),
        ({"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 0, 2]}]}, "is empty"),
        ({"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}] * 2}, "stands there twice"),
        ({"annotations": [{"id": [1], "image_id": [9], "category_id": 1}]}, r"there is no image \[9\]"),
        ({"annotations": [{"image_id": 1, "category_id": 1, "bbox": [10**400, 1, 2, 2]}]}, "that is no number"),
        ({"categories": [{"id": 1, "name": "x"}, {"id": 1, "name": "y"}]}, "category id 1 stands there twice"),
        (
            {"images": [{"id": 1, "file_name": "a.png", "width": 4, "height": 30}]},
            "says 4 x 30 pixels, and a.png has",
        ),
        ({"annotations": {"1": []}}, "annotations is no list of objects"),
    ],
)
def test_faults_of_coco(change: dict[str, Any], fault: str, tmp_path: Path) -> None:
    coco(tmp_path, **change)
    with pytest.raises(DatasetError, match=fault):
        read_annotations(tmp_path)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("5 .5 .5 .1 .1", r"a.txt, line 1: there is no class 5; data.yaml names 0 to 1"),
        ("0 .5 .5 .1", "has 4 numbers; expected class, centre x"),
        ("0 .5 .5 0 .1", "is empty"),
        ("0 .9 .5 .9 .1", "lies outside"),
    ],
)
def test_faults_of_yolo(line: str, fault: str, tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "labels" / "train" / "a.txt").write_text(line)
    with pytest.raises(DatasetError, match=fault):
        read_annotations(tmp_path)


def test_faults_of_voc(tmp_path: Path) -> None:
    voc(tmp_path)
    path = tmp_path / "Annotations" / "a.xml"
    whole = path.read_text()
    for broken, fault in (
        (whole[:-20], "a.xml: is no xml"),
        (whole.replace("a.png", "gone.png").replace("<filename>", "<filename>"), None),
        (whole.replace("<xmin>3</xmin>", "<xmin>39</xmin>"), r"a.xml, object 1: the box \(38, 3, 12, 23\) is inverted"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + whole, "declares entities"),
    ):
        path.write_text(broken)
        if fault is None:
            assert read_annotations(tmp_path).parts["train"], "its own name says which picture it is of"
            continue
        with pytest.raises(DatasetError, match=fault):
            read_annotations(tmp_path)


def test_cells_of_a_table_have_spaces_around_them(tmp_path: Path) -> None:
    draw(tmp_path)
    rows = ["a.png, cat, 1, 1, 5, 5", "a.png,cat ,2,2,6,6", 'b.png, "dog, small", 3,3,7,7', " , , , , , "]
    (tmp_path / "all.csv").write_text("\n".join(['filename, "label",xmin,ymin,xmax,ymax', *rows]))
    found = read_annotations(tmp_path)
    assert found.classes == ("cat", "dog, small")
    assert [each.labels for each in found.parts["train"]] == [[0, 0], [1]]


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    draw(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"label,xmin,ymin,xmax,ymax\n\xff\xfe,1,1,5,5\n")
    with pytest.raises(DatasetError, match=r"a\.csv is no text in UTF-8"):
        read_annotations(tmp_path)
    (tmp_path / "a.csv").write_text("label,xmin,ymin,xmax,ymax\ncat,1,1,5,5\n")
    (tmp_path / "a.png").write_bytes(b"\x89PNG nonsense")
    with pytest.raises(DatasetError, match=r"a\.png is no picture that can be read"):
        read_annotations(tmp_path)


def test_many_faults_are_counted(tmp_path: Path) -> None:
    draw(tmp_path)
    rows = ["cat,5,5,5,9"] * 7
    (tmp_path / "a.csv").write_text("\n".join(["label,xmin,ymin,xmax,ymax", *rows]))
    with pytest.raises(DatasetError, match=r"line 2.*line 3.*line 4.*and 4 more\. Mend or remove these"):
        read_annotations(tmp_path)


def test_nothing_and_two_of_a_kind(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no folder"):
        read_annotations(tmp_path / "nowhere")
    draw(tmp_path)
    with pytest.raises(DatasetError, match=r"has no annotations that are known\. Expected COCO"):
        read_annotations(tmp_path)
    one_csv_for_all(tmp_path)
    coco(tmp_path)
    with pytest.raises(DatasetError, match="Expected one; move the other away"):
        read_annotations(tmp_path)


def lists(root: Path, **lines: str) -> None:
    """ImageSets/Main with a file for each part."""
    folder = root / "ImageSets" / "Main"
    folder.mkdir(parents=True, exist_ok=True)
    for part, text in lines.items():
        (folder / f"{part}.txt").write_text(text)


@pytest.mark.parametrize(
    ("stem", "line"),
    [
        ("b", "b"),
        ("b", "b -1"),
        ("b", "b.png"),
        ("b", "JPEGImages/b.PNG 1"),
        ("a cat", "a cat"),
        ("a cat", "a cat.jpg"),
    ],
)
def test_part_lists_of_voc_name_pictures_in_many_ways(stem: str, line: str, tmp_path: Path) -> None:
    voc(tmp_path)
    for path in (tmp_path / "Annotations" / "b.xml", tmp_path / "JPEGImages" / "b.png"):
        path.rename(path.with_stem(stem))
    lists(tmp_path, test=f"{line}\n\n")
    found = read_annotations(tmp_path)
    assert {part: [each.path.stem for each in of_part] for part, of_part in found.parts.items()} == {
        "train": ["a"], "test": [stem]
    }  # fmt: skip


def test_annotations_behind_a_link_say_nothing_of_the_folder(tmp_path: Path) -> None:
    """A class may be a link to a folder that has boxes as well."""
    elsewhere, classes = tmp_path / "elsewhere", tmp_path / "classes"
    classes.mkdir()
    draw(elsewhere)
    (elsewhere / "instances.json").write_text(json.dumps(coco(elsewhere)))
    assert are_annotated(elsewhere)
    (classes / "cat").symlink_to(elsewhere, target_is_directory=True)
    assert not are_annotated(classes)
    assert are_annotated(classes / "cat"), "whoever names the link means what it leads to"


def test_part_lists_of_voc_that_name_nothing_are_told(tmp_path: Path) -> None:
    voc(tmp_path)
    lists(tmp_path, train="a\ngone 7\n", test="b\n", cat_val="gone")
    found = read_annotations(tmp_path)
    told = "ImageSets/Main/train.txt: 1 of 2 lines name no xml that is there, such as 'gone 7'"
    assert told in [remark.replace("\\", "/") for remark in found.remarks]
    assert set(found.parts) == {"train", "test"}
    lists(tmp_path, test="image-b\n")
    found = read_annotations(tmp_path)
    assert "test.txt: no line names an xml that is there, such as 'image-b'" in " ".join(found.remarks)
    assert set(found.parts) == {"train"}, "a published test part has pictures and no annotations"
    lists(tmp_path, train="image-a\n", test="image-b\n")
    with pytest.raises(DatasetError, match=r"train\.txt.*no line names an xml that is there, such as 'image-a'"):
        read_annotations(tmp_path)


@pytest.mark.parametrize("encoding", ["gb2312", "no-such-encoding"])
def test_an_encoding_that_no_parser_knows_is_told(encoding: str, tmp_path: Path) -> None:
    voc(tmp_path)
    path = tmp_path / "Annotations" / "a.xml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?>' + path.read_text())
    with pytest.raises(DatasetError, match=r"a\.xml: is in an encoding that is not read .* save it as UTF-8"):
        read_annotations(tmp_path)


def test_a_cell_that_never_ends_is_told(tmp_path: Path) -> None:
    draw(tmp_path)
    (tmp_path / "a.csv").write_text(f'label,xmin,ymin,xmax,ymax\ndog,1,1,5,5\n"cat{"x" * 140_000},1,1,5,5\n')
    with pytest.raises(DatasetError, match=r"a\.csv, line 3, .* at most 131,072 characters; a quote"):
        read_annotations(tmp_path)


def test_coco_as_windows_tools_write_it(tmp_path: Path) -> None:
    """Backslashes in paths, a mark at the file's beginning, and annotations that nobody numbered."""
    document = coco(tmp_path)
    draw(tmp_path / "pictures")
    for image in document["images"]:
        (tmp_path / image["file_name"]).unlink()
        image["file_name"] = f"pictures\\{image['file_name']}"
    for annotation in document["annotations"]:
        del annotation["id"]
    (tmp_path / "instances.json").write_text(json.dumps(document), encoding="utf-8-sig")
    pictures = read_annotations(tmp_path).parts["train"]
    assert [each.path.relative_to(tmp_path).as_posix() for each in pictures] == ["pictures/a.png", "pictures/b.png"]
    assert pictures[0].labels == [0, 1]
    del document["annotations"][1]["bbox"]
    (tmp_path / "instances.json").write_text(json.dumps(document))
    with pytest.raises(DatasetError, match="annotation number 2: bbox is None"):
        read_annotations(tmp_path)


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ("[yes, no]", r'reads as true, as it does yes, no, on, off\. Quote .*: names: \["yes", "no"\]'),
        ("{0: cat, 1: off}", "reads as false"),
        ("[cat, cat]", "names 'cat' twice; expected each class once"),
        ("[1, '1']", "names '1' twice"),
    ],
)
def test_names_of_yolo_that_are_none(names: str, fault: str, tmp_path: Path) -> None:
    yolo(tmp_path)
    (tmp_path / "data.yaml").write_text(f"names: {names}\ntrain: images/train\n")
    with pytest.raises(DatasetError, match=fault):
        read_annotations(tmp_path)
    (tmp_path / "data.yaml").write_text('names: ["yes", "no"]\ntrain: images/train\n')
    assert read_annotations(tmp_path).classes == ("yes", "no")


def test_classes_without_a_box_are_left_out_of_what_is_learned(tmp_path: Path) -> None:
    document = coco(tmp_path)
    document["categories"] = [{"id": 0, "name": "animals"}, *document["categories"], {"id": 9, "name": "bee"}]
    (tmp_path / "instances.json").write_text(json.dumps(document))
    found = read_annotations(tmp_path)
    assert found.classes == ("animals", "cat", "dog", "bee"), "detections may be of any of them"
    used = with_boxes_alone(found)
    assert used.classes == ("cat", "dog")
    assert used.class_of == {1: 0, 2: 1}
    assert [each.labels for each in used.parts["train"]] == [[0, 1], []]
    assert used.remarks == ("no box in any part, so left out of the classes: animals, bee",)
    assert with_boxes_alone(used) is used
    document["annotations"] = []
    (tmp_path / "instances.json").write_text(json.dumps(document))
    assert with_boxes_alone(read_annotations(tmp_path)).classes == found.classes
