"""The IDX format, against bytes written by hand."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from eyechart.base.errors import DatasetError
from eyechart.data import idx

TWO_IMAGES = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 2, 3) + bytes(range(12))  # N=2, H=2, W=3
THREE_LABELS = bytes([0, 0, 8, 1]) + struct.pack(">I", 3) + bytes([7, 0, 255])


def test_images_by_hand():
    values = idx.parse(TWO_IMAGES, "x")
    assert values.dtype == np.uint8
    assert values.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


def test_labels_by_hand():
    assert idx.parse(THREE_LABELS, "x").tolist() == [7, 0, 255]


def test_gzipped_is_the_same():
    assert idx.parse(gzip.compress(TWO_IMAGES), "x").tolist() == idx.parse(TWO_IMAGES, "x").tolist()


def test_pack_is_the_inverse():
    assert idx.pack(idx.parse(TWO_IMAGES, "x")) == TWO_IMAGES
    assert idx.pack(np.array([7, 0, 255])) == THREE_LABELS


def test_kind_is_told_by_the_first_bytes():
    assert idx.kind_of(TWO_IMAGES[:8]) == "images"
    assert idx.kind_of(THREE_LABELS[:4]) == "labels"
    assert idx.kind_of(gzip.compress(THREE_LABELS)) == "labels"
    assert idx.kind_of(b"\x1f\x8b and then nonsense") is None
    assert idx.kind_of(b"\x89PNG") is None
    assert idx.kind_of(b"") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"<html>not found</html>", "3c 68 74 6d"),
        (TWO_IMAGES[:9], "ends inside its header"),
        (TWO_IMAGES[:-1], "truncated: found 27 bytes; expected 28"),
        (TWO_IMAGES + b"\0", "too long: found 29 bytes; expected 28"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 0]), "holds no labels"),
        (gzip.compress(TWO_IMAGES, mtime=0)[:-5], "damaged gzip"),
        (gzip.compress(TWO_IMAGES, mtime=0)[:10] + b"\xff\xff\xff\xff\xff", "damaged gzip"),
        (gzip.compress(TWO_IMAGES, mtime=0)[:-8] + bytes(8), "damaged gzip"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1) + b"\0", "truncated"),
    ],
)
def test_broken_files_are_named_with_found_and_expected(content, words):
    with pytest.raises(DatasetError, match=words) as caught:
        idx.parse(content, "some-file")
    assert "some-file" in str(caught.value)


def test_a_small_gzip_unpacks_to_what_its_header_announces_and_no_further(monkeypatch):
    asked_for = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, size=-1: asked_for.append(size) or read(self, size))
    with pytest.raises(DatasetError, match="bomb is too long: it unpacks to more than the 28 bytes"):
        idx.unpack(gzip.compress(TWO_IMAGES + bytes(5_000_000)), "bomb")
    assert asked_for == [29]


def test_a_gzip_that_announces_too_much_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(gzip, "open", lambda file: pytest.fail("unpacked"))
    with pytest.raises(DatasetError, match="big announces 28 bytes; expected at most 20"):
        idx.unpack(gzip.compress(TWO_IMAGES), "big", max_bytes=20)
    with pytest.raises(DatasetError, match="bomb is no IDX file"):
        idx.unpack(gzip.compress(bytes(5000)), "bomb")


def test_mapped_file_equals_parsed_and_cannot_be_written(tmp_path):
    (tmp_path / "x").write_bytes(TWO_IMAGES)
    mapped = idx.open_mapped(tmp_path / "x")
    assert isinstance(mapped, np.memmap)
    assert mapped.tolist() == idx.parse(TWO_IMAGES, "x").tolist()
    with pytest.raises(ValueError, match="read-only"):
        mapped[0, 0, 0] = 1


def test_mapped_file_must_have_its_full_size(tmp_path):
    (tmp_path / "x").write_bytes(TWO_IMAGES[:-3])
    with pytest.raises(DatasetError, match="truncated"):
        idx.open_mapped(tmp_path / "x")
