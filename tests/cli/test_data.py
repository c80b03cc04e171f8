"""`eyechart data`: what goes where, and with which exit code."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from eyechart.base.errors import DatasetMissing, UsageError
from eyechart.cli.data import app
from eyechart.data.catalog import KNOWN


def run(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stderr
    return result


@pytest.fixture
def shapes(tmp_path, empty_cache):
    for label, name in enumerate(("2", "10")):
        (tmp_path / "shapes" / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.arange(16, dtype=np.uint8).reshape(4, 4) * 5 + 100 * label + number
            Image.fromarray(pixels).save(tmp_path / "shapes" / name / f"{number}.png")
    return tmp_path / "shapes"


def test_list_names_every_dataset_with_its_licence(empty_cache):
    text = run("list").stdout
    assert all(name in text and known.licence in text for name, known in KNOWN.items())


def test_list_json(empty_cache):
    entries = json.loads(run("list", "--json").stdout)
    assert [entry["name"] for entry in entries] == list(KNOWN)
    assert [entry["name"] for entry in entries if entry["is_here"]] == ["glyphs", "fractals", "font-digits", "digits"]


def test_fetch(mnist):
    result = run("fetch", "mnist", "--offline")
    assert "mnist is in" in result.stdout
    assert json.loads(run("fetch", "digits", "--json").stdout) == {"name": "digits", "folder": None}


def test_fetch_offline_into_an_empty_cache(empty_cache):
    with pytest.raises(DatasetMissing):
        run("fetch", "mnist", "--offline")


def test_verify_puts_progress_on_stderr(shapes):
    result = run("verify", str(shapes))
    assert "2 classes in this order: 2 (4), 10 (4)" in result.stderr
    assert "in this order" not in result.stdout
    assert "Nothing is wrong with it." in result.stdout
    assert "6 train images; 2: 3 · 10: 3" in result.stdout


def test_verify_json(shapes):
    facts = json.loads(run("verify", str(shapes), "--json", "--img-size", "12").stdout)
    assert facts["card"]["classes"] == ["2", "10"]
    assert facts["card"]["height"] == 12
    assert facts["counts"] == {"train": [3, 3], "test": [1, 1]}


def test_verify_names_blank_pictures_and_classes(shapes):
    for number in range(4):
        Image.new("L", (4, 4), 7).save(shapes / "10" / f"{number}.png")
    Image.new("L", (4, 4), 255).save(shapes / "2" / "white.png")
    text = run("verify", str(shapes)).stdout
    assert "Nothing is wrong" not in text
    facts = json.loads(run("verify", str(shapes), "--json").stdout)
    named = [name for names in facts["plain"].values() for name in names]
    assert sorted(named) == ["10/0.png", "10/1.png", "10/2.png", "10/3.png", "2/white.png"]
    assert facts["plain_classes"]["train"] == facts["repeated_classes"]["train"] == ["10"]
    assert "train images are of one plain colour, with nothing to see: " in text
    assert "all train images of 1 classes are of one plain colour: 10" in text
    assert text.endswith("It can be read; look at the last lines before it is trained on.\n")


def test_verify_names_classes_that_a_part_lacks(shapes):
    for number in range(1, 4):
        (shapes / "10" / f"{number}.png").unlink()
    text = run("verify", str(shapes)).stdout
    assert "no test image for 1 of 2 classes: 10" in text
    assert "Nothing is wrong" not in text


def test_verify_finds_the_same_picture_everywhere(shapes):
    for number in range(4):
        (shapes / "10" / f"{number}.png").write_bytes((shapes / "2" / "0.png").read_bytes())
    facts = json.loads(run("verify", str(shapes), "--json").stdout)
    assert (facts["plain"]["train"], facts["repeated_classes"]["train"]) == ([], ["10"])


def test_the_usual_name_of_a_sheet_is_that_of_a_file(shapes, tmp_path, monkeypatch):
    monkeypatch.chdir(shapes)
    few = "level=easy,canvas=32,side=8-12,count=1,train=6,validation=3,test=3"
    assert run("show", ".").stdout == "shapes-classes.png\n"
    assert (
        run("show", f"scenes:../shapes,{few}").stdout
        == f"scenes_shapes_{few.replace(',', '_').replace('=', '_')}-classes.png\n"
    )
    assert run("show", "digits").stdout == "digits-classes.png\n"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["cache", "shapes"]


def test_show_draws_and_does_not_overwrite(shapes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("show", str(shapes)).stdout == "shapes-classes.png\n"
    with Image.open(tmp_path / "shapes-classes.png") as picture:
        assert picture.format == "PNG"
    with pytest.raises(UsageError, match="--exist-ok"):
        run("show", str(shapes))
    run("show", str(shapes), "--exist-ok")
    answer = json.loads(run("show", str(shapes), "--output", str(tmp_path / "b.png"), "--json").stdout)
    assert answer == {"picture": str(tmp_path / "b.png"), "classes": ["2", "10"]}


def test_wrong_names():
    for verb in ("fetch", "verify", "show"):
        with pytest.raises(UsageError, match="mnist"):
            run(verb, "mnits")


def test_prepared_lists_and_removes(shapes):
    assert run("prepared").stdout == "Nothing is prepared.\n"
    run("verify", str(shapes))
    (entry,) = json.loads(run("prepared", "--json").stdout)
    assert entry["folder"] == str(shapes)
    assert f"MB  {shapes}  (in {entry['kept_in']})" in run("prepared").stdout
    assert "Nothing is prepared" in run("prepared", "--remove", str(shapes)).stdout
    with pytest.raises(UsageError, match="Nothing was prepared from"):
        run("prepared", "--remove", str(shapes))
