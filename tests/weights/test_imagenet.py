from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from eyechart.base.errors import WeightsError
from eyechart.weights import imagenet
from eyechart.weights.trunks import trunk_shapes


@pytest.fixture
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "hub" / "checkpoints"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file like torchvision's, named after its own hash, behind a URL that needs no network."""
    tensors = {name: torch.full(shape, 0.5) for name, shape in trunk_shapes("alexnet").items()}
    torch.save(tensors | {"classifier.1.weight": torch.zeros(2)}, tmp_path / "plain.pth")
    sha256 = hashlib.sha256((tmp_path / "plain.pth").read_bytes()).hexdigest()
    served = (tmp_path / "plain.pth").rename(tmp_path / f"alexnet-owt-{sha256[:8]}.pth")
    transforms = SimpleNamespace(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    monkeypatch.setattr(
        imagenet, "_enum", lambda _: SimpleNamespace(url=served.as_uri(), transforms=lambda: transforms)
    )
    return served


def test_the_file_and_its_place_are_torchvisions(torch_home: Path) -> None:
    assert imagenet.cached_path("vgg16") == torch_home / "vgg16-397923af.pth"
    assert imagenet.cached_path("alexnet") == torch_home / "alexnet-owt-7be5be79.pth"
    assert imagenet.read_cached("vgg16") is None


def test_fetched_once_verified_and_read(torch_home: Path, served: Path) -> None:
    assert imagenet.fetch("alexnet") == ""
    assert [path.name for path in torch_home.iterdir()] == [served.name]
    found = imagenet.read_cached("alexnet")
    assert found is not None
    assert found.tensors.keys() == trunk_shapes("alexnet").keys()
    assert found.mean == (0.485, 0.456, 0.406)
    assert found.std == (0.229, 0.224, 0.225)
    assert found.origin.pretrained_on == "ImageNet"
    assert "BSD-3-Clause" in found.origin.licence
    assert found.origin.sha256 == hashlib.sha256(served.read_bytes()).hexdigest()


def test_a_download_with_a_wrong_hash_leaves_nothing(torch_home: Path, served: Path) -> None:
    served.write_bytes(served.read_bytes() + b"!")
    assert "invalid hash value" in imagenet.fetch("alexnet")
    assert list(torch_home.iterdir()) == []


def test_a_damaged_file_in_the_cache_is_named(torch_home: Path, served: Path) -> None:
    torch_home.mkdir(parents=True)
    (torch_home / served.name).write_bytes(served.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"is damaged: found sha256 .* expected .* Delete it"):
        imagenet.read_cached("alexnet")


def test_out_of_reach_tells_why(torch_home: Path, served: Path) -> None:
    served.unlink()
    assert "No such file" in imagenet.fetch("alexnet")
    assert not torch_home.exists()


def test_the_normalisation_of_the_real_weights() -> None:
    found = imagenet._starting_weights("vgg16", {}, "")
    assert found.mean == (0.485, 0.456, 0.406)
    assert found.origin.description == "torchvision VGG16_Weights.IMAGENET1K_V1 (ImageNet-1k)"
