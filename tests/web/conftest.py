"""A study of a classifier and a detector, and the folder that answers without a server."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from platformdirs import user_cache_dir

from eyechart.base.errors import MissingError
from eyechart.schema.contracts import Dataset
from eyechart.web.runtime import keep_package, kept_package
from tests.serve.conftest import line, three  # noqa: F401  drawings that both pages are shown

Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def package(made_once: Once) -> Path:
    """The pinned package: of the user's cache, or else of the registry; who has neither skips."""
    kept = Path(user_cache_dir("eyechart")) / "web" / kept_package().name
    if kept.is_file():
        return kept
    try:
        folder = made_once("onnxruntime-web", lambda folder: keep_package(folder / kept.name, print))
    except MissingError as error:
        pytest.skip(f"needs ONNX Runtime Web: {error}")
    return folder / kept.name


@pytest.fixture(scope="session")
def two(made_once: Once, mnist: Dataset) -> Path:
    """A study of `cnn` and `fasterrcnn`, which read MNIST well."""
    import eyechart

    def train(folder: Path) -> None:
        budget = eyechart.Budget(unit="images", amount=20_000)
        names = ["cnn", "fasterrcnn"]
        eyechart.run(models=names, budget=budget, threads=1, output=folder, name="two", quiet=True, offline=True)

    assert mnist.card.name == "mnist", "it is in the cache of this session"
    return made_once("web-study", train) / "two"


@pytest.fixture(scope="session")
def site(made_once: Once, two: Path, package: Path) -> Path:
    """The folder that `eyechart export --web` makes of it."""
    from eyechart.web.folder import export_page

    return made_once("web-site", lambda folder: export_page(two, folder / "site", package, print)) / "site"


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs node")
    return found
