"""An index that saves reading, and that no list ever depends on."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from eyechart.base.errors import StorageError
from eyechart.files import storage
from eyechart.terminal import run_index
from eyechart.terminal.run_index import index_path, rows_of
from tests.in_process import eyechart


@pytest.fixture
def runs(fake_runs: ModuleType, tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six runs, which are worth an index here."""
    monkeypatch.setattr(run_index, "LEAST_RUNS", 5)
    two = {name: fake_runs.FIVE[name] for name in ("cnn", "vit")}
    fake_runs.fake_study(tmp_path / "runs" / "study", two, (0, 1, 2), num_items=50)
    return tmp_path / "runs"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose files were read."""
    names: list[str] = []
    read_run = storage.read_run

    def noted(folder: Path):  # type: ignore[no-untyped-def]
        names.append(folder.name)
        return read_run(folder)

    monkeypatch.setattr(storage, "read_run", noted)
    return names


def test_what_did_not_change_is_not_read_again(runs: Path, read: list[str]) -> None:
    first = rows_of(runs)
    assert len(read) == 6
    assert index_path(runs).is_file()
    assert rows_of(runs) == first
    assert len(read) == 6
    assert [row["folder"] for row in first] == [str(run) for run in storage.find_runs([runs])]


def test_the_files_are_what_counts(runs: Path, read: list[str]) -> None:
    rows_of(runs)
    read.clear()
    changed, removed, added = (runs / "study" / name for name in ("cnn-s0", "cnn-s1", "cnn-s9"))
    record = storage.read_run(changed)
    storage.write_record(changed / storage.RUN_FILE, record.model_copy(update={"seed": 5}))
    shutil.copytree(removed, added)
    shutil.rmtree(removed)
    read.clear()
    rows = {Path(row["folder"]).name: row for row in rows_of(runs)}
    assert sorted(read) == ["cnn-s0", "cnn-s9"]
    assert rows["cnn-s0"]["seed"] == 5
    assert set(rows) == {"cnn-s0", "cnn-s2", "cnn-s9", "vit-s0", "vit-s1", "vit-s2"}
    (added / storage.RUN_FILE).write_text("{")
    with pytest.raises(StorageError, match="is damaged"):
        rows_of(runs)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": "0", "runs": {}}', "\\x00"])
def test_an_index_that_is_no_index_is_made_anew(runs: Path, read: list[str], content: str) -> None:
    first = rows_of(runs)
    index_path(runs).write_text(content)
    assert rows_of(runs) == first
    assert len(read) == 12
    assert json.loads(index_path(runs).read_bytes())["runs"]


def test_a_cache_that_takes_nothing_hinders_no_list(
    runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path / "a file"))
    assert len(rows_of(runs)) == 6


def test_few_runs_need_none(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_index, "LEAST_RUNS", 20)
    rows_of(runs)
    assert not index_path(runs).exists()


def test_lists_are_filtered_and_sorted(runs: Path) -> None:
    cache = os.environ["EYECHART_CACHE"]
    for _ in range(2):  # read from the files, and from the index
        told = eyechart("ls", runs, "--where", "contender=cnn", "--sort", "loss", "--json", EYECHART_CACHE=cache)
        listed = json.loads(told.stdout)
        assert {row["contender"] for row in listed} == {"cnn"}
        assert [row["loss"] for row in listed] == sorted(row["loss"] for row in listed)
        assert not {"folder", "architecture"} & set(listed[0])
    assert eyechart("ls", runs, "--where", "nobody=1").returncode == 2


def test_a_run_is_listed_from_inside_of_it_and_where_it_is_a_link(runs: Path, tmp_path: Path) -> None:
    listed = eyechart("ls", ".", "--json", cwd=runs / "study" / "cnn-s0")
    assert listed.returncode == 0, listed.stderr
    assert [row["run"] for row in json.loads(listed.stdout)] == ["cnn-s0"]
    (runs / "study" / "vit-s2").rename(tmp_path / "vit-s2")
    (runs / "study" / "vit-s2").symlink_to(tmp_path / "vit-s2")
    rows = [rows_of(runs), rows_of(runs)]  # read from the files, and from the index
    assert rows[0] == rows[1]
    assert {Path(row["folder"]).name for row in rows[0]} == {"cnn-s0", "cnn-s1", "cnn-s2", "vit-s0", "vit-s1", "vit-s2"}


def test_an_unfinished_run_has_its_name_from_inside_of_it(tmp_path: Path) -> None:
    storage.write_text(tmp_path / "s" / "cnn-s0" / storage.CHECKPOINT_FILE, "hours of work")
    (row,) = json.loads(eyechart("ls", ".", "--json", cwd=tmp_path / "s" / "cnn-s0").stdout)
    assert (row["study"], row["run"], row["status"]) == ("s", "cnn-s0", "unfinished")
