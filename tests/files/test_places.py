"""Paths as people write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eyechart.files.places import place_of, seen_from_here, user_path, working_folder


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
