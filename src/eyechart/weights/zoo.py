"""timm's published weights, from the folder where the Hugging Face hub keeps them: safetensors alone, never a pickle.

<HF_HOME>/hub/models--timm--resnet18.a1_in1k/snapshots/COMMIT/model.safetensors -> ../../blobs/SHA256

torchvision's are in imagenet.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from eyechart.base.errors import WeightsError
from eyechart.catalog.zoo import known_network, timm_card
from eyechart.schema import WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights.fetching import DOWNLOAD_SECONDS, reach, run_python, sha256_of_file
from eyechart.weights.files import SUFFIXES, read_tensors

SAFE_FILE = "model.safetensors"  # what timm writes into its repositories
SAFE_SUFFIX = SUFFIXES[0]
IMAGENET = re.compile(r"in\d+k")  # in a tag: in1k, in21k, in22k
SHA256 = re.compile(r"[0-9a-f]{64}")  # how the hub names a large file that it keeps

# The hub's own downloader, in a process of its own so that a deadline holds.
_DOWNLOAD = """
import sys, huggingface_hub
huggingface_hub.hf_hub_download(sys.argv[1], sys.argv[2], cache_dir=sys.argv[3])
"""


class HubFile(NamedTuple):
    """A file of a repository on the hub."""

    repository: str  # "timm/resnet18.a1_in1k"
    name: str


def file_of(architecture: str) -> HubFile | None:
    """Where the weights of "timm:NAME" are; None where timm names no file without code in it."""
    card = _card(architecture)
    if card is None or not card.hf_hub_id:
        return None
    name = card.hf_hub_filename or SAFE_FILE
    return HubFile(card.hf_hub_id, name) if name.endswith(SAFE_SUFFIX) else None


def cached_path(architecture: str) -> Path | None:
    """The file in the hub's cache; None when it is not there."""
    wanted = file_of(architecture)
    if wanted is None:
        return None
    found = _hub().try_to_load_from_cache(wanted.repository, wanted.name, cache_dir=folder())
    return Path(found) if isinstance(found, str) else None


def read_cached(architecture: str) -> StartingWeights | None:
    """The weights from the hub's cache; None when they are not there.  Raises WeightsError if damaged."""
    path = cached_path(architecture)
    if path is None:
        return None
    sha256, expected = sha256_of_file(path), path.resolve().name
    if SHA256.fullmatch(expected) and sha256 != expected:
        raise WeightsError(
            f"{path} is damaged: found sha256 {sha256[:8]}..., expected {expected[:8]}... as the hub named it. "
            f"Delete {path.resolve()} and fetch it again: eyechart weights fetch {architecture}:imagenet"
        )
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
        return f"timm names no {SAFE_SUFFIX} file of them"
    reason = reach(_hub().hf_hub_url(*wanted))
    return reason or run_python(["-c", _DOWNLOAD, *wanted, str(folder())], DOWNLOAD_SECONDS)


def where(architecture: str) -> str:
    """What to do by hand."""
    wanted = file_of(architecture)
    if wanted is None:
        return "Choose another network of timm."
    return (
        f"On a machine that can reach it, give `hf download {wanted.repository} {wanted.name}`, and copy what that "
        f"puts into the hub's cache to {folder()}."
    )


def licence(architecture: str) -> str:
    """As timm states it."""
    return f"{_card(architecture).license or 'not stated'} (timm)"


def preprocessing_in_words(architecture: str) -> str:
    """What the weights expect of pixels."""
    card = _card(architecture)
    return f"red, green, blue in 0..1; mean {', '.join(map(str, card.mean))}; std {', '.join(map(str, card.std))}"


def _card(architecture: str) -> Any:
    return timm_card(known_network(architecture)[1])


def _hub() -> Any:
    import huggingface_hub

    return huggingface_hub


def folder() -> Path:
    """The hub's cache."""
    return Path(_hub().constants.HF_HUB_CACHE)
