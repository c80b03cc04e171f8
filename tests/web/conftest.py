"""A study of a classifier and a detector, and the folder that answers without a server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_dir

from eyechart.base.errors import MissingError
from eyechart.schema.contracts import Dataset
from eyechart.web.folder import OWN
from eyechart.web.runtime import keep_package, kept_package
from tests.serve.conftest import line, reader, study, three  # noqa: F401  what both pages are asked

Do = Callable[[list[dict[str, Any]], list[np.ndarray]], list[Any]]
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


@pytest.fixture(scope="session")
def do(node: str, tmp_path_factory: pytest.TempPathFactory) -> Do:
    """What the modules make of tasks, one array (H, W) or (H, W, C) of bytes or float32 each."""
    folder = tmp_path_factory.mktemp("modules")
    for file in (*OWN.glob("*.js"), Path(__file__).parent / "do_tasks.js"):
        shutil.copy(file, folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def done(tasks: list[dict[str, Any]], arrays: list[np.ndarray]) -> list[Any]:
        for task, array in zip(tasks, arrays, strict=True):
            height, width, channels = (*array.shape, 1)[:3]
            is_float = array.dtype == np.float32
            task["picture"] = {"width": width, "height": height, "channels": channels, "isFloat": is_float}
        (folder / "tasks.json").write_text(json.dumps(tasks))
        (folder / "pictures.bin").write_bytes(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays))
        subprocess.run([node, "do_tasks.js"], cwd=folder, check=True, timeout=600)
        made: list[Any] = json.loads((folder / "done.json").read_text())
        return made

    return done
