"""Weights that were pretrained on this machine: what `eyechart pretrain` leaves, by architecture and dataset.

<cache folder>/weights/home/ARCHITECTURE-NAME.safetensors     the trunk's tensors; a card in the header of the file

A colon in an architecture's name is a + in the file's: torchvision+resnet18-glyphs.safetensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from eyechart.base.errors import StorageError, WeightsError
from eyechart.files.storage import digest_arrays, read_run, write_bytes
from eyechart.schema import Frozen, Preprocessing, WeightsOrigin
from eyechart.schema.contracts import StartingWeights
from eyechart.weights.fetching import weights_folder
from eyechart.weights.own_runs import trunk_of_run

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"
CURE = (  # in no more words: what was damaged cannot say from which dataset and with which options it was made
    "Delete it and give the `eyechart pretrain` command that made it again, with --resume: of a training that is "
    "finished, it only keeps the weights once more."
)
SOURCE_TASKS = ("glyphs", "fractals")  # datasets that any machine draws by itself, to pretrain on


class HomeCard(Frozen):
    """Where such weights come from and how they were made."""

    architecture: str
    name: str  # as a contender calls them: "glyphs", "fractals", ...
    dataset: str  # title
    dataset_sha256: str
    licence: str  # of the dataset
    accuracy: float  # of the source task's test images, 0..1
    num_classes: int
    images_seen: int
    training_seconds: float
    run: str
    commit: str
    made_at: str
    tensors_sha256: str  # by digest_arrays
    preprocessing: Preprocessing


def home_folder() -> Path:
    return weights_folder() / "home"


def path_of(architecture: str, name: str) -> Path:
    """Where weights of that name are kept, whether they are there or not."""
    return home_folder() / f"{architecture.replace(':', '+')}-{name}{SUFFIX}"


def is_there(architecture: str, name: str) -> bool:
    return bool(name) and not {"/", "\\"} & set(name) and path_of(architecture, name).is_file()


def keep(run_folder: Path, name: str) -> HomeCard:
    """Keep the trunk of a finished run as weights of that name.

    Raises StorageError for a folder that is no run or is damaged, and where the cache cannot be written to;
    WeightsError for weights that are no numbers.
    """
    record = read_run(run_folder)
    architecture = record.recipe.contender
    arrays = {each: tensor.numpy() for each, tensor in trunk_of_run(run_folder, architecture).tensors.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise WeightsError(f"{run_folder} has weights that are no finite numbers; there is nothing to start from.")
    card = HomeCard(
        architecture=architecture,
        name=name,
        dataset=record.dataset.title,
        dataset_sha256=record.dataset.content_sha256,
        licence=record.dataset.licence,
        accuracy=record.test_scores.accuracy,
        num_classes=record.dataset.num_classes,
        images_seen=record.history[-1].images_seen if record.history else 0,
        training_seconds=record.clocks.training_seconds,
        run=record.run,
        commit=record.host.commit,
        made_at=record.finished_at,
        tensors_sha256=digest_arrays(arrays),
        preprocessing=record.preprocessing,
    )
    path = path_of(architecture, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path.parent} cannot be made ({error.strerror}). Set EYECHART_CACHE elsewhere.") from None
    write_bytes(path, save(arrays, metadata={"card": card.model_dump_json()}))
    return card


def names() -> list[tuple[str, str]]:
    """(architecture, name) of all such weights that are here, readable or not."""
    named = [_parts(path) for path in sorted(home_folder().glob(f"*{SUFFIX}"))]
    return [(architecture, name) for architecture, name in named if architecture and name]


def card_of(architecture: str, name: str) -> HomeCard:
    """What weights say of themselves; WeightsError where they cannot be read."""
    return _opened(path_of(architecture, name))[0]


def read(architecture: str, name: str) -> StartingWeights:
    """The weights of that name, checked against their card; WeightsError where they are damaged."""
    import torch

    path = path_of(architecture, name)
    card, arrays = _opened(path)
    if (found := digest_arrays(arrays)) != card.tensors_sha256 or card.architecture != architecture:
        raise WeightsError(
            f"{path} is damaged: found tensors of sha256 {found[:8]}... for {card.architecture}, expected "
            f"{card.tensors_sha256[:8]}... for {architecture}. {CURE}"
        )
    tensors: dict[str, Tensor] = {each: torch.from_numpy(array) for each, array in arrays.items()}
    origin = WeightsOrigin(
        name=name,
        description=f"pretrained on this machine on {card.dataset} ({card.accuracy:.1%} of its test images)",
        licence=card.licence,
        sha256=card.tensors_sha256,
        pretrained_on=card.dataset,
    )
    return StartingWeights(origin, tensors, card.preprocessing.mean, card.preprocessing.std)


def remedy(architecture: str, wanted: str = "") -> str:
    """The command that makes the weights called `wanted`, or, where no source task is called so, some weights."""
    return f"eyechart pretrain {architecture} --data {wanted if wanted in SOURCE_TASKS else SOURCE_TASKS[0]}"


def _parts(path: Path) -> tuple[str, str]:
    """(architecture, name) of a file."""
    architecture, _, name = path.stem.partition("-")
    return architecture.replace("+", ":"), name


def _opened(path: Path) -> tuple[HomeCard, dict[str, np.ndarray]]:
    try:
        with safe_open(str(path), framework="numpy") as file:
            card = HomeCard.model_validate_json((file.metadata() or {}).get("card", ""))
            return card, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise WeightsError(f"{path} is damaged ({first}). {CURE}") from None
