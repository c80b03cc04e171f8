"""From words to datasets, and what is said of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sklearn.datasets

from eyechart.base.errors import DatasetError, DatasetMissing, StorageError, UsageError
from eyechart.data.catalog import KNOWN, fetch, load_dataset, verify
from eyechart.data.facts import MOST_COUNTS, facts_of
from eyechart.files.cache import cache_folder, is_offline, keep


def test_digits_are_scikit_learns():
    dataset = load_dataset("digits", offline=True)
    bunch = sklearn.datasets.load_digits()
    images = np.concatenate([dataset.train.images, dataset.test.images])
    assert (dataset.card.num_train, dataset.card.num_test) == (1442, 355)
    assert images.shape == (1797, 1, 8, 8)
    assert {image.tobytes() for image in images[:, 0]} == {
        np.rint(image * 255 / 16).astype(np.uint8).tobytes() for image in bunch.images
    }
    # The last fifth of each class, in scikit-learn's order.
    of_class_3 = bunch.images[bunch.target == 3]
    expected = np.rint(of_class_3[-(len(of_class_3) // 5) :] * 255 / 16).astype(np.uint8)
    assert np.array_equal(dataset.test.images[dataset.test.labels == 3][:, 0], expected)


def test_digits_are_the_same_every_time():
    assert load_dataset("digits").card == load_dataset("digits").card


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_dataset_says_what_it_is(name):
    known = KNOWN[name]
    assert known.name == name
    for fact in (known.title, known.licence, known.source):
        assert fact
    assert len(set(known.classes)) == len(known.classes) >= 10


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("mnits", "mnist"), ("fashion", "fashion-mnist"), ("EMNIST", "emnist-letters"), ("digit", "digits")],
)
def test_near_misses_are_offered(wrong, near):
    with pytest.raises(UsageError) as caught:
        load_dataset(wrong)
    assert near in str(caught.value).split("Did you mean")[1]
    assert all(name in str(caught.value) for name in KNOWN)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("wrong", ["/no/such/folder", "xyzzy", "./mnist-not-here.zip", "", " "])
def test_neither_a_name_nor_a_path(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="neither a known dataset nor a path"):
        load_dataset(wrong)


def test_fetch_takes_names_only(tmp_path):
    with pytest.raises(UsageError, match="no dataset called"):
        fetch(str(tmp_path))
    assert fetch("digits", offline=True) is None


def test_a_single_file_is_no_dataset(tmp_path, idx_bytes):
    for name in ("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "photo.png", "data.csv"):
        (tmp_path / name).write_bytes(idx_bytes.train_images)
        with pytest.raises(DatasetError, match="is a single file"):
            load_dataset(str(tmp_path / name))


def test_other_archives_are_told_to_be_unpacked(tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(b"x")
    with pytest.raises(DatasetError, match="unpack other archives first"):
        load_dataset(str(tmp_path / "x.tar.gz"))


def test_images_of_one_size_become_smaller_and_never_larger(tmp_path, idx_bytes):
    with pytest.raises(UsageError, match=r"digits has images of 8 x 8 pixels, and 32 was asked for.*--img-size 4 to 8"):
        load_dataset("digits", img_size=32)
    assert load_dataset("digits", img_size=8).card.height == 8
    names = ("train-images-ubyte", "train-labels-ubyte", "test-images-ubyte", "test-labels-ubyte")
    with pytest.raises(UsageError, match="nothing is gained by more pixels"):
        load_dataset(str(idx_bytes.write(tmp_path, names)), img_size=32)


def test_a_home_folder_is_found(tmp_path, idx_bytes, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    idx_bytes.write(tmp_path / "mine", ("train-images", "train-labels", "test-images", "test-labels"))
    assert load_dataset("~/mine").card.name == "mine"


# --------------------------------------------------------------------------------------------- verify


def test_verify_counts_and_finds_what_is_shared(tmp_path, write_pictures, empty_cache):
    for part in ("train", "test"):
        for name in ("a", "b"):
            write_pictures(tmp_path / "data" / part / name, "1.png", "2.png", "3.png")
    # Names and folders' names are the same in train and test here, and so are the pictures, but for this one.
    write_pictures(tmp_path / "data" / "test" / "b", "new.png")
    facts = verify(str(tmp_path / "data"))
    assert facts.counts == {"train": (3, 3), "test": (3, 4)}
    assert facts.num_shared == {"test": 6}
    assert any("6 test images are in train as well" in line for line in facts.lines())


@pytest.mark.parametrize(("more", "told"), [(0, "2 of each class"), (3, "2 to 5 of each class")])
def test_verify_sums_up_very_many_classes(make_dataset, more, told):
    facts = facts_of(make_dataset([2] * MOST_COUNTS + [2 + more], [1]), ())
    assert facts.lines()[3] == f"{2 * MOST_COUNTS + 2 + more} train images; {told}"
    assert len(facts.as_json()["counts"]["train"]) == MOST_COUNTS + 1
    one_by_one = facts_of(make_dataset([2] * MOST_COUNTS, [1]), ()).lines()[3]
    assert one_by_one.count(": 2") == MOST_COUNTS


def test_verify_knows_mnists_files_anywhere(tmp_path, idx_bytes):
    names = ("train-images", "train-labels", "test-images", "test-labels")
    facts = verify(str(idx_bytes.write(tmp_path, names)))
    assert [file.expected for file in facts.files] == [None] * 4
    assert "no canonical hash known" in facts.lines()[-1]


def test_verify_mnist(mnist):
    facts = verify("mnist")
    assert facts.card == mnist.card
    assert facts.counts["test"] == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    assert facts.num_shared == {"test": 0}
    assert all(file.md5 == file.expected for file in facts.files)
    assert json.loads(json.dumps(facts.as_json()))["files"][0]["expected"] == "6bbc9ace898e44ae57da46a324031adb"


def test_verify_does_not_fetch(empty_cache):
    with pytest.raises(DatasetMissing, match="eyechart data fetch kmnist"):
        verify("kmnist")
    assert not empty_cache.exists()


# --------------------------------------------------------------------------------------------- the cache


def test_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x"
    monkeypatch.delenv("EYECHART_CACHE")
    assert cache_folder().name == "eyechart"


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("yes", True), ("0", False), ("", False), ("false", False)]
)
def test_offline_variable(value, expected, monkeypatch):
    monkeypatch.setenv("EYECHART_OFFLINE", value)
    assert is_offline() is expected
    assert is_offline(asked=True)


def test_a_cache_that_cannot_be_written_to(tmp_path, monkeypatch, idx_bytes):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StorageError, match="set EYECHART_CACHE"):
        keep(tmp_path / "file" / "mnist" / "x", b"content")


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    import os

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"No space left on device.*set EYECHART_CACHE"):
        keep(tmp_path / "mnist" / "x", b"content")
    assert list((tmp_path / "mnist").iterdir()) == []
