"""The file of a judged part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import StorageError
from eyechart.files.items import read_items, write_items
from eyechart.files.storage import read_arrays, write_arrays
from eyechart.schema.contracts import LabelledImages

PART = LabelledImages(np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2), np.array([1, 0]))


def test_a_part_is_written_once_and_read_again(tmp_path: Path) -> None:
    name = write_items(tmp_path, PART, lambda: {"true_boxes": np.zeros((2, 4))})
    assert write_items(tmp_path, PART, lambda: pytest.fail("it is there already")) == name
    assert name != write_items(tmp_path, PART.subset(np.array([0])))
    assert "true_boxes" in read_arrays(tmp_path / name)
    found = read_items(tmp_path / name)
    assert np.array_equal(found.images[:], PART.images[:])
    assert np.array_equal(found.labels, PART.labels)


def test_another_file_is_named_with_what_it_holds(tmp_path: Path) -> None:
    write_arrays(tmp_path / "items-1.npz", {"images": np.zeros((1, 1, 2, 2), np.uint8)})
    with pytest.raises(StorageError, match=r"items-1\.npz holds images; expected images and labels\. Restore it"):
        read_items(tmp_path / "items-1.npz")
    with pytest.raises(StorageError, match="is not there"):
        read_items(tmp_path / "items-2.npz")
