"""Files in the current folder that are called like modules: none of them is ever executed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from eyechart.base import children
from eyechart.base.module_search import search_path

pytestmark = pytest.mark.slow

NAMES = (
    "random", "token", "select", "statistics", "queue", "numpy", "torch", "json", "pickle", "PIL", "types",
    "sitecustomize", "usercustomize", "eyechart",
)  # fmt: skip
SHADOW = "open(__file__ + '.was-executed', 'w').close()\nraise SystemExit('shadowed')\n"
FORCED_READERS = """
from eyechart.data import picture_reader
from eyechart.base import host
picture_reader.PROCESS_SECONDS = 0.0
host.num_cores = lambda: 2
from eyechart.data.catalog import load_dataset
load_dataset("pictures", say=print)
"""
PROBE = """
from eyechart.launch import probe
from pathlib import Path
from eyechart.study.plan import jobs_of, plan_study
record = plan_study(["cnn"], "digits", preset="smoke", num_threads=1)
print(probe.time_jobs(jobs_of(record, Path("nowhere"), offline=True)))
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder of a user's own scripts."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(SHADOW, encoding="utf-8")
    return tmp_path


def check(here: Path, command: list[str]) -> str:
    """Runs to its end, in that folder, with exit code 0, and no file there was executed."""
    done = subprocess.run(command, cwd=here, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert not list(here.glob("*.was-executed")), done.stderr
    assert "shadowed" not in done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout


def script(here: Path, code: str) -> list[str]:
    """A program that does not look in the current folder itself, as the `eyechart` command does not."""
    file = here.parent / f"{here.name}-script" / "script.py"
    file.parent.mkdir()
    file.write_text(code, encoding="utf-8")
    return [sys.executable, str(file)]


SMOKE = ["-m", "cnn", "-p", "smoke", "--threads", "1", "--offline"]
COMMAND = "from eyechart.cli import main\nmain()\n"


def test_run_and_predict(here: Path):
    start = script(here, COMMAND)
    check(here, [*start, "run", "-d", "digits", *SMOKE, "-o", "runs", "--name", "shadows"])
    Image.new("L", (8, 8)).save(here / "one.png")
    assert "one.png" in check(here, [*start, "predict", "runs/shadows/cnn-s0", "one.png"])


def make_pictures(folder: Path) -> Path:
    for part in ("train", "test"):
        for number in range(24):
            file = folder / part / "ab"[number % 2] / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 5 * number + (part == "test")).save(file)
    return folder


def test_processes_that_read_pictures(here: Path):
    make_pictures(here / "pictures")
    check(here, script(here, FORCED_READERS))


def test_data_verify(here: Path):
    make_pictures(here / "pictures")
    check(here, [*script(here, COMMAND), "data", "verify", "pictures"])


def test_the_probe(here: Path):
    assert "PlannedWork" in check(here, script(here, PROBE))


def test_python_minus_m(tmp_path: Path):
    """There Python puts the current folder first; our first lines take it away again."""
    for name in NAMES:
        if name not in ("types", "sitecustomize", "usercustomize", "eyechart"):
            (tmp_path / f"{name}.py").write_text(SHADOW, encoding="utf-8")
    check(tmp_path, [sys.executable, "-m", "eyechart", "run", "--help"])


def test_what_a_user_names_in_pythonpath_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert str(tmp_path) not in search_path()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert str(tmp_path) in search_path()


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert search_path() == [folder for folder in sys.path if folder]
    assert os.environ["PATH"] == children.environment()["PATH"]
