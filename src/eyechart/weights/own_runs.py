"""What eyechart trained before, for another contender to start from: a run's trunk, or a detector's first stages."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from eyechart.base.errors import StorageError, UsageError, WeightsError
from eyechart.files.storage import WEIGHTS_FILE, digest_arrays, read_run
from eyechart.schema import RunRecord, WeightsOrigin
from eyechart.schema.contracts import StartingWeights

NETWORK, HEAD = "network.", "head."  # in front of the names in a run's file; of what is made anew for other classes
NUM_STAGES = 2  # of `cnn`, each a convolution, a pooling and a norm, just as the backbone of `fasterrcnn` begins
# Places of what a stage learns: in the classifier's stage, and in the backbone for the first and the second stage.
CONVOLUTION, NORM = (0, (0, 4)), (2, (2, 6))


def trunk_of_run(folder: Path, architecture: str) -> StartingWeights:
    """All that a trained run of the same architecture has learned but for its head, and what it expects of pixels.

    Raises StorageError for a folder that is no run or is damaged, UsageError for a run of another architecture.
    """
    record, kept = _read(folder)
    if record.recipe.contender != architecture:
        raise UsageError(
            f"{folder} is a run of {record.recipe.contender}, and {architecture} was to start from it. "
            f"Expected a run of {architecture}."
        )
    tensors = {name.removeprefix(NETWORK): tensor for name, tensor in kept.items() if name.startswith(NETWORK)}
    trunk = {name: tensor for name, tensor in tensors.items() if not name.startswith(HEAD)}
    if not trunk:
        raise WeightsError(f"{folder / WEIGHTS_FILE} has no {NETWORK}* beside a head. Train {record.run} again.")
    return _starting(record, trunk, f"{record.run} of {record.study}, without its head")


def trunk_of_cnn(tensors: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """The first stages of a trained `cnn`, under the names of a detector's backbone; WeightsError without them."""
    found: dict[str, Tensor] = {}
    for stage in range(NUM_STAGES):
        for place, places in (CONVOLUTION, NORM):
            prefix = f"stages.{stage}.{place}."
            named = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
            if not named:
                raise WeightsError(f"{where} has no {prefix}*; expected the weights of a cnn. Train it again.")
            found |= {f"{places[stage]}.{name}": tensor for name, tensor in named.items()}
    return found


def read_run_trunk(folder: Path) -> StartingWeights:
    """The first stages of a trained `cnn`, under the names of a detector's backbone, and what they expect of pixels.

    Raises StorageError for a folder that is no run or is damaged, UsageError for a run of another architecture.
    """
    record, kept = _read(folder)
    if record.recipe.contender != "cnn":
        raise UsageError(
            f"{folder} is a run of {record.recipe.contender}, and a detector starts from the first stages of a cnn. "
            f"Train one: eyechart run -m cnn."
        )
    tensors = {name.removeprefix(NETWORK): tensor for name, tensor in kept.items()}
    stages = trunk_of_cnn(tensors, str(folder / WEIGHTS_FILE))
    return _starting(record, stages, f"the first two stages of {record.run} of {record.study}")


def _read(folder: Path) -> tuple[RunRecord, dict[str, Tensor]]:
    record = read_run(folder)
    path = folder / WEIGHTS_FILE
    try:
        tensors = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{path} cannot be read ({error}). Train {record.run} again.") from None
    if digest_arrays({name: tensor.numpy() for name, tensor in tensors.items()}) != record.weights_sha256:
        raise StorageError(
            f"{path} holds other weights than run.json speaks of; expected sha256 {record.weights_sha256[:12]}. "
            f"Restore the file, or train {record.run} again."
        )
    return record, tensors


def _starting(record: RunRecord, tensors: dict[str, Tensor], description: str) -> StartingWeights:
    before, last = record.weights, record.dataset
    origin = WeightsOrigin(
        name="run",
        description=description,
        licence="; ".join(filter(None, dict.fromkeys([before.licence, last.licence]))),
        sha256=record.weights_sha256,
        pretrained_on=", then ".join(filter(None, dict.fromkeys([before.pretrained_on, last.title]))),
    )
    frame = record.preprocessing
    return StartingWeights(origin, tensors, frame.mean, frame.std)
