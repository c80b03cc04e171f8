"""Annotated pictures as a dataset: one frame for all sizes, boxes that go with them, parts, and what is refused."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eyechart.base.errors import DatasetError, UsageError
from eyechart.catalog.presets import rules_of
from eyechart.data import catalog, picture_store
from eyechart.data.pictures import EXIF_ORIENTATION
from eyechart.data.splits import split
from eyechart.schema import PictureRule

COLOURS = {"cat": 250, "dog": 120}


def picture(path: Path, size: tuple[int, int], boxes: list[tuple[str, int, int, int, int]], **save: Any) -> None:
    """A black picture of `size` (width, height) with a filled square in each box."""
    pixels = np.zeros((size[1], size[0]), np.uint8)
    for name, left, top, right, bottom in boxes:
        pixels[top:bottom, left:right] = COLOURS[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **save)


def coco(
    root: Path, part: str, pictures: dict[str, tuple[tuple[int, int], list[tuple[str, int, int, int, int]]]]
) -> None:
    """Pictures and a json for one part."""
    images, annotations = [], []
    for number, (name, (size, boxes)) in enumerate(pictures.items(), 1):
        picture(root / part / name, size, boxes)
        images.append({"id": number, "file_name": f"{part}/{name}", "width": size[0], "height": size[1]})
        annotations += [
            {"id": len(annotations) + n, "image_id": number, "category_id": 1 + (label == "dog"),
             "bbox": [x, y, r - x, b - y], "area": (r - x) * (b - y), "iscrowd": 0}
            for n, (label, x, y, r, b) in enumerate(boxes, 1)
        ]  # fmt: skip
    content = {"images": images, "annotations": annotations,
               "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]}  # fmt: skip
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "annotations" / f"{part}.json").write_text(json.dumps(content))


def a_few(number: int, size: tuple[int, int] = (40, 30)) -> dict[str, Any]:
    return {
        f"{n}.png": (size, [("cat" if n % 2 else "dog", 2 + n % 5, 3, 14 + n % 5, 23), ("dog", 20, 5, 40, 30)])
        for n in range(number)
    }


def test_boxes_lie_on_what_they_are_of_whatever_the_pictures_size(tmp_path: Path) -> None:
    coco(tmp_path, "train", a_few(3) | {"wide.png": ((90, 30), [("cat", 10, 10, 40, 20)])})
    coco(tmp_path, "test", {"tall.png": ((20, 80), [("dog", 4, 40, 16, 76)])})
    dataset = catalog.load_dataset(str(tmp_path))
    assert (dataset.card.task, dataset.card.height, dataset.card.width) == ("detection", 90, 90)
    assert dataset.card.classes == ("cat", "dog")
    for part in (dataset.train, dataset.test):
        assert part.objects is not None
        for image in range(len(part)):
            pixels = part.images[image : image + 1][0, 0]
            for (left, top, right, bottom), label in zip(*part.objects.of(image), strict=True):
                middle = int((top + bottom) / 2), int((left + right) / 2)
                assert abs(int(pixels[middle]) - list(COLOURS.values())[label]) < 6
                outside = int((top + bottom) / 2), int(right) + 3
                if outside[1] < 90 and label == 0:
                    assert pixels[outside] < 200


def test_pictures_of_one_small_size_keep_it(tmp_path: Path) -> None:
    coco(tmp_path, "train", a_few(4))
    coco(tmp_path, "test", a_few(2))
    dataset = catalog.load_dataset(str(tmp_path))
    assert dataset.train.images.shape == (4, 1, 30, 40)
    assert dataset.train.objects is not None
    assert dataset.train.objects.of(0)[0].tolist() == [[2, 3, 14, 23], [20, 5, 40, 30]]
    larger = catalog.load_dataset(str(tmp_path), img_size=80)
    assert larger.train.images.shape == (4, 1, 80, 80)
    assert larger.train.objects is not None
    assert larger.train.objects.of(0)[0].tolist() == [[4, 16, 28, 56], [40, 20, 80, 70]]
    with pytest.raises(UsageError, match="The image size is 4"):
        catalog.load_dataset(str(tmp_path), img_size=4)


def test_a_test_part_is_cut_by_a_fixed_rule(tmp_path: Path) -> None:
    coco(tmp_path, "train", a_few(20))
    told: list[str] = []
    dataset = catalog.load_dataset(str(tmp_path), say=told.append)
    assert (dataset.card.num_train, dataset.card.num_test) == (16, 4)
    assert any("4 pictures are set aside" in each for each in told)
    again = catalog.load_dataset(str(tmp_path))
    assert again.card.content_sha256 == dataset.card.content_sha256


def test_a_cut_test_part_takes_no_class_along(tmp_path: Path) -> None:
    """The picture that would be the first of the test is the only one of a class, whose box is not its largest."""
    coco(tmp_path, "train", {f"{n}.png": ((40, 30), [("cat", n, 3, n + 9, 23)]) for n in range(20)})
    path = tmp_path / "annotations" / "train.json"
    document = json.loads(path.read_text())
    first = min(document["images"], key=lambda image: sha256((tmp_path / image["file_name"]).read_bytes()).digest())
    dog = {"id": 21, "image_id": first["id"], "category_id": 2, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0}
    path.write_text(json.dumps(document | {"annotations": [*document["annotations"], dog]}))
    dataset = catalog.load_dataset(str(tmp_path))
    assert (dataset.card.num_train, dataset.card.num_test) == (16, 4), "the next one takes its place"
    assert dataset.train.objects is not None
    assert set(dataset.train.objects.labels.tolist()) == {0, 1}
    assert split(dataset, rules_of("smoke", "pets"), 0)


def test_pictures_with_nothing_on_them_take_no_class_s_place_in_a_cut_test_part(tmp_path: Path) -> None:
    empty = {f"empty {n}.png": ((40 + n, 30), []) for n in range(20)}
    coco(tmp_path, "train", {f"{n}.png": ((40, 30), [("cat", n, 3, n + 9, 23)]) for n in range(5)} | empty)
    document = json.loads((tmp_path / "annotations" / "train.json").read_text())
    (tmp_path / "annotations" / "train.json").write_text(
        json.dumps(document | {"categories": [{"id": 1, "name": "cat"}]})
    )
    dataset = catalog.load_dataset(str(tmp_path))
    assert dataset.test.objects is not None
    assert sorted(dataset.test.objects.counts.tolist()) == [0, 0, 0, 0, 1]
    (tmp_path / "annotations" / "train.json").write_text(
        json.dumps(document | {"annotations": document["annotations"][:1]})
    )
    with pytest.raises(DatasetError, match="none can be set aside for the test that takes no class along"):
        catalog.load_dataset(str(tmp_path))


def yolo(root: Path, number: int, **folders: str) -> None:
    """Different pictures in images/, each with a box, and a data.yaml that says which folder is which part."""
    for n in range(number):
        picture(root / "images" / f"{n}.png", (40, 30), [("cat", n, 3, n + 9, 23)])
        (root / "labels").mkdir(exist_ok=True)
        (root / "labels" / f"{n}.txt").write_text(f"0 {(n + 4.5) / 40} {13 / 30} {9 / 40} {20 / 30}")
    (root / "data.yaml").write_text(json.dumps({"names": ["cat"], **folders}))


def test_a_cut_test_part_has_nothing_of_validation(tmp_path: Path) -> None:
    """As coco128 has it: train and val name one folder."""
    yolo(tmp_path, 20, train="images", val="images")
    told: list[str] = []
    dataset = catalog.load_dataset(str(tmp_path), say=told.append)
    assert (dataset.card.num_train, dataset.card.num_validation, dataset.card.num_test) == (16, 0, 4)
    assert dataset.validation is None, "it is cut from train"
    assert any("20 of 20 validation pictures are train pictures, too, and are left out" in each for each in told)


def test_validation_keeps_what_is_its_own(tmp_path: Path) -> None:
    yolo(tmp_path, 20, train="images", val="more")
    picture(tmp_path / "more" / "own.png", (40, 30), [])
    (tmp_path / "data.yaml").write_text(json.dumps({"names": ["cat"], "train": "images", "val": ["images", "more"]}))
    dataset = catalog.load_dataset(str(tmp_path))
    assert (dataset.card.num_train, dataset.card.num_validation, dataset.card.num_test) == (16, 1, 4)


def test_nothing_of_the_test_is_trained_on(tmp_path: Path) -> None:
    """As a data.yaml has it that names a folder for train, and one inside of it for the test."""
    yolo(tmp_path, 10, train="images", val="images")
    picture(tmp_path / "images" / "test" / "own.png", (40, 30), [])
    names = {"names": ["cat"], "train": "images", "test": "images/test"}
    (tmp_path / "data.yaml").write_text(json.dumps(names))
    told: list[str] = []
    card = catalog.load_dataset(str(tmp_path), say=told.append).card
    assert (card.num_train, card.num_test) == (10, 1)
    assert any("1 of 11 train pictures are test pictures, too, and are left out of train" in each for each in told)
    (tmp_path / "data.yaml").write_text(json.dumps(names | {"test": "images"}))
    with pytest.raises(DatasetError, match="no train picture that is none of the test"):
        catalog.load_dataset(str(tmp_path))


def test_changed_areas_are_read_anew(tmp_path: Path) -> None:
    coco(tmp_path, "train", a_few(2))
    coco(tmp_path, "test", a_few(2))
    catalog.load_dataset(str(tmp_path))
    path = tmp_path / "annotations" / "test.json"
    document = json.loads(path.read_text())
    for each in document["annotations"]:
        each["area"] = 7
    path.write_text(json.dumps(document))
    objects = catalog.load_dataset(str(tmp_path)).test.objects
    assert objects is not None
    assert set(objects.areas.tolist()) == {7}


def test_a_changed_annotation_makes_another_dataset(tmp_path: Path) -> None:
    coco(tmp_path, "train", a_few(4))
    coco(tmp_path, "test", a_few(2))
    before = catalog.load_dataset(str(tmp_path)).card.content_sha256
    path = tmp_path / "annotations" / "train.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["bbox"][2] += 1
    path.write_text(json.dumps(content))
    assert catalog.load_dataset(str(tmp_path)).card.content_sha256 != before


def test_pictures_are_taken_as_their_files_have_them(tmp_path: Path) -> None:
    """A camera says that its picture is to be turned; the boxes were drawn on the file as it is."""
    coco(tmp_path, "train", a_few(4))
    coco(tmp_path, "test", a_few(2))
    boxes = [("cat", 2, 3, 14, 23), ("dog", 20, 5, 40, 30)]
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    picture(tmp_path / "train" / "0.png", (40, 30), boxes, exif=exif)
    dataset = catalog.load_dataset(str(tmp_path))
    assert dataset.train.images[0:1][0, 0, 13, 8] == COLOURS["cat"]


def test_colour_is_kept(tmp_path: Path) -> None:
    coco(tmp_path, "train", a_few(4))
    coco(tmp_path, "test", a_few(2))
    red = np.zeros((30, 40, 3), np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(tmp_path / "train" / "0.png")
    dataset = catalog.load_dataset(str(tmp_path))
    assert dataset.card.num_channels == 3
    assert dataset.train.images[0:1][0, :, 0, 0].tolist() == [200, 0, 0]


def test_pictures_with_nothing_on_them_are_legal(tmp_path: Path) -> None:
    coco(tmp_path, "train", a_few(4) | {"empty.png": ((40, 30), [])})
    coco(tmp_path, "test", a_few(2) | {"empty.png": ((40, 30), [])})
    dataset = catalog.load_dataset(str(tmp_path))
    assert dataset.train.objects is not None
    assert dataset.train.objects.counts.tolist() == [2, 2, 2, 2, 0]


def test_a_class_without_a_box_is_told_and_one_that_train_alone_lacks_is_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        coco(tmp_path, part, {f"{part}{n}.png": ((40, 30), [("cat", n, 3, n + 9, 23)]) for n in range(5)})
    told: list[str] = []
    dataset = catalog.load_dataset(str(tmp_path), say=told.append)
    assert dataset.card.classes == ("cat",)
    assert any("no box in any part, so left out of the classes: dog" in each for each in told)
    assert split(dataset, rules_of("smoke", "pets"), 0)
    coco(tmp_path, "test", a_few(2))
    with pytest.raises(DatasetError, match="has no train box of 'dog'"):
        split(catalog.load_dataset(str(tmp_path)), rules_of("smoke", "pets"), 0)


def test_what_cannot_be_trained_on_is_refused(tmp_path: Path) -> None:
    coco(tmp_path / "only test", "test", a_few(2))
    with pytest.raises(DatasetError, match="expected a train part"):
        catalog.load_dataset(str(tmp_path / "only test"))
    coco(tmp_path / "one", "train", a_few(1))
    with pytest.raises(DatasetError, match="none can be set aside"):
        catalog.load_dataset(str(tmp_path / "one"))


def test_a_folder_of_class_folders_with_a_stray_table_is_no_annotated_one(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        picture(tmp_path / name / "1.png", (20, 20), [])
        picture(tmp_path / name / "2.png", (20, 20), [("cat", 1, 1, 9, 9)])
    (tmp_path / "prices.csv").write_text("item,price\nmilk,2\n")
    (tmp_path / "notes.json").write_text('{"made": "by hand"}')
    assert catalog.source_of(str(tmp_path)).task == "classification"


def test_one_rule_reads_all_deep_and_transparent_pictures(tmp_path: Path) -> None:
    """By its own range, each of these pictures would be as bright as the brightest."""
    coco(tmp_path, "train", a_few(4))
    coco(tmp_path, "test", a_few(2))
    for part, number in (("train", 4), ("test", 2)):
        for n in range(number):
            Image.fromarray(np.linspace(0, 4000 / (n + 1), 30 * 40).reshape(30, 40).astype(np.uint16)).save(
                tmp_path / part / f"{n}.png"
            )
    white = np.zeros((30, 40, 4), np.uint8)
    white[5:20, 5:20] = 255
    Image.fromarray(white).save(tmp_path / "train" / "3.png")
    for told in ([], []):  # made, and opened
        dataset = catalog.load_dataset(str(tmp_path), say=told.append)
        assert dataset.card.picture_rule == PictureRule(integers=(0, 4095), ground="black")
        assert any("5 pictures of more than 8 bits (integers): 0..4095 becomes 0..255" in each for each in told)
        assert any("1 pictures with transparent parts: laid over black" in each for each in told)
    assert [int(image.max()) for image in dataset.train.images[:]] == [249, 125, 83, 255]
    assert dataset.test.images[1].max() == 125
    assert dataset.train.images[3].min() == 0


class TestStore:
    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        for part in ("train", "test"):
            coco(tmp_path / "set", part, a_few(2))
        return tmp_path / "set"

    def stores(self, root: Path) -> list[str]:
        return sorted(path.name for path in picture_store.place_of(root).iterdir() if path.is_dir())

    def test_a_folder_has_one_however_it_is_named(self, root: Path) -> None:
        for reference in ("set", "./set", str(root), "../" + root.parent.name + "/set"):
            catalog.load_dataset(reference)
        assert len(self.stores(root)) == 1

    def test_it_is_listed_and_removed(self, root: Path) -> None:
        catalog.load_dataset("set")
        (prepared,) = picture_store.prepared_folders()
        assert prepared.root == str(root)
        assert prepared.num_bytes > 4 * 40 * 30
        assert picture_store.remove(Path("set"))
        assert picture_store.prepared_folders() == []

    def test_a_new_one_replaces_those_of_other_pictures_and_no_other_size(self, root: Path) -> None:
        catalog.load_dataset("set")
        catalog.load_dataset("set", img_size=80)
        before = self.stores(root)
        assert [name.partition("-")[2] for name in before] == ["40x30", "80x80"]
        picture(root / "train" / "0.png", (40, 30), [("cat", 2, 3, 14, 23)])
        catalog.load_dataset("set")
        (after,) = self.stores(root)
        assert after not in before
