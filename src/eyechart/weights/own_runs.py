"""The first stages of a classifier that eyechart trained, for a detector to start from."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from eyechart.base.errors import StorageError, UsageError, WeightsError
from eyechart.files.storage import WEIGHTS_FILE, read_run
from eyechart.schema import WeightsOrigin
from eyechart.schema.contracts import StartingWeights

NUM_STAGES = 2  # of `cnn`, each a convolution, a pooling and a norm, just as the backbone of `fasterrcnn` begins
# Places of what a stage learns: in the classifier's stage, and in the backbone for the first and the second stage.
CONVOLUTION, NORM = (0, (0, 4)), (2, (2, 6))


def read_run_trunk(folder: Path) -> StartingWeights:
    """The stages of a trained `cnn`, under the names of a detector's backbone, and what they expect of pixels.

    Raises StorageError for a folder that is no run or is damaged, UsageError for a run of another architecture.
    """
    record = read_run(folder)
    if record.recipe.contender != "cnn":
        raise UsageError(
            f"{folder} is a run of {record.recipe.contender}, and a detector starts from the first stages of a cnn. "
            f"Train one: eyechart run -m cnn."
        )
    path = folder / WEIGHTS_FILE
    try:
        kept = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{path} cannot be read ({error}). Train {record.run} again.") from None
    tensors: dict[str, Tensor] = {}
    for stage in range(NUM_STAGES):
        for place, places in (CONVOLUTION, NORM):
            prefix = f"network.stages.{stage}.{place}."
            found = {name.removeprefix(prefix): tensor for name, tensor in kept.items() if name.startswith(prefix)}
            if not found:
                raise WeightsError(f"{path} has no {prefix}*; expected the weights of a cnn. Train {record.run} again.")
            tensors |= {f"{places[stage]}.{name}": tensor for name, tensor in found.items()}
    origin = WeightsOrigin(
        name="run",
        description=f"the first two stages of {record.run} of {record.study}",
        licence=record.dataset.licence,
        sha256=record.weights_sha256,
        pretrained_on=record.dataset.title,
    )
    frame = record.preprocessing
    return StartingWeights(origin, tensors, frame.mean, frame.std)
