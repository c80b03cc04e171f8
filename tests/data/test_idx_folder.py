"""Users' copies of MNIST-like data in every layout that is out there, and everything that can be wrong with one."""

from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pytest

from eyechart.base.errors import DatasetError
from eyechart.data import archive, idx, idx_folder
from eyechart.data.catalog import load_dataset

PLAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
LAYOUTS = {
    "mnist": PLAIN,
    "dotted": tuple(name.replace("-idx", ".idx") for name in PLAIN),
    "nested": tuple(f"{name}/{name}" for name in PLAIN),
    "in a folder of the archive's": tuple(f"MNIST/raw/{name}" for name in PLAIN),
    "parts by folder": ("train/images-idx3-ubyte", "train/labels-idx1-ubyte", "test/images", "test/labels"),
    "no extension at all": ("TrainingImages", "TrainingLabels", "TestImages", "TestLabels"),
    "emnist": tuple(
        f"gzip/emnist-letters-{part}-{kind}-ubyte"
        for part in ("train", "test")
        for kind in ("images-idx3", "labels-idx1")
    ),
}


def is_whole(dataset, idx_bytes):
    assert np.array_equal(dataset.train.images[:, 0], idx.parse(idx_bytes.train_images, "x"))
    assert np.array_equal(dataset.train.labels, np.arange(12) % 3)
    assert np.array_equal(dataset.test.images[:, 0], idx.parse(idx_bytes.test_images, "x"))
    assert dataset.test.labels.dtype == np.int64
    assert dataset.card.classes == ("0", "1", "2")
    assert (dataset.card.height, dataset.card.width) == (7, 5)
    assert (dataset.card.num_train, dataset.card.num_test) == (12, 6)
    return True


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_as_folder(layout, tmp_path, idx_bytes):
    assert is_whole(load_dataset(str(idx_bytes.write(tmp_path / "mine", LAYOUTS[layout]))), idx_bytes)


def test_a_folder_has_one_name_from_wherever_it_is_named(tmp_path, idx_bytes, monkeypatch):
    folder = idx_bytes.write(tmp_path / "mine", PLAIN)
    monkeypatch.chdir(folder)
    assert load_dataset(".").card.name == load_dataset(str(folder)).card.name == load_dataset("../mine").card.name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gzipped(layout, tmp_path, idx_bytes):
    packed = type(idx_bytes)(*(gzip.compress(content) for content in idx_bytes))
    names = tuple(f"{name}.gz" for name in LAYOUTS[layout])
    assert is_whole(load_dataset(str(packed.write(tmp_path / "mine", names))), idx_bytes)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_as_zip(layout, tmp_path, idx_bytes):
    with zipfile.ZipFile(tmp_path / "mine.zip", "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in zip(LAYOUTS[layout], idx_bytes, strict=True):
            target.writestr(name, content)
        target.writestr("__MACOSX/._train-images-idx3-ubyte", b"resource fork")
        target.writestr("README.txt", b"hello")
    assert is_whole(load_dataset(str(tmp_path / "mine.zip")), idx_bytes)


def test_kaggles_twins_with_the_same_content_are_fine(tmp_path, idx_bytes):
    idx_bytes.write(tmp_path, LAYOUTS["nested"])
    idx_bytes.write(tmp_path, LAYOUTS["dotted"])
    assert is_whole(load_dataset(str(tmp_path)), idx_bytes)


def test_folder_and_zip_and_gzip_have_the_same_content_hash(tmp_path, idx_bytes):
    folder = idx_bytes.write(tmp_path / "a", PLAIN)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as target:
        for name in PLAIN:
            target.writestr(f"{name}.gz", gzip.compress((folder / name).read_bytes()))
    hashes = {load_dataset(str(tmp_path / name)).card.content_sha256 for name in ("a", "b.zip")}
    assert len(hashes) == 1


def test_two_different_contents_are_an_error(tmp_path, idx_bytes):
    idx_bytes.write(tmp_path, LAYOUTS["nested"])
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx_bytes.train_images[:-1] + b"\x07")
    with pytest.raises(DatasetError, match="two different contents for its train images"):
        load_dataset(str(tmp_path))


def test_a_validation_part_of_its_own(tmp_path, idx_bytes):
    idx_bytes.write(tmp_path, PLAIN)
    pixels = np.full((3, 7, 5), 9)
    (tmp_path / "val-images-idx3-ubyte").write_bytes(idx.pack(pixels))
    (tmp_path / "val-labels-idx1-ubyte").write_bytes(idx.pack(np.arange(3)))
    dataset = load_dataset(str(tmp_path))
    assert dataset.validation is not None
    assert dataset.card.num_validation == len(dataset.validation) == 3


def test_names_that_tell_nothing_are_paired_by_size(tmp_path, idx_bytes):
    idx_bytes.write(tmp_path, ("a", "b", "c", "d"))
    said = []
    assert is_whole(load_dataset(str(tmp_path), say=said.append), idx_bytes)
    assert any("12 images are taken as train" in line for line in said)


def test_equal_sizes_and_names_that_tell_nothing_are_an_error(tmp_path, idx_bytes):
    idx_bytes._replace(test_images=idx.pack(np.zeros((12, 7, 5))), test_labels=idx.pack(np.ones(12))).write(
        tmp_path, ("a", "b", "c", "d")
    )
    with pytest.raises(DatasetError, match="cannot tell which part"):
        load_dataset(str(tmp_path))


def test_one_nameless_file_beside_named_ones_is_an_error(tmp_path, idx_bytes):
    idx_bytes.write(tmp_path, (*PLAIN[:3], "labels"))
    with pytest.raises(DatasetError, match="cannot tell which part labels belongs to"):
        load_dataset(str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_images": b"<html>"}, "train-images-idx3-ubyte is no IDX file"),
        ({"train_images": b""}, "an empty file"),
        ({"test_labels": idx.pack(np.arange(5) % 3)}, "6 images and t10k-labels-idx1-ubyte has 5 labels"),
        ({"test_labels": idx.pack(np.array([0, 1, 2, 0, 1, 3]))}, "test label 3, out of the range 0..2"),
        ({"train_labels": idx.pack(np.array([0, 1, 2] * 3 + [0, 1, 200]))}, "from 0 to 200 and none is 3"),
        ({"train_labels": idx.pack(np.arange(12) % 3 + 1)}, "from 1 to 3 and none is 0"),
        ({"train_labels": idx.pack(np.zeros(12))}, "one class in train"),
        ({"test_images": idx.pack(np.zeros((6, 5, 7)))}, r"test images are \(5, 7\) pixels"),
    ],
)
def test_contents_that_cannot_be_used(changes, words, tmp_path, idx_bytes):
    folder = idx_bytes._replace(**changes).write(tmp_path, PLAIN)
    with pytest.raises(DatasetError, match=words):
        load_dataset(str(folder))


@pytest.mark.parametrize("cut", ["train_images", "train_labels", "test_images", "test_labels"])
def test_a_truncated_file_is_named(cut, tmp_path, idx_bytes):
    folder = idx_bytes._replace(**{cut: getattr(idx_bytes, cut)[:-2]}).write(tmp_path, PLAIN)
    with pytest.raises(DatasetError, match="truncated") as caught:
        load_dataset(str(folder))
    assert PLAIN[idx_bytes._fields.index(cut)] in str(caught.value)


@pytest.mark.parametrize("missing", PLAIN)
def test_a_missing_file_is_told(missing, tmp_path, idx_bytes):
    folder = idx_bytes.write(tmp_path, PLAIN)
    (folder / missing).unlink()
    part, kind = ("train" if missing.startswith("train") else "test"), missing.split("-")[1]
    with pytest.raises(DatasetError, match=f"has no {part} {kind}; found"):
        load_dataset(str(folder))


def test_the_same_images_as_train_and_test_are_an_error(tmp_path, idx_bytes):
    same = idx_bytes._replace(test_images=idx_bytes.train_images, test_labels=idx_bytes.train_labels)
    with pytest.raises(DatasetError, match="hold the same images"):
        load_dataset(str(same.write(tmp_path, PLAIN)))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train-images-idx3-ubyte", "train"),
        ("TRAINING.images", "train"),
        ("t10k-labels", "test"),
        ("a/test/images", "test"),
        ("test/train-images", "train"),
        ("valid/images", "validation"),
        ("val_images", "validation"),
        ("interval/contest/restrain/images", None),
        ("images", None),
    ],
)
def test_part_by_name(name, part):
    assert idx_folder.part_of(name) == part


def test_a_name_that_tells_two_parts_is_an_error():
    with pytest.raises(DatasetError, match="tells of train and of test"):
        idx_folder.part_of("train-test-images")


def test_a_member_is_read_as_far_as_its_header_announces(tmp_path, idx_bytes, monkeypatch):
    """Whether the zip or a gzip inside packs the rest."""
    asked_for = []
    read = zipfile.ZipExtFile.read
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda self, n=-1: asked_for.append(n) or read(self, n))
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in zip(PLAIN, idx_bytes, strict=True):
            target.writestr(name, content + bytes(3_000_000))
    with pytest.raises(DatasetError, match="too long"):
        load_dataset(str(tmp_path / "x.zip"))
    assert 0 < max(asked_for) < 10_000
    assert min(asked_for) > 0


def test_packed_files_that_announce_too_much_together_are_not_unpacked(tmp_path, idx_bytes, monkeypatch):
    monkeypatch.setattr("eyechart.data.idx.MAX_BYTES", 500)
    monkeypatch.setattr("eyechart.data.idx.unpack", lambda *_: pytest.fail("unpacked"))
    for name, content in zip(PLAIN, idx_bytes, strict=True):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    total = sum(map(len, idx_bytes))
    with pytest.raises(DatasetError, match=f"announce {total} bytes together; expected at most 500"):
        load_dataset(str(tmp_path))


def test_members_that_lead_out_are_skipped_and_named(tmp_path, idx_bytes):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as target:
        for name, content in zip(PLAIN, idx_bytes, strict=True):
            target.writestr(name, content)
        for name in ("../evil-ubyte", "/root-ubyte", "..\\windows-ubyte"):
            target.writestr(name, b"no IDX at all")
    said: list[str] = []
    assert is_whole(load_dataset(str(tmp_path / "x.zip"), say=said.append), idx_bytes)
    (skipped,) = [line for line in said if "skipped" in line]
    assert skipped.endswith("leads out of the folder: ../evil-ubyte, /root-ubyte, ..\\windows-ubyte")


def test_pictures_beside_idx_files_are_told(tmp_path, idx_bytes):
    folder, said = idx_bytes.write(tmp_path / "mine", PLAIN), []
    load_dataset(str(folder), say=said.append)
    assert not [line for line in said if "pictures" in line]
    for name in ("cat/1.png", "dog/2.JPG"):
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(b"a picture")
    assert is_whole(load_dataset(str(folder), say=said.append), idx_bytes)
    assert f"{folder}: the IDX files are read; pictures beside them, which are not: 2." in said


def test_not_a_zip(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK but not really")
    with pytest.raises(DatasetError, match="no zip file"):
        load_dataset(str(tmp_path / "x.zip"))


def test_a_zip_without_idx_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as target:
        target.writestr("cats/1.png", b"x")
    with pytest.raises(DatasetError, match="has no IDX files"):
        load_dataset(str(tmp_path / "x.zip"))


def test_a_damaged_member_is_named(tmp_path, idx_bytes):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as target:
        for name, content in zip(PLAIN, idx_bytes, strict=True):
            target.writestr(name, content)
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF  # inside the first member's pixels
    path.write_bytes(bytes(content))
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte in .* cannot be unpacked"):
        load_dataset(str(path))


def test_a_huge_zip_is_refused_before_anything_is_unpacked(tmp_path, idx_bytes, monkeypatch):
    monkeypatch.setattr(archive, "MAX_ZIP_BYTES", 100)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("train-images-idx3-ubyte", bytes(1000))
    with pytest.raises(DatasetError, match="unpacks to 1,000 bytes; expected at most 100"):
        load_dataset(str(tmp_path / "x.zip"))


def test_members_that_point_outside_write_nothing(tmp_path, idx_bytes):
    inside = tmp_path / "inside"
    inside.mkdir()
    with zipfile.ZipFile(inside / "x.zip", "w") as target:
        for name, content in zip(PLAIN, idx_bytes, strict=True):
            target.writestr(f"../../{name}", content)
    assert list(inside.iterdir()) == [inside / "x.zip"]
    with pytest.raises(DatasetError, match="has no IDX files"):  # ".." counts as hidden: such members are not even read
        load_dataset(str(inside / "x.zip"))
    assert sorted(tmp_path.rglob("*")) == [inside, inside / "x.zip"]
