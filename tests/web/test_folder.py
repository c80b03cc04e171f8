"""The folder that answers without a server: whole or not there, and all that it needs is in it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from eyechart.base.errors import StorageError
from eyechart.files.storage import RUN_FILE, read_run, write_record
from eyechart.web import folder
from tests.in_process import eyechart


def test_a_place_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.txt").write_text("keep")
    done = eyechart("export", tmp_path / "study", "--web", tmp_path / "site")
    assert done.returncode == 2
    assert "site is there, and not an empty folder; expected a new one. Choose another --web." in done.stderr
    assert [file.name for file in (tmp_path / "site").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-o", "a.onnx", "--web", "b"], "--web writes a whole folder: leave --output, --format"),
        (["--int8", "--web", "b"], "--web writes a whole folder: leave --output, --format"),
        (["-o", "a.onnx", "--runtime", "c"], "--runtime goes with --web; a file needs none."),
    ],
)
def test_options_that_cannot_be(words: list[str], told: str) -> None:
    done = eyechart("export", "study", *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_what_fails_half_way_leaves_nothing(
    reading_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(run: Path, target: Path, **options: object) -> None:
        target.write_bytes(b"half")
        raise StorageError("The disk is full.")

    monkeypatch.setattr(folder, "export_run", refuse)
    monkeypatch.setattr(folder, "runtime_files", lambda given, say: {"a.js": b"", "b.wasm": b""})
    with pytest.raises(StorageError, match="The disk is full"):
        folder.export_page(reading_study, tmp_path / "site", None, print)
    assert list(tmp_path.iterdir()) == []


def test_a_contender_that_is_named_by_a_path_is_told_without_it(
    reading_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(reading_study, tmp_path / "study")
    run = tmp_path / "study" / "cnn-s0"
    path = f"cnn:{tmp_path}/mine.safetensors"
    write_record(run / RUN_FILE, read_run(run).model_copy(update={"contender": path}))
    monkeypatch.setattr(folder, "export_run", lambda run, target, **options: target.write_bytes(b"half"))
    monkeypatch.setattr(folder, "runtime_files", lambda given, say: {"a.js": b"", "b.wasm": b""})
    folder.export_page(tmp_path / "study", tmp_path / "site", None, print)
    card = json.loads((tmp_path / "site" / "card.json").read_text())
    assert card["runs"][0]["contender"] == card["study"]["contenders"][0]["contender"] == "cnn:mine"
    for name in ("card.json", "gallery.json"):
        assert str(tmp_path) not in (tmp_path / "site" / name).read_text()


@pytest.mark.slow
def test_it_holds_all_that_it_asks_for(site: Path, two: Path) -> None:
    card = json.loads((site / "card.json").read_text())
    assert card["study"]["study"] == "two"
    assert card["study"]["report"] == "report/report.html"
    assert card["study"]["api"] is None
    assert [run["run"] for run in card["runs"]] == ["cnn-s0", "fasterrcnn-s0"]
    for run in card["runs"]:
        assert (site / run["file"]).stat().st_size == run["bytes"]
        assert 0 < run["least_sure"] < 1
        assert run["ink"]["is_bright"]
    assert card["remarks"]["several"] == {"en": "several digits ({count})", "fr": "plusieurs chiffres ({count})"}
    assert (site / "report" / "report.html").is_file()
    assert {file.name for file in (site / "report" / "cnn-s0").iterdir()} == {"run.json"}
    assert len(json.loads((site / "gallery.json").read_text())["images"]) == 24
    for file in (site / "index.html", *(site / "page").iterdir()):
        text = file.read_text(encoding="utf-8")
        for address in re.findall(r'from "(\./[^"]+)"|src="([^"]+)"|<link[^>]+href="([^"]+)"', text):
            assert (file.parent / next(filter(None, address))).is_file(), (file.name, address)


@pytest.mark.slow
def test_an_empty_folder_is_filled_where_it_is(
    two: Path, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that one stands in, and a link to one, cannot be put aside for another."""
    home, link = tmp_path / "home", tmp_path / "link"
    home.mkdir()
    monkeypatch.chdir(home)
    folder.export_page(two / "cnn-s0", Path(), package, print)
    names = sorted(file.name for file in home.iterdir())
    assert "index.html" in names
    other = tmp_path / "other"
    other.mkdir()
    link.symlink_to(other)
    folder.export_page(two / "cnn-s0", link, package, print)
    assert sorted(file.name for file in other.iterdir()) == names
    assert sorted(file.name for file in tmp_path.iterdir()) == ["home", "link", "other"]


@pytest.mark.slow
def test_a_single_run_and_its_sizes_are_told(two: Path, package: Path, tmp_path: Path) -> None:
    done = eyechart("export", two / "cnn-s0", "--web", tmp_path / "pages" / "cnn", "--runtime", package)
    assert done.returncode == 0, done.stderr
    assert re.search(r"exported: .*cnn \(networks 6\d\d kB, runtime 14\.3 MB, page \d+ kB\)", done.stdout)
    assert re.search(r"a browser loads 15\.\d MB once \(2 s at 50 Mbit/s\), then asks nobody", done.stdout)
    assert "open it with any static server: python3 -m http.server 8000 --bind 127.0.0.1" in done.stdout
    assert "exporting cnn-s0 (1 of 1)" in done.stderr
    assert [file.name for file in (tmp_path / "pages").iterdir()] == ["cnn"]
