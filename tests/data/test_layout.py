"""Folders as they come out of zips, servers and notebooks: read right, or not without a word."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from eyechart.base.errors import DatasetError
from eyechart.data.catalog import load_dataset, verify
from eyechart.data.class_folders import Listing, list_folder
from eyechart.data.ignored import is_hidden, made_by
from eyechart.data.layout import PART_NAMES, part_of
from eyechart.files.storage import LOCK_PREFIX

pytestmark = pytest.mark.usefixtures("empty_cache")

THREE = ("0.png", "1.png", "2.png")


@pytest.fixture
def laid_out(tmp_path, write_pictures):
    """A function (folders of classes below data/) that puts three pictures into each; returns data/."""

    def lay_out(*folders: str) -> Path:
        for folder in folders:
            write_pictures(tmp_path / "data" / folder, *THREE)
        return tmp_path / "data"

    return lay_out


def counts(listing: Listing) -> dict[str, dict[str, int]]:
    return {part: {name: len(folder) for name, folder in classes.items()} for part, classes in listing.pictures.items()}


TWO = {"cat": 3, "dog": 3}


# --------------------------------------------------------------------------------------------- parts


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("training_set", "test_set"),
        ("Training", "Testing"),
        ("TRAIN", "EVAL"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("Training Data", "evaluation"),
        ("train-images/Train", "test-images"),
        ("trainset", "testset"),
        ("archive/train", "archive/test"),
        ("archive/data/deeper/train", "archive/data/deeper/test"),
    ],
)
def test_parts_by_their_usual_names(train, test, laid_out):
    root = laid_out(*(f"{part}/{name}" for part in (train, test) for name in ("cat", "dog")))
    listing = list_folder(root)
    assert counts(listing) == {"train": TWO, "test": TWO}
    assert listing.classes == ("cat", "dog")


@pytest.mark.parametrize("name", [name for names in PART_NAMES.values() for name in names])
def test_every_name_of_the_table_in_any_case_and_with_fillers(name):
    (part,) = [part for part, names in PART_NAMES.items() if name in names]
    for shown in (name, name.upper(), f"{name}_set", f"seg_{name}", f"{name.title()} Images"):
        assert part_of(shown) == part


@pytest.mark.parametrize("name", ["train station", "contest", "latest", "data", "set", "crosseval", "test1", ""])
def test_other_names_are_no_parts(name):
    assert part_of(name) is None


def test_what_was_read_in_another_way_is_told(laid_out):
    root = laid_out("archive/seg_train/seg_train/cat", "archive/seg_train/seg_train/dog")
    remarks = "\n".join(list_folder(root).remarks)
    assert f"read as {root / 'archive'}" in remarks
    assert f"the folder of the train part is {root / 'archive/seg_train/seg_train'}" in remarks


def test_a_folder_in_one_of_the_same_name(laid_out):
    root = laid_out("flowers/Flowers/cat", "flowers/Flowers/dog")
    (root / "__MACOSX" / "flowers").mkdir(parents=True)
    assert list_folder(root).classes == ("cat", "dog")
    assert list_folder(root / "flowers").classes == ("cat", "dog")


def test_one_class_with_folders_in_it_is_not_two_classes(laid_out):
    with pytest.raises(DatasetError, match=r"one class folder \('cat'\).*did you mean .*cat, which has 2 folders"):
        list_folder(laid_out("cat/monday", "cat/tuesday"))


def test_counts_of_every_part_are_told_before_anything_is_decoded(laid_out):
    root = laid_out("train/a", "train/b", "dev/a", "test/b")
    (root / "train" / "a" / "0.png").write_bytes(b"broken")
    said: list[str] = []
    with pytest.raises(DatasetError, match="cannot be read"):
        load_dataset(str(root), say=said.append)
    assert "a (3 train, 3 validation, 0 test), b (3 train, 0 validation, 3 test)" in said[0]


# --------------------------------------------------------------------------------------------- doubts


def test_classes_that_share_their_folders_are_doubted(laid_out):
    listing = list_folder(laid_out("monday/cat", "monday/dog", "tuesday/cat", "tuesday/dog"))
    assert listing.classes == ("monday", "tuesday")
    (remark,) = listing.remarks
    assert "monday, tuesday hold no pictures of their own, but folders with the same names (cat, dog)" in remark
    assert "name the folders above them train, validation and test" in remark


def test_parts_under_unknown_names_are_refused(laid_out):
    with pytest.raises(DatasetError, match=r"train_v2 hold no pictures of their own.*are called like parts"):
        list_folder(laid_out("train_v2/cat", "train_v2/dog", "test_v2/cat", "test_v2/dog"))


def test_parts_without_classes_beside_something_else_are_refused(laid_out):
    with pytest.raises(DatasetError, match=r"test and train are called like parts.*give them other names"):
        list_folder(laid_out("train", "test", "labels"))


@pytest.mark.parametrize("part", ["test", "val"])
def test_a_part_among_classes_is_no_class(part, laid_out):
    with pytest.raises(DatasetError, match=rf"{part} is called like a part of a dataset.*\(cat, dog\)"):
        list_folder(laid_out("cat", "dog", f"{part}/cat", f"{part}/dog"))


def test_a_class_may_be_called_like_a_part(laid_out):
    assert [*list_folder(laid_out("cat", "dog", "test/monday")).classes] == ["cat", "dog", "test"]


def test_classes_with_sessions_of_their_own_are_not_doubted(laid_out):
    assert list_folder(laid_out("cat/monday", "cat/friday", "dog/sunday")).remarks == ()


def test_a_test_part_of_unsorted_pictures(laid_out):
    with pytest.raises(DatasetError, match=r"data/test has pictures, but none in a class folder.*move the folder away"):
        list_folder(laid_out("train/cat", "train/dog", "test"))


# --------------------------------------------------------------------------------------------- what is no data


@pytest.mark.parametrize(
    "name",
    ["@eaDir", "__MACOSX", ".ipynb_checkpoints", ".venv", "#recycle", "$RECYCLE.BIN", "__pycache__", "lost+found"],
)
def test_folders_of_systems_are_never_classes(name, laid_out):
    root = laid_out("cat", "dog", name, f"cat/{name}")
    listing = list_folder(root)
    assert counts(listing) == {"train": TWO}
    assert listing.remarks == ("skipped: 2 hidden files or folders",)


@pytest.mark.parametrize("name", ["Thumbs.db", "thumbs.DB", ".DS_Store", "._cat.png", "desktop.ini"])
def test_files_of_systems_are_hidden(name):
    assert is_hidden(name)


def test_results_of_eyechart_and_virtual_environments_are_told_and_skipped(laid_out):
    root = laid_out("cat", "dog", "runs/first/cnn-s0", "env/lib")
    (root / "runs" / "first" / "study.json").write_text("{}")
    (root / "env" / "pyvenv.cfg").write_text("")
    listing = list_folder(root)
    assert counts(listing) == {"train": TWO}
    assert listing.remarks == (
        "skipped: the folders env (a virtual environment of Python), runs (results of eyechart)",
    )


RECORDS = ("run.json", "first/study.json", "first/cnn-s0/run.json", "mine/tune.json", f"first/{LOCK_PREFIX}lock")


@pytest.mark.parametrize("place", RECORDS)
def test_what_is_of_eyechart(place, tmp_path):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    assert made_by(tmp_path) is None
    (tmp_path / place).write_text("{}")
    assert made_by(tmp_path) == "results of eyechart"


def test_the_folder_that_one_stands_in(laid_out, monkeypatch):
    """`-d .`, again after the first study has put its results there."""
    root = laid_out("cat", "dog")
    monkeypatch.chdir(root)
    before = load_dataset(".").card
    assert before.name == "data"
    (root / "runs" / "data" / "idx").mkdir(parents=True)
    (root / "runs" / "data" / "study.json").write_text("{}")
    (root / "runs" / "data" / "idx" / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03")
    assert load_dataset(".").card == before


def test_endings_that_are_skipped_are_told(laid_out):
    root = laid_out("cat", "dog")
    for name in ("cat/1.svg", "cat/2.SVG", "dog/3.svg", "dog/x.heic", "dog/README", "labels.csv"):
        (root / name).write_text("x")
    shutil.copy(root / "cat" / "0.png", root / "cover.png")
    assert list_folder(root).remarks == (
        "skipped: 3 files ending in .svg, 1 without one, 1 in .csv, 1 in .heic",
        "skipped: 1 picture beside the class folders",
    )


def test_a_class_of_nothing_but_another_ending_says_so(laid_out):
    root = laid_out("cat", "dog")
    (root / "emu").mkdir()
    (root / "emu" / "1.heic").write_text("x")
    with pytest.raises(DatasetError, match=r"emu: no pictures inside \(1 file ending in \.heic\); expected"):
        list_folder(root)


# --------------------------------------------------------------------------------------------- links


def test_linked_folders_are_followed(laid_out, tmp_path, write_pictures):
    root = laid_out("cat", "dog")
    write_pictures(tmp_path / "elsewhere", *THREE)
    (root / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (root / "emu").symlink_to(tmp_path / "elsewhere")
    listing = list_folder(root)
    assert counts(listing) == {"train": {"cat": 6, "dog": 3, "emu": 3}}
    assert listing.remarks == ()


def test_links_in_circles_end_and_are_told(laid_out):
    root = laid_out("cat", "cat/inside", "dog")
    for number, target in enumerate((root, root / "cat", root / "cat" / "inside", root.parent)):
        (root / "cat" / "inside" / f"link{number}").symlink_to(target)
    (root / "around").symlink_to(root)
    listing = list_folder(root)
    assert counts(listing) == {"train": {"cat": 6, "dog": 3}}
    assert listing.remarks == ("skipped: 5 links to folders read already",)


def test_a_circle_through_another_folder_ends(laid_out, tmp_path, write_pictures):
    root = laid_out("cat", "dog")
    write_pictures(tmp_path / "one", *THREE)
    write_pictures(tmp_path / "two", *THREE)
    (root / "cat" / "one").symlink_to(tmp_path / "one")
    (tmp_path / "one" / "two").symlink_to(tmp_path / "two")
    (tmp_path / "two" / "one").symlink_to(tmp_path / "one")
    assert counts(list_folder(root)) == {"train": {"cat": 9, "dog": 3}}


# --------------------------------------------------------------------------------------------- order


def test_equal_numbers_have_one_order(laid_out, monkeypatch):
    """Whatever order the disk lists them in, on which the content hash must not depend."""
    root = laid_out("1", "01", "001")
    for name in ("01.png", "001.png"):
        shutil.copy(root / "1" / "1.png", root / "1" / name)
    files, classes = list(list_folder(root).files()), list_folder(root).classes
    assert classes == ("001", "01", "1")
    assert [Path(file).name for file in files[6:]] == ["0.png", "001.png", "01.png", "1.png", "2.png"]
    listed, scan = Path.iterdir, os.scandir

    class Reversed:
        def __init__(self, path):
            self.entries = list(scan(path))[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *raised):
            return None

    monkeypatch.setattr(Path, "iterdir", lambda folder: reversed(list(listed(folder))))
    monkeypatch.setattr(os, "scandir", Reversed)
    assert (list(list_folder(root).files()), list_folder(root).classes) == (files, classes)


def test_verify_reads_the_same_layout(laid_out):
    root = laid_out("training_set/cat", "training_set/dog", "test_set/cat", "test_set/dog")
    assert verify(str(root)).counts == {"train": (3, 3), "test": (3, 3)}
