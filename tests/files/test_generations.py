"""Whatever is cut off while a checkpoint is written, one that is whole is there."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from eyechart.base.errors import StorageError
from eyechart.files import generations, storage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / storage.CHECKPOINT_FILE


def contents(path: Path) -> list[bytes]:
    return [each.read_bytes() for each in generations.there(path)]


def test_the_newest_and_the_one_before(path: Path) -> None:
    assert contents(path) == []
    for number in (b"1", b"2", b"3"):
        generations.write_newest(path, number)
    assert contents(path) == [b"3", b"2"]
    assert sorted(each.name for each in path.parent.iterdir()) == sorted(storage.CHECKPOINT_FILES)


CALLS = ["fsync", "replace", "fsync", "replace", "fsync"]  # the content twice, the old name, the new one, the folder


@pytest.mark.parametrize("cut", range(len(CALLS)))
def test_wherever_it_is_cut_off_a_whole_one_is_there(path: Path, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generations.write_newest(path, b"1")
    generations.write_newest(path, b"2")
    done: list[str] = []

    def counted(name: str) -> Any:
        call = getattr(os, name)

        def happens(*given: Any) -> Any:
            done.append(name)
            if len(done) - 1 == cut:
                raise OSError(errno.EIO, "I/O error")
            return call(*given)

        return happens

    with monkeypatch.context() as patch:
        for name in ("fsync", "replace"):
            patch.setattr(os, name, counted(name))
        with pytest.raises(StorageError, match="could not be written"):
            generations.write_newest(path, b"3")
    assert done == CALLS[: cut + 1]
    assert contents(path)[0] == (b"3" if cut == len(CALLS) - 1 else b"2")
    assert not list(path.parent.glob(".*.partial"))
    generations.write_newest(path, b"4")
    assert contents(path)[0] == b"4"


def test_nothing_of_it_stays(path: Path) -> None:
    generations.write_newest(path, b"1")
    generations.write_newest(path, b"2")
    (path.parent / f".{path.name}.x.partial").write_bytes(b"of a process that was killed")
    (path.parent / "notes.txt").write_text("mine")
    generations.sweep(path.parent)
    assert sorted(each.name for each in path.parent.iterdir()) == sorted([*storage.CHECKPOINT_FILES, "notes.txt"])
    generations.remove(path.parent)
    assert [each.name for each in path.parent.iterdir()] == ["notes.txt"]
