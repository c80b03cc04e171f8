"""Where processes of ours look for modules: never in the current folder, unless that is where somebody wants it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import eyechart
from eyechart.base import module_search


def test_ours_is_the_folder_that_holds_the_package() -> None:
    assert Path(module_search.OURS) == Path(eyechart.__file__).resolve().parents[1]


@pytest.mark.parametrize("first", ["", "."])
def test_the_current_folder_is_left_out(first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(sys, "path", [first, str(tmp_path), "/elsewhere"])
    assert module_search.search_path() == ["/elsewhere"]


def test_who_names_it_in_pythonpath_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), "/elsewhere"]))
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "/elsewhere"])
    assert module_search.search_path() == [str(tmp_path), "/elsewhere"]


def test_the_folder_of_our_package_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever works in src/ of a checkout would otherwise not find eyechart itself."""
    monkeypatch.chdir(module_search.OURS)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(sys, "path", [module_search.OURS])
    assert module_search.search_path() == [module_search.OURS]


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    assert module_search.search_path() == ["/elsewhere"]
