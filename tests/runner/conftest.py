"""What several tests of runs look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.in_process import eyechart

CONTENDERS = ("cnn", "vit", "alexnet:none:head")


@pytest.fixture(scope="session")
def study(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A finished smoke study on sklearn's digits; nobody writes into it."""

    def train(folder: Path) -> None:
        smoke = ["-d", "digits", "-p", "smoke", "--threads", "1", "--device", "cpu", "--offline"]
        done = eyechart("run", "-m", ",".join(CONTENDERS), *smoke, "-o", folder, "--name", "s")
        assert done.returncode == 0, done.stderr

    return made_once("study-of-digits", train) / "s"
