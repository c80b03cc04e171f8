"""torchvision's ImageNet weights, from the folder where torchvision itself keeps them (TORCH_HOME).

Of VGG16 and AlexNet the convolutions are taken, of a network of the zoo ("torchvision:resnet18") all tensors.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.base.errors import WeightsError
from eyechart.catalog.zoo import known_network, zoo_module
from eyechart.schema import WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights.fetching import DOWNLOAD_SECONDS, reach, run_python, sha256_of_file
from eyechart.weights.files import read_tensors, trunk_tensors
from eyechart.weights.trunks import TRUNKS

if TYPE_CHECKING:
    from torch import Tensor
    from torchvision.models import WeightsEnum

FILE_MEGABYTES = {"vgg16": 528, "alexnet": 233}
LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet, whose terms allow non-commercial research"
# Networks whose weights were made for pixels in -1..1; torchvision gives them a first step (transform_input) that turns
# what has ImageNet's mean and std into those.
WANT_PLUS_MINUS_ONE = ("torchvision:googlenet", "torchvision:inception_v3")
HALF = (0.5, 0.5, 0.5)
# Names in the files of DenseNet, which are older than torchvision's network: "denselayer1.norm.1.weight".
OLD_NAME = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)")

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
    tensors = _taken(read_tensors(path).tensors, architecture, path)
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


def megabytes(architecture: str) -> int:
    """To download."""
    size: float = FILE_MEGABYTES.get(architecture) or _enum(architecture).meta["_file_size"]
    return max(1, round(size))


def licence(architecture: str) -> str:
    """The terms of the weights; a few of the zoo have their own."""
    own = "" if architecture in TRUNKS else _enum(architecture).meta.get("license", "")
    return f"{own} (trained on other images than ImageNet alone)" if own else LICENCE


def preprocessing_in_words(architecture: str) -> str:
    """What the weights expect of pixels."""
    mean, std = _mean_and_std(architecture)
    return f"red, green, blue in 0..1; mean {', '.join(map(str, mean))}; std {', '.join(map(str, std))}"


def hash_prefix(path: Path) -> str:
    """How the file's sha256 begins, as its name says."""
    found = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    assert found, "torchvision puts the hash into the names of its files"
    return found[1]


def _enum(architecture: str) -> WeightsEnum:
    import torchvision

    enums = {"vgg16": torchvision.models.VGG16_Weights, "alexnet": torchvision.models.AlexNet_Weights}
    if architecture in enums:
        return enums[architecture].IMAGENET1K_V1
    zoo, network = known_network(architecture)
    return zoo_module(zoo).models.get_model_weights(network).DEFAULT


def _starting_weights(architecture: str, tensors: dict[str, Any], sha256: str) -> StartingWeights:
    origin = WeightsOrigin(
        name="imagenet",
        description=f"torchvision {_enum(architecture)} (ImageNet-1k)",
        licence=licence(architecture),
        sha256=sha256,
        pretrained_on="ImageNet",
    )
    return StartingWeights(origin, tensors, *_mean_and_std(architecture))


def _mean_and_std(architecture: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if architecture in WANT_PLUS_MINUS_ONE:
        return HALF, HALF
    preset = _enum(architecture).transforms()
    return tuple(preset.mean), tuple(preset.std)


def _taken(tensors: dict[str, Tensor], architecture: str, path: Path) -> dict[str, Tensor]:
    if architecture in TRUNKS:
        return trunk_tensors(tensors, architecture, path)
    return {OLD_NAME.sub(r"\1\2", name): tensor for name, tensor in tensors.items()}
