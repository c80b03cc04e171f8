"""Tests leave the user's cache alone, and so does everything that they start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyechart.data.picture_store import place_of
from eyechart.files.cache import cache_folder


def test_this_process_has_a_cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert cache_folder() == tmp_path_factory.getbasetemp() / "eyechart-cache"


def test_what_a_child_prepares_lies_there(tmp_path: Path) -> None:
    for number, name in enumerate(("cat", "cat", "dog", "dog")):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(tmp_path / name / f"{number}.png")
    place = place_of(tmp_path)
    subprocess.run([sys.executable, "-m", "eyechart", "data", "verify", str(tmp_path)], check=True, capture_output=True)
    assert (place / "root.txt").read_text(encoding="utf-8") == str(tmp_path.resolve())
    assert Path(os.environ["EYECHART_CACHE"]) in place.parents
