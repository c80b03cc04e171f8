"""Weights that a user names on the Hugging Face hub, from a cache that was filled by hand and from a server here."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from eyechart.base.errors import MissingError, UsageError, WeightsError, WeightsMissing
from eyechart.catalog.recipes import recipe_of, slug
from eyechart.weights import catalog
from eyechart.weights import hub as hub_files
from eyechart.weights.resolve import Names, starting_weights
from eyechart.weights.trunks import trunk_shapes

sys.path.append(str(Path(__file__).parent))  # tests are not a package

from toy_hub import published, put_into_hub

TIMM = "timm:test_resnet.r160_in1k"
CHOICE = "hf:timm/test_resnet.r160_in1k/model.safetensors"


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EYECHART_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def ask(architecture: str, choice: str, *, offline: bool = False) -> tuple[Any, list[str]]:
    said: list[str] = []
    return starting_weights(architecture, choice, offline=offline, say=said.append), said


def alexnet_trunk() -> dict[str, torch.Tensor]:
    return {name: torch.full(shape, 0.5) for name, shape in trunk_shapes("alexnet").items()}


def test_how_a_file_is_named() -> None:
    assert hub_files.file_of(CHOICE) == ("timm/test_resnet.r160_in1k", "model.safetensors", "main")
    assert hub_files.file_of("hf:me/mine/folder/a.safetensors@v1.0") == ("me/mine", "folder/a.safetensors", "v1.0")


@pytest.mark.parametrize(
    "choice", ["hf:", "hf:me/mine", "hf:me/a.safetensors", "hf:me/mine/pickle.bin", "hf:me/b/c.pt"]
)
def test_what_names_no_file_that_is_opened_here(choice: str) -> None:
    with pytest.raises(UsageError, match=r"expected hf:OWNER/REPOSITORY/FILE\.safetensors|Expected hf:OWNER/REPOS"):
        ask("vgg16", choice, offline=True)


def test_a_repository_that_the_hub_forbids_is_told(hub: Path) -> None:
    with pytest.raises(UsageError, match="names no repository of the Hugging Face hub"):
        ask("alexnet", "hf:a..b/c/x.safetensors", offline=True)


def test_as_part_of_a_contenders_name() -> None:
    recipe = recipe_of("alexnet:hf:me/mine/trunk.safetensors@v1:head")
    assert (recipe.weights, recipe.cache_frozen) == ("hf:me/mine/trunk.safetensors@v1", True)
    assert slug("alexnet:hf:me/mine/trunk.safetensors:head") == "alexnet-hf-trunk-head"
    assert CHOICE in Names(), "no path, wherever a run is done again"


def test_from_the_cache_with_file_repository_and_commit_told(hub: Path) -> None:
    content = save(alexnet_trunk())
    put_into_hub(hub, content)
    found, said = ask("alexnet", CHOICE, offline=True)
    assert said == []
    assert found.origin.name == "hub"
    assert found.origin.description == (
        "model.safetensors of timm/test_resnet.r160_in1k on the Hugging Face hub, commit abc"
    )
    assert found.origin.pretrained_on == "what timm/test_resnet.r160_in1k was trained on"
    assert found.origin.sha256 == hashlib.sha256(content).hexdigest()
    assert set(found.tensors) == set(trunk_shapes("alexnet"))
    assert not found.origin.knows_pixels, "nothing in the file says how pixels are to come"
    with pytest.raises(WeightsError, match="expected"):
        ask("vgg16", CHOICE, offline=True)


def test_a_damaged_file_is_named(hub: Path) -> None:
    blob = put_into_hub(hub, save(alexnet_trunk()))
    blob.write_bytes(blob.read_bytes()[:-4] + b"oops")
    with pytest.raises(WeightsError, match=rf"is damaged.*eyechart weights fetch alexnet:{CHOICE}"):
        ask("alexnet", CHOICE, offline=True)


def test_offline_and_out_of_reach(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsMissing, match=r"network is off.*`hf download timm/test_resnet\.r160_in1k model\.safe"):
        ask("alexnet", CHOICE, offline=True)
    monkeypatch.setattr(hub_files, "reach", lambda url: f"no route to {url}")
    with pytest.raises(WeightsMissing, match=r"no route to http.*--revision v2"):
        ask("alexnet", f"{CHOICE}@v2")


def test_fetched_once_and_then_kept(hub: Path, hub_server: bytes) -> None:
    name = f"{TIMM}:{CHOICE}"
    assert not catalog.entry_of(name).is_here
    found, said = ask(TIMM, CHOICE)
    assert said == [f"{TIMM}: fetching the {CHOICE} weights"]
    assert found.origin.sha256 == hashlib.sha256(hub_server).hexdigest()
    assert ask(TIMM, CHOICE, offline=True)[0].origin == found.origin
    entry = catalog.entry_of(name)
    assert entry.is_here
    assert entry.file.is_relative_to(hub)
    assert catalog.verify(name).tensors.keys() == found.tensors.keys()


def test_what_the_server_does_not_have(hub: Path, hub_server: bytes) -> None:
    with pytest.raises(WeightsMissing, match=r"could not be fetched: .*404"):
        ask("alexnet", "hf:me/nothing/model.safetensors")


def test_a_detector_starts_from_none_of_them(hub: Path) -> None:
    put_into_hub(hub, published())
    with pytest.raises(UsageError, match="A detector cannot start from"):
        ask("fasterrcnn", CHOICE, offline=True)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingError, match=r"eyechart\[zoo\]"):
        ask("alexnet", CHOICE, offline=True)
