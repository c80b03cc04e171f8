"""A study where standard output or the whole locale cannot hold its names: all works, files are UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

SURROUNDINGS = {
    "ascii output": {"PYTHONIOENCODING": "ascii"},
    "cp1252 output": {"PYTHONIOENCODING": "cp1252"},
    "C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
CLASSES = ("naïf ß", "été")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("locales") / "images à moi"
    generator = np.random.default_rng(0)
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
        for number in range(30):
            Image.fromarray(generator.integers(0, 256, (12, 12), np.uint8)).save(folder / label / f"é {number}.png")
    return folder


GIVEN = ("-m", "cnn", "-p", "smoke", "--threads", "1", "--offline", "-o", "out put é", "--name", "étude 1")


def eyechart(place: Path, surroundings: str, *arguments: str) -> str:
    """What a command says on standard output, where it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "eyechart", *arguments],
        cwd=place, env=os.environ | SURROUNDINGS[surroundings], capture_output=True, timeout=300,
    )  # fmt: skip
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0, said
    assert "Traceback" not in said
    assert "\\udc" not in said
    return done.stdout.decode(errors="replace")


@pytest.fixture(scope="module")
def place(pictures: Path) -> Path:
    """Where a study was trained under the C locale, which is the hardest: not even file names are UTF-8 there."""
    eyechart(pictures.parent, "C locale", "run", "-d", str(pictures), *GIVEN)
    return pictures.parent


def test_a_study_is_trained_and_told_in_utf_8(place: Path) -> None:
    study = place / "out put é" / "étude 1"
    record = json.loads((study / "cnn-s0" / "run.json").read_text(encoding="utf-8"))
    assert (record["study"], record["dataset"]["classes"]) == ("étude 1", [*CLASSES])
    assert "images à moi" in (study / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_what_is_there_is_read_and_told(pictures: Path, place: Path, surroundings: str) -> None:
    """Gone on with, listed, shown, asked: the same study under each, data found by its name."""
    assert "cnn" in eyechart(place, surroundings, "run", "-d", str(pictures), *GIVEN, "--resume")
    assert "cnn-s0" in eyechart(place, surroundings, "ls", "out put é")
    shown = eyechart(place, surroundings, "show", "--json", "out put é/étude 1")
    assert [run["study"] for run in json.loads(shown)] == ["étude 1"]
    picture = str(pictures / CLASSES[0] / "é 1.png")
    answers = eyechart(place, surroundings, "predict", "--json", "out put é/étude 1/cnn-s0", picture)
    (answer,) = json.loads(answers)
    assert answer["picture"] == picture
    assert answer["label"] in CLASSES


def test_answers_are_a_table_where_output_is_ascii(pictures: Path, place: Path) -> None:
    picture = str(pictures / CLASSES[0] / "é 1.png")
    assert "cnn" in eyechart(place, "ascii output", "show", "out put é/étude 1")
    assert "\\udc" not in eyechart(place, "ascii output", "predict", "out put é/étude 1/cnn-s0", picture)
