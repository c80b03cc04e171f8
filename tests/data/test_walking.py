"""Through folders and links: own paths before linked ones, nothing twice, no circles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eyechart.data.annotations.found import pictures_in
from eyechart.data.annotations.looking import are_annotated, read_annotations
from eyechart.data.nearby import files_near
from eyechart.data.walking import walk


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder whose pictures lie on another disk, linked twice, with a link that leads in circles."""
    disk = tmp_path / "disk"
    (disk / "deeper").mkdir(parents=True)
    (disk / "1.png").touch()
    (disk / "deeper" / "2.png").touch()
    (disk / "deeper" / "up").symlink_to(tmp_path)
    root = tmp_path / "root"
    (root / "own").mkdir(parents=True)
    (root / "own" / "3.png").touch()
    (root / "images").symlink_to(disk)
    (root / "again").symlink_to(root / "own")
    (root / "self").symlink_to(root / "self")
    return root


def test_linked_folders_are_followed_and_each_is_read_once(linked: Path) -> None:
    expected = ["images/1.png", "images/deeper/2.png", "own/3.png"]
    assert [path.relative_to(linked).as_posix() for path in pictures_in(linked)] == expected
    assert sorted(path.relative_to(linked).as_posix() for path in files_near(linked, ".png")) == expected
    repeated = [inside.path for inside in walk(linked, lambda entry: True) if inside.is_repeated]
    assert sorted(repeated) == ["again/", "images/deeper/up/"]


def test_a_folder_that_cannot_be_listed_is_the_business_of_who_lists_it(linked: Path) -> None:
    def refuse(folder: str) -> list[os.DirEntry[str]]:
        raise PermissionError(folder)

    with pytest.raises(PermissionError):
        list(walk(linked, lambda entry: True, refuse))
    assert [inside.files for inside in walk(linked / "nowhere", lambda entry: True)] == [[]]


def test_annotations_of_pictures_in_a_linked_folder_are_read(tmp_path: Path, write_pictures) -> None:
    write_pictures(tmp_path / "disk", "a.png", size=(40, 30))
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "images").symlink_to(tmp_path / "disk")
    (tmp_path / "root" / "all.csv").write_text("filename,label,xmin,ymin,xmax,ymax\na.png,cat,1,1,9,9\n")
    assert are_annotated(tmp_path / "root")
    (picture,) = read_annotations(tmp_path / "root").parts["train"]
    assert (picture.path, picture.labels) == (tmp_path / "root" / "images" / "a.png", [0])
