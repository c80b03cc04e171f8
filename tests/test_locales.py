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


@pytest.mark.slow
@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS.keys())
def test_a_study_from_end_to_end(pictures: Path, tmp_path: Path, surroundings: dict[str, str]):
    def eyechart(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "eyechart", *arguments],
            cwd=tmp_path, env=os.environ | surroundings, capture_output=True, timeout=300,
        )  # fmt: skip
        said = done.stderr.decode(errors="replace")
        assert done.returncode == 0, said
        assert "Traceback" not in said
        assert "\\udc" not in said
        return done.stdout.decode(errors="replace")

    given = ["-d", str(pictures), "-m", "cnn", "-p", "smoke", "--threads", "1", "--offline"]
    eyechart("run", *given, "-o", "out put é", "--name", "étude 1")
    study = tmp_path / "out put é" / "étude 1"
    record = json.loads((study / "cnn-s0" / "run.json").read_text(encoding="utf-8"))
    assert (record["study"], record["dataset"]["classes"]) == ("étude 1", [*CLASSES])
    assert "images à moi" in (study / "report.html").read_text(encoding="utf-8")

    assert "cnn-s0" in eyechart("ls", "out put é")
    assert "cnn" in eyechart("show", "out put é/étude 1")
    assert [run["study"] for run in json.loads(eyechart("show", "--json", "out put é/étude 1"))] == ["étude 1"]
    picture = str(pictures / CLASSES[0] / "é 1.png")
    assert "\\udc" not in eyechart("predict", "out put é/étude 1/cnn-s0", picture)
    (answer,) = json.loads(eyechart("predict", "--json", "out put é/étude 1/cnn-s0", picture))
    assert answer["picture"] == picture
    assert answer["label"] in CLASSES
