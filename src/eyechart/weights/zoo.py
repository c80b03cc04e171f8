"""timm's published weights, from the Hugging Face hub (hub.py); torchvision's are in imagenet.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from eyechart.catalog.zoo import known_network, timm_card
from eyechart.schema import WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights import hub
from eyechart.weights.files import read_tensors

SAFE_FILE = "model.safetensors"  # what timm writes into its repositories
IMAGENET = re.compile(r"in\d+k")  # in a tag: in1k, in21k, in22k


def file_of(architecture: str) -> hub.HubFile | None:
    """Where the weights of "timm:NAME" are; None where timm names no file without code in it."""
    card = _card(architecture)
    if card is None or not card.hf_hub_id:
        return None
    name = card.hf_hub_filename or SAFE_FILE
    return hub.HubFile(card.hf_hub_id, name) if name.endswith(hub.SAFE_SUFFIX) else None


def cached_path(architecture: str) -> Path | None:
    """The file in the hub's cache; None when it is not there."""
    wanted = file_of(architecture)
    return hub.cached_path(wanted) if wanted else None


def read_cached(architecture: str) -> StartingWeights | None:
    """The weights from the hub's cache; None when they are not there.  Raises WeightsError if damaged."""
    path = cached_path(architecture)
    if path is None:
        return None
    sha256 = hub.checked(path, f"eyechart weights fetch {architecture}:imagenet")
    card = _card(architecture)
    tag = str(card.tag or "")
    origin = WeightsOrigin(
        name="imagenet",
        description=f"timm {card.architecture}{f'.{tag}' if tag else ''} ({card.hf_hub_id})",
        licence=licence(architecture),
        sha256=sha256,
        pretrained_on="ImageNet" if IMAGENET.search(tag) else tag or card.hf_hub_id,
    )
    return StartingWeights(origin, read_tensors(path).tensors, tuple(card.mean), tuple(card.std))


def fetch(architecture: str) -> str:
    """Download into the hub's cache; the reason when the weights cannot be had, else empty."""
    wanted = file_of(architecture)
    if wanted is None:
        return f"timm names no {hub.SAFE_SUFFIX} file of them"
    return hub.fetch(wanted)


def where(architecture: str) -> str:
    """What to do by hand."""
    wanted = file_of(architecture)
    return hub.where(wanted) if wanted else "Choose another network of timm."


def licence(architecture: str) -> str:
    """As timm states it."""
    return f"{_card(architecture).license or 'not stated'} (timm)"


def preprocessing_in_words(architecture: str) -> str:
    """What the weights expect of pixels."""
    card = _card(architecture)
    return f"red, green, blue in 0..1; mean {', '.join(map(str, card.mean))}; std {', '.join(map(str, card.std))}"


def _card(architecture: str) -> Any:
    return timm_card(known_network(architecture)[1])
