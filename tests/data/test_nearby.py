"""What is looked at in a folder that may be anything, a whole disk too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eyechart.data import idx_folder
from eyechart.data.annotations.looking import are_annotated
from eyechart.data.archive import FolderMember
from eyechart.data.nearby import DEPTH, files_near

COCO = '{"images": [], "annotations": [], "categories": []}'


def test_natural_order_and_nothing_hidden(tmp_path: Path) -> None:
    for name in ("b10.txt", "b9.TXT", "a/c.txt", ".git/d.txt", "__MACOSX/e.txt", ".f.txt", "g.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.json").write_text("{}")
    found = [path.relative_to(tmp_path).as_posix() for path in files_near(tmp_path, ".txt")]
    assert found == ["b9.TXT", "b10.txt", "a/c.txt"]
    assert len(list(files_near(tmp_path))) == 4


@pytest.mark.parametrize(
    ("name", "content", "is_found"),
    [("x.json", COCO.encode(), are_annotated), ("x", bytes([0, 0, 8, 1, 0, 0, 0, 1, 5]), idx_folder.find)],
)
def test_a_folder_is_not_looked_through_to_its_end(name, content, is_found, tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"abcdefg"[:DEPTH])
    deep.mkdir(parents=True)
    (deep / name).write_bytes(content)
    assert not is_found(tmp_path)
    assert is_found(tmp_path / "a")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes among files")
def test_named_pipes_are_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    assert not list(files_near(tmp_path))
    assert not idx_folder.find(tmp_path)


def test_what_says_that_it_is_empty_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as /proc/kmsg, whose reader waits for the kernel's next message."""
    (tmp_path / "empty").touch()

    def refuse(*arguments: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(Path, "open", refuse)
    assert FolderMember("empty", tmp_path / "empty").first_bytes(4) == b""
