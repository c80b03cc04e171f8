"""The suite itself: what tests keep, they keep in a cache of their own, and the user's stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import platformdirs

from eyechart.cache import cache_folder

KEEPS_PICTURES = """
import subprocess, sys
from pathlib import Path
from PIL import Image
from eyechart.cache import cache_folder
from eyechart.data import catalog

def fill(folder):
    for part in ("train", "test"):
        for label in ("a", "b"):
            (folder / part / label).mkdir(parents=True)
            for number in range(4):
                colour = 40 * number + 7 * (label == "a") + 3 * (part == "test")
                Image.new("L", (8, 8), colour).save(folder / part / label / f"{number}.png")
    return folder

def test_in_this_process(tmp_path):
    catalog.load_dataset(str(fill(tmp_path / "here")), say=print)
    assert list((cache_folder() / "pictures").iterdir())

def test_in_another(tmp_path):
    subprocess.run([sys.executable, "-m", "eyechart", "data", "verify", fill(tmp_path / "there")], check=True)

def test_mnist_is_seen_and_written_to_without_harm():
    from eyechart.cache import keep
    file = cache_folder() / "mnist" / "t10k-labels-idx1-ubyte"
    assert file.read_bytes() == b"the user's"
    keep(file, b"ours")
    keep(cache_folder() / "mnist" / "checked.json", b"ours")
"""


def test_the_users_cache_is_the_same_before_and_after(tmp_path: Path):
    """A session of pytest with this suite's conftest.py and tests that keep something, beside a user's cache."""
    user = tmp_path / "user"
    mnist = user / "mnist"
    mnist.mkdir(parents=True)
    (mnist / "t10k-labels-idx1-ubyte").write_bytes(b"the user's")
    (mnist / "checked.json").write_bytes(b"{}")
    session = tmp_path / "session"
    session.mkdir()
    (session / "conftest.py").write_bytes(Path(__file__).with_name("conftest.py").read_bytes())
    (session / "test_that_keeps.py").write_text(KEEPS_PICTURES, encoding="utf-8")
    before = _everything(user)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(session)]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        command, cwd=session, capture_output=True, text=True, timeout=300,
        env=os.environ | {"EYECHART_CACHE": str(user), "TMPDIR": str(temporary)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    assert _everything(user) == before
    assert not list(temporary.glob("eyechart-tests-*")), "the session's cache goes with it"


def test_this_session_has_a_cache_of_its_own():
    assert cache_folder() != Path(platformdirs.user_cache_dir("eyechart"))
    assert cache_folder().name.startswith("eyechart-tests-")


def _everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}
