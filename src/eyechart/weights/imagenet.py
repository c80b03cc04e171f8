"""torchvision's ImageNet weights, from the folder where torchvision itself keeps them (TORCH_HOME)."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.base.errors import WeightsError
from eyechart.schema import WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights.fetching import DOWNLOAD_SECONDS, reach, run_python, sha256_of_file
from eyechart.weights.files import read_tensors, trunk_tensors

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

FILE_MEGABYTES = {"vgg16": 528, "alexnet": 233}
LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet, whose terms allow non-commercial research"

# torch's own downloader, in a process of its own so that a deadline holds; it checks the hash in the file's name.
_DOWNLOAD = """
import sys, torch.hub
torch.hub.download_url_to_file(sys.argv[1], sys.argv[2], hash_prefix=sys.argv[3], progress=False)
"""


def cached_path(architecture: str) -> Path:
    """Where torchvision looks for the weights, whether they are there or not."""
    import torch.hub

    return Path(torch.hub.get_dir()) / "checkpoints" / Path(_enum(architecture).url).name


def read_cached(architecture: str) -> StartingWeights | None:
    """The weights from torchvision's cache; None when they are not there.  Raises WeightsError if damaged."""
    path = cached_path(architecture)
    if not path.is_file():
        return None
    sha256 = sha256_of_file(path)
    if not sha256.startswith(hash_prefix(path)):
        raise WeightsError(
            f"{path} is damaged: found sha256 {sha256[:8]}..., expected {hash_prefix(path)}... as in its name. "
            f"Delete it and fetch it again from {_enum(architecture).url}."
        )
    tensors = trunk_tensors(read_tensors(path).tensors, architecture, path)
    return _starting_weights(architecture, tensors, sha256)


def fetch(architecture: str) -> str:
    """Download into torchvision's cache; the reason when the weights cannot be had, else empty."""
    url = _enum(architecture).url
    reason = reach(url)
    if reason:
        return reason
    path = cached_path(architecture)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".eyechart-") as folder:
            part = Path(folder) / path.name
            reason = run_python(["-c", _DOWNLOAD, url, str(part), hash_prefix(path)], DOWNLOAD_SECONDS)
            if not reason:
                part.replace(path)
    except OSError as error:
        return f"{path.parent}: {error.strerror}"
    return reason


def preprocessing_in_words(architecture: str) -> str:
    """What the weights expect of pixels."""
    preset = _enum(architecture).transforms()
    return f"red, green, blue in 0..1; mean {', '.join(map(str, preset.mean))}; std {', '.join(map(str, preset.std))}"


def hash_prefix(path: Path) -> str:
    """How the file's sha256 begins, as its name says."""
    found = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    assert found, "torchvision puts the hash into the names of its files"
    return found[1]


def _enum(architecture: str) -> WeightsEnum:
    import torchvision

    enums = {"vgg16": torchvision.models.VGG16_Weights, "alexnet": torchvision.models.AlexNet_Weights}
    return enums[architecture].IMAGENET1K_V1


def _starting_weights(architecture: str, tensors: dict[str, Any], sha256: str) -> StartingWeights:
    preset = _enum(architecture).transforms()
    origin = WeightsOrigin(
        name="imagenet",
        description=f"torchvision {_enum(architecture)} (ImageNet-1k)",
        licence=LICENCE,
        sha256=sha256,
        pretrained_on="ImageNet",
    )
    return StartingWeights(origin, tensors, tuple(preset.mean), tuple(preset.std))
