"""What several tests of runs look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from eyechart.insight.asked import AskedModel
from eyechart.insight.checks import Checked, check_methods
from eyechart.runner import explain
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


@pytest.fixture(scope="module")
def few_checked() -> Iterator[None]:
    """Checks of maps look at four of the images that they are given: what they find is tested in tests/insight."""

    def check(asked: AskedModel, untrained: AskedModel, images: np.ndarray) -> Checked:
        return check_methods(asked, untrained, images[:4])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explain, "check_methods", check)
        yield
