"""Arrays that are kept while a report is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyechart.base.errors import StorageError
from eyechart.files import read_once, storage
from eyechart.files.read_once import read_arrays, reading_once


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two files of 800 bytes, and the names of those that were unpacked."""
    for name in ("a", "b"):
        storage.write_arrays(tmp_path / f"{name}.npz", {"values": np.arange(100.0)})
    names: list[str] = []
    original = storage.read_arrays
    monkeypatch.setattr(storage, "read_arrays", lambda path: names.append(path.name) or original(path))
    return names


def test_a_file_is_unpacked_once_inside_and_every_time_outside(tmp_path: Path, read: list[str]) -> None:
    for _ in range(2):
        read_arrays(tmp_path / "a.npz")["values"][0] = 5  # its own
    assert read == ["a.npz"] * 2
    with reading_once():
        first, second = (read_arrays(tmp_path / "a.npz") for _ in range(2))
        assert first["values"] is second["values"]
        assert first is not second, "what is put into one is not in the other"
        with pytest.raises(ValueError, match="read-only"):
            first["values"][0] = 5
    read_arrays(tmp_path / "a.npz")
    assert read == ["a.npz"] * 4


def test_what_has_no_room_is_read_again(tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_once, "MOST_BYTES", 1000)
    with reading_once():
        for name in ("a", "b", "a", "b"):
            read_arrays(tmp_path / f"{name}.npz")
    assert read == ["a.npz", "b.npz", "b.npz"]


def test_what_cannot_be_read_is_an_error_each_time(tmp_path: Path) -> None:
    with reading_once():
        for _ in range(2):
            with pytest.raises(StorageError, match="is not there"):
                read_arrays(tmp_path / "c.npz")
