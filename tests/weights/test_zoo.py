"""Published weights of networks that are not our own, from a cache that was filled by hand and from a server here."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torchvision

from eyechart.base.errors import UsageError, WeightsError, WeightsMissing
from eyechart.catalog.recipes import recipe_of
from eyechart.models.catalog import build_model, load_starting_tensors, plan_preprocessing
from eyechart.schema import DatasetCard
from eyechart.weights import catalog, imagenet, zoo
from eyechart.weights import hub as hub_files
from eyechart.weights.resolve import starting_weights

sys.path.append(str(Path(__file__).parent))  # tests are not a package

from toy_hub import published, put_into_hub

TIMM = "timm:test_resnet.r160_in1k"
TORCHVISION = "torchvision:mobilenet_v3_small"
CARD = DatasetCard(
    name="toy", title="", source="", licence="", content_sha256="", classes=("a", "b", "c"), num_channels=1, height=28,
    width=28, num_train=1, num_test=1,
)  # fmt: skip


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EYECHART_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "hub" / "checkpoints"


def ask(architecture: str, choice: str, *, offline: bool = False) -> tuple[Any, list[str]]:
    said: list[str] = []
    return starting_weights(architecture, choice, offline=offline, say=said.append), said


# --------------------------------------------------------------------------------------------- timm


def test_timms_file_and_its_place() -> None:
    assert zoo.file_of(TIMM) == ("timm/test_resnet.r160_in1k", "model.safetensors", "main")
    assert zoo.file_of("timm:vit_tiny_patch16_224") == (
        "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k", "model.safetensors", "main"
    )  # fmt: skip
    assert zoo.file_of("timm:legacy_seresnet18") is None, "a pickle of somebody's server"


def test_from_the_hubs_cache(hub: Path) -> None:
    assert zoo.read_cached(TIMM) is None
    put_into_hub(hub, published())
    found, said = ask(TIMM, "imagenet", offline=True)
    assert (found.origin.name, found.origin.pretrained_on, said) == ("imagenet", "ImageNet", [])
    assert found.origin.description == "timm test_resnet.r160_in1k (timm/test_resnet.r160_in1k)"
    assert "apache-2.0" in found.origin.licence
    assert found.origin.sha256 == hashlib.sha256(published()).hexdigest()
    assert (found.mean, found.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), "those of this very file"
    recipe = recipe_of(f"{TIMM}:imagenet:head")
    model = build_model(recipe, plan_preprocessing(recipe, CARD, (0.2,), (0.3,), found), 3)
    load_starting_tensors(model, recipe, found.tensors)
    assert all(bool((each == 0.25).all()) for each in model.network.body.parameters())
    assert model.preprocess.mean.flatten().tolist() == [0.5, 0.5, 0.5]


def test_auto_takes_what_is_cached_and_says_so(hub: Path) -> None:
    put_into_hub(hub, published())
    found, said = ask(TIMM, "auto", offline=True)
    assert found.origin.name == "imagenet"
    assert said == [f"{TIMM}: starting from {found.origin.description}, which was cached"]


def test_a_damaged_file_of_the_hub_is_named(hub: Path) -> None:
    blob = put_into_hub(hub, published())
    blob.write_bytes(blob.read_bytes()[:-4] + b"oops")
    with pytest.raises(WeightsError, match=r"is damaged: found sha256 .* expected .* as the hub named it"):
        ask(TIMM, "imagenet", offline=True)
    found, said = ask(TIMM, "auto", offline=True)
    assert found.origin.name == "none"
    assert "passing over the cached imagenet weights" in said[0]


def test_a_pickle_in_the_hubs_cache_is_not_looked_at(hub: Path) -> None:
    put_into_hub(hub, b"pickle", name="pytorch_model.bin")
    assert zoo.read_cached(TIMM) is None


def test_what_timm_does_not_publish_safely() -> None:
    with pytest.raises(WeightsMissing, match=r"timm names no \.safetensors file of them.*Choose another network"):
        ask("timm:legacy_seresnet18", "imagenet")


def test_offline_and_out_of_reach(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsMissing, match=r"the network is off.*hf download timm/test_resnet\.r160_in1k") as caught:
        ask(TIMM, "imagenet", offline=True)
    assert str(hub) in str(caught.value)
    monkeypatch.setattr(hub_files, "reach", lambda url: f"no route to {url}")
    found, said = ask(TIMM, "auto")
    assert found.origin.name == "none"
    assert said[0] == f"{TIMM}: fetching the imagenet weights"
    assert "starting from nothing" in said[-1]
    assert "no route to" in said[-1]


def test_fetched_from_a_hub_and_kept_in_its_cache(hub: Path, hub_server: bytes) -> None:
    found, said = ask(TIMM, "imagenet")
    assert said == [f"{TIMM}: fetching the imagenet weights"]
    assert found.origin.sha256 == hashlib.sha256(hub_server).hexdigest()
    path = zoo.cached_path(TIMM)
    assert path is not None
    assert path.is_relative_to(hub)
    assert ask(TIMM, "auto", offline=True)[0].origin == found.origin


# --------------------------------------------------------------------------------------------- torchvision


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file like torchvision's, named after its own hash, behind a URL that needs no network."""
    tensors = torchvision.models.mobilenet_v3_small().state_dict()
    torch.save({name: torch.full_like(tensor, 0.25) for name, tensor in tensors.items()}, tmp_path / "plain.pth")
    sha256 = hashlib.sha256((tmp_path / "plain.pth").read_bytes()).hexdigest()
    served = (tmp_path / "plain.pth").rename(tmp_path / f"mobilenet_v3_small-{sha256[:8]}.pth")
    real = imagenet._enum(TORCHVISION)
    fake = SimpleNamespace(url=served.as_uri(), transforms=real.transforms, meta=real.meta)
    monkeypatch.setattr(imagenet, "_enum", lambda _: fake)
    return served


def test_torchvisions_file_and_its_place(torch_home: Path) -> None:
    assert imagenet.cached_path("torchvision:resnet18") == torch_home / "resnet18-f37072fd.pth"
    assert imagenet.cached_path("torchvision:resnet50") == torch_home / "resnet50-11ad3fa6.pth", "the default ones"
    assert imagenet.megabytes("torchvision:resnet18") == 45
    assert imagenet.megabytes("vgg16") == 528
    with pytest.raises(WeightsMissing, match=r"the network is off.*by hand, as .*resnet18-f37072fd\.pth"):
        ask("torchvision:resnet18", "imagenet", offline=True)


def test_torchvisions_are_fetched_verified_and_read(torch_home: Path, served: Path) -> None:
    found, said = ask(TORCHVISION, "imagenet")
    assert said == [f"{TORCHVISION}: fetching the imagenet weights (10 MB)"]
    assert [path.name for path in torch_home.iterdir()] == [served.name]
    assert found.origin.sha256 == hashlib.sha256(served.read_bytes()).hexdigest()
    assert (found.mean, found.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    recipe = recipe_of(f"{TORCHVISION}:imagenet:head")
    model = build_model(recipe, plan_preprocessing(recipe, CARD, (0.2,), (0.3,), found), 3)
    load_starting_tensors(model, recipe, found.tensors)
    assert all(bool((each == 0.25).all()) for each in model.network.body.parameters())
    (torch_home / served.name).write_bytes(served.read_bytes()[:-9])
    with pytest.raises(WeightsError, match=r"is damaged: found sha256"):
        ask(TORCHVISION, "imagenet", offline=True)


def test_networks_that_do_not_exist_are_told_before_anything_is_fetched() -> None:
    with pytest.raises(UsageError, match="Did you mean 'resnet18'"):
        ask("torchvision:resnet19", "auto")
    with pytest.raises(UsageError, match="Did you mean"):
        ask("timm:test_resnet2", "imagenet")


def test_every_classifier_of_torchvision_has_weights_with_a_hash_in_their_name() -> None:
    for network in torchvision.models.list_models(module=torchvision.models):
        architecture = f"torchvision:{network}"
        assert imagenet.hash_prefix(imagenet.cached_path(architecture))
        assert len(imagenet._mean_and_std(architecture)[0]) == 3
    assert "SWAG" in imagenet.licence("torchvision:vit_h_14")
    assert imagenet.licence("torchvision:resnet18") == imagenet.LICENCE


def test_pixels_of_googlenet_are_what_transform_input_makes_of_imagenets() -> None:
    network = torchvision.models.googlenet(weights=None, init_weights=True, transform_input=True)
    images = torch.rand(2, 3, 4, 5)
    preset = imagenet._enum("torchvision:googlenet").transforms()
    as_presets_say = (images - torch.tensor(preset.mean).view(3, 1, 1)) / torch.tensor(preset.std).view(3, 1, 1)
    theirs = network._transform_input(as_presets_say)
    mean, std = imagenet._mean_and_std("torchvision:googlenet")
    torch.testing.assert_close(theirs, (images - mean[0]) / std[0])


def test_names_in_the_files_of_densenet_are_brought_up_to_date() -> None:
    network = torchvision.models.densenet121()
    ours = network.state_dict()
    old = {name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): each for name, each in ours.items()}
    assert set(old) != set(ours)
    assert set(imagenet._taken(old, "torchvision:densenet121", Path())) == set(ours)


# --------------------------------------------------------------------------------------------- the catalog


def test_the_catalog_shows_one_of_a_zoo_and_lists_none(hub: Path, torch_home: Path) -> None:
    assert not [each for each in catalog.entries() if each.architecture.startswith(("timm:", "torchvision:"))]
    entry = catalog.entry_of("torchvision:resnet18:imagenet")
    assert (entry.full_name, entry.is_here) == ("torchvision:resnet18:imagenet", False)
    missing = catalog.entry_of(f"{TIMM}:imagenet")
    assert (missing.is_here, missing.file) == (False, hub)
    put_into_hub(hub, published())
    here = catalog.entry_of(f"{TIMM}:imagenet")
    assert here.is_here
    assert here.sha256 == hashlib.sha256(published()).hexdigest()
    assert catalog.verify(f"{TIMM}:imagenet").origin.name == "imagenet"
    with pytest.raises(UsageError, match="such as torchvision:resnet18:imagenet"):
        catalog.entry_of("torchvision:resnet18:hed")
