"""Paths as people write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eyechart.files.places import own_folder, place_of, same_place, seen_from_here, user_path, working_folder


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    assert user_path("~/x") == Path("/home/me/x")
    assert user_path("a/~") == Path("a/~")
    assert user_path("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")


def test_a_relative_path_is_meant_from_where_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert seen_from_here("pics", str(tmp_path), ()) == "pics", "as it was written, where that is the same"
    assert seen_from_here("pics", "", ()) == "pics", "not known: of before"
    assert seen_from_here("pics", "/other", ()) == os.path.join("/other", "pics")
    assert seen_from_here("/pics", "/other", ()) == "/pics"
    assert seen_from_here("mnist", "/other", ("mnist",)) == "mnist"


def test_what_was_moved_with_its_folder_is_found_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pics").mkdir()
    monkeypatch.chdir(tmp_path)
    for path in ("pics", "scenes:pics,level=easy", "run:pics"):
        assert seen_from_here(path, str(tmp_path / "gone"), ()) == path
    assert same_place(("pics", str(tmp_path / "gone")), ("pics", str(tmp_path)), ())
    assert not same_place(("pics", str(tmp_path / "gone")), ("other", str(tmp_path)), ())
    (tmp_path / "gone" / "pics").mkdir(parents=True)
    assert not same_place(("pics", str(tmp_path / "gone")), ("pics", str(tmp_path)), ())
    assert same_place(("mnist", "/a"), ("mnist", "/b"), ("mnist",))
    assert same_place(("scenes:mnist,level=easy", "/a"), ("scenes:mnist,level=easy", "/b"), ("mnist",))


def test_a_folder_by_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "study" / "cnn-s0").mkdir(parents=True)
    (tmp_path / "best").symlink_to(tmp_path / "study" / "cnn-s0")
    monkeypatch.chdir(tmp_path / "study" / "cnn-s0")
    own = (tmp_path / "study" / "cnn-s0").resolve()
    assert [own_folder(each) for each in (Path(), tmp_path / "best")] == [own, own]
    assert own_folder(Path("study/cnn-s0")) == Path("study/cnn-s0"), "as it was written"


def test_one_place_has_one_name(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "link").symlink_to("pics")
    ways = ("pics", "pics/", "./pics", "link", "pics/../pics", str(tmp_path / "pics"))
    assert {place_of(way, str(tmp_path)) for way in ways} == {str((tmp_path / "pics").resolve())}


def test_a_working_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("os.getcwd", gone)
    assert working_folder() == ""
