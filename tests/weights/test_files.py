from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from eyechart.base.errors import WeightsError, WeightsMissing
from eyechart.schema import Preprocessing
from eyechart.weights.files import read_weights
from eyechart.weights.trunks import trunk_shapes

GREY_TO_COLOUR = Preprocessing(
    image_channels=1,
    image_height=28,
    image_width=20,
    input_channels=3,
    input_height=64,
    input_width=64,
    mean=(0.1, 0.2, 0.3),
    std=(0.4, 0.5, 0.6),
)


def trunk(num_tensors: int = 10) -> dict[str, Tensor]:
    """AlexNet's leading tensors, random."""
    torch.manual_seed(0)
    return {name: torch.randn(shape) for name, shape in list(trunk_shapes("alexnet").items())[:num_tensors]}


def renamed(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_a_whole_networks_trunk_is_taken_and_its_classifier_left(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    tensors = trunk() | {"classifier.6.weight": torch.zeros(1000, 4)}
    save_file(tensors, path) if suffix == ".safetensors" else torch.save(tensors, path)
    found = read_weights(path, "alexnet")
    assert found.tensors.keys() == trunk().keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in trunk().items())
    assert (found.mean, found.std) == (None, None)
    assert (found.origin.name, len(found.origin.sha256)) == ("file", 64)
    assert found.origin.pretrained_on == f"unknown images ({path.name})", "an empty one would mean: from nothing"
    assert path.name in found.origin.description


@pytest.mark.parametrize("prefix", ["network.", "module.", "module.network."])
def test_wrapped_names(prefix: str, tmp_path: Path) -> None:
    torch.save(renamed(trunk(), prefix), tmp_path / "w.pt")
    assert read_weights(tmp_path / "w.pt", "alexnet").tensors.keys() == trunk().keys()


def test_names_of_a_bare_features_module(tmp_path: Path) -> None:
    bare = {name.removeprefix("features."): tensor for name, tensor in trunk().items()}
    torch.save(bare, tmp_path / "w.pt")
    assert read_weights(tmp_path / "w.pt", "alexnet").tensors.keys() == trunk().keys()


def test_a_training_checkpoint_with_a_state_dict(tmp_path: Path) -> None:
    torch.save({"state_dict": trunk(), "epoch": 3}, tmp_path / "w.pt")
    assert read_weights(tmp_path / "w.pt", "alexnet").tensors.keys() == trunk().keys()


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    torch.save({name: tensor.half() for name, tensor in trunk().items()}, tmp_path / "w.pt")
    found = read_weights(tmp_path / "w.pt", "alexnet").tensors["features.0.weight"]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, trunk()["features.0.weight"], rtol=1e-3, atol=1e-3)


def test_eyecharts_own_file_brings_its_normalisation(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    head = {"network.head.1.weight": torch.zeros(10, 5)}
    metadata = {"preprocessing": GREY_TO_COLOUR.model_dump_json()}
    save_file(renamed(trunk(4), "network.") | head, path, metadata=metadata)  # a trunk cut after two stages
    found = read_weights(path, "alexnet")
    assert list(found.tensors) == ["features.0.weight", "features.0.bias", "features.3.weight", "features.3.bias"]
    assert (found.mean, found.std) == (GREY_TO_COLOUR.mean, GREY_TO_COLOUR.std)


def test_other_architectures_take_every_tensor_under_its_own_name(tmp_path: Path) -> None:
    save_file({"network.stem.weight": torch.ones(2), "network.head.bias": torch.ones(3)}, tmp_path / "w.safetensors")
    assert set(read_weights(tmp_path / "w.safetensors", "cnn").tensors) == {"stem.weight", "head.bias"}


# --------------------------------------------------------------------------------------------- what is refused


def refusal(path: Path, architecture: str = "alexnet") -> str:
    with pytest.raises(WeightsError) as caught:
        read_weights(path, architecture)
    return str(caught.value)


def test_shapes_that_do_not_fit_are_listed_first_three(tmp_path: Path) -> None:
    torch.save({name: torch.zeros(1) for name in trunk()}, tmp_path / "w.pt")
    message = refusal(tmp_path / "w.pt")
    assert "features.0.weight is (1,), expected (64, 3, 11, 11)" in message
    assert "features.3.weight is (1,)" in message
    assert "features.3.bias" not in message
    assert "(and 7 more)" in message
    assert "-m alexnet:none" in message


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    torch.save(trunk(), tmp_path / "w.pt")
    assert "does not fit vgg16" in refusal(tmp_path / "w.pt", "vgg16")
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "w.pt")
    assert "features.0.weight is missing, expected (64, 3, 11, 11)" in refusal(tmp_path / "w.pt")


def test_a_gap_in_the_trunk(tmp_path: Path) -> None:
    tensors = trunk()
    del tensors["features.3.bias"]
    torch.save(tensors, tmp_path / "w.pt")
    assert "features.3.bias is missing" in refusal(tmp_path / "w.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers(value: float, tmp_path: Path) -> None:
    tensors = trunk()
    tensors["features.6.weight"][0, 0, 0, 0] = value
    torch.save(tensors, tmp_path / "w.pt")
    assert "features.6.weight holds values that are no finite" in refusal(tmp_path / "w.pt")


def test_integers_are_no_weights(tmp_path: Path) -> None:
    torch.save({name: tensor.int() for name, tensor in trunk().items()}, tmp_path / "w.pt")
    assert "no finite floating-point" in refusal(tmp_path / "w.pt")


class Hostile:
    """Would run a command when a careless reader unpickles it."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("raw_pickle", [True, False])
def test_a_hostile_pickle_is_refused_and_not_run(raw_pickle: bool, tmp_path: Path) -> None:
    path, marker = tmp_path / "w.pt", tmp_path / "was-run"
    hostile = {"features.0.weight": Hostile(marker)}
    path.write_bytes(pickle.dumps(hostile)) if raw_pickle else torch.save(hostile, path)
    message = refusal(path)
    assert "could run code" in message
    assert "weights_only=False" not in message  # torch's own advice
    assert not marker.exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_file_cut_short(suffix: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    save_file(trunk(), path) if suffix == ".safetensors" else torch.save(trunk(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert str(path) in refusal(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_noise_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(bytes(range(256)) * 40)
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("content", [3, [torch.zeros(1)], {"epoch": 3}])
def test_no_state_dict(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pt")
    assert "expected a state dict" in refusal(tmp_path / "w.pt")


def test_a_folder_and_a_wrong_suffix(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"x")
    assert f"give {tmp_path / 'weights.safetensors'}" in refusal(tmp_path)
    (tmp_path / "w.onnx").write_bytes(b"x")
    assert "ends in '.onnx'" in refusal(tmp_path / "w.onnx")


def test_a_missing_file_is_missing_not_broken(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="is not there"):
        read_weights(tmp_path / "w.pt", "alexnet")


@pytest.mark.parametrize("header", ["{", json.dumps({"mean": [0.1]})])
def test_a_damaged_header(header: str, tmp_path: Path) -> None:
    save_file(trunk(), tmp_path / "w.safetensors", metadata={"preprocessing": header})
    assert "preprocessing in its header is damaged" in refusal(tmp_path / "w.safetensors")
