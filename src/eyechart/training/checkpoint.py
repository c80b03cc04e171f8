"""An unfinished run on disk: weights, optimizer and history, as one safetensors file that appears whole or not at all.

Its header holds the sha256 of the whole file (with zeros where the hash stands), so that a single changed bit is found
before anything is believed; the one before is kept, and is gone on with then.

No random state is saved: every random number is a function of (seed, step), see seeding.py.

The file holds every tensor contiguous; in memory most weights are channels_last.  A fused optimizer walks through the
memory of a weight and of its state side by side, whatever the strides say, so each must lie there in the same order.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from eyechart.base.errors import StorageError
from eyechart.files import generations
from eyechart.schema import Count, Frozen, HistoryPoint, Plan, Segment

VERSION = 3
LAST_UNSEALED = 2  # the last version that held no hash
NO_HASH = "0" * 64


class CheckpointCard(Frozen):
    """What a checkpoint says of itself, in the header of the file."""

    version: int = 1  # 1: of before state was restored in the order of its weights, and loss_sum was kept
    step: int  # optimizer steps done
    plan: Plan
    fingerprint: str  # of recipe, rules, seed and splits: a checkpoint continues nothing else
    history: tuple[HistoryPoint, ...]
    loss_sum: float = 0.0  # of the steps since the last look, a float32
    part_sums: tuple[float, ...] = ()  # what that is the sum of, where the model names it
    num_summed: Count = 0  # these steps
    segments: tuple[Segment, ...]
    clock_seconds: dict[str, float]
    clock_cpu_seconds: dict[str, float]
    clock_foreign_cpu_seconds: dict[str, float] = {}  # noqa: RUF012 (pydantic copies it)


class Checkpoint(NamedTuple):
    path: Path  # where it was read
    card: CheckpointCard
    tensors: dict[str, Tensor]
    damage: str = ""  # what was wrong with a newer one, which is not used; empty: this is the newest


def save_checkpoint(path: Path, card: CheckpointCard, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write weights, optimizer state and card, beside the checkpoint before; StorageError when the disk refuses."""
    tensors = {f"model.{name}": tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if value is not None:
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value).cpu().contiguous()
    content = save(tensors, metadata={"card": card.model_dump_json(), "sha256": NO_HASH})
    generations.write_newest(path, _with_hash(content, _hash_of(content)))


def newest_checkpoint(path: Path) -> Checkpoint | None:
    """The newest whole checkpoint, None where there is none at all; `path` is where the newest stands.

    Raises StorageError where those that there are, are all damaged.
    """
    damage: StorageError | None = None
    for each in generations.there(path):
        try:
            return read_checkpoint(each)._replace(damage=str(damage or ""))
        except StorageError as error:
            damage = damage or error
    if damage:
        raise damage
    return None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; StorageError when it is damaged, be it by a single bit."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata()
            card = CheckpointCard.model_validate_json(metadata["card"])
            if card.version > LAST_UNSEALED or "sha256" in metadata:
                _check_hash(path.read_bytes(), metadata["sha256"])
            return Checkpoint(path, card, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"The checkpoint {path} is damaged ({error}). Expected one as eyechart wrote it. "
            f"Delete it to start this run anew; the finished runs of the study stay."
        ) from None


def _hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _with_hash(content: bytes, value: str, instead_of: str = NO_HASH) -> bytes:
    """A file with one hash in its header in the place of another; ValueError where that is not in it exactly once."""
    before, after = (f'"sha256":"{each}"'.encode() for each in (instead_of, value))
    if content.count(before) != 1:
        raise ValueError("the hash does not stand in its place")
    return content.replace(before, after)


def _check_hash(content: bytes, value: str) -> None:
    """ValueError where the content is not what the hash is of."""
    if _hash_of(_with_hash(content, NO_HASH, instead_of=value)) != value:
        raise ValueError("its content does not match its sha256")


def restore(checkpoint: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put weights and optimizer state back, in place.

    Raises StorageError for a checkpoint whose weights an earlier version has made wrong.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    _refuse_spoiled(checkpoint, parameters)
    model.load_state_dict(_named(checkpoint.tensors, "model."))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _named(checkpoint.tensors, "optimizer.").items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = _beside(parameters[int(index)], value)
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _beside(parameter: Tensor, value: Tensor) -> Tensor:
    """A state of the parameter's shape in its memory format and on its device; a counter of steps as it is."""
    if value.shape != parameter.shape or not value.ndim:
        return value
    return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)


def _refuse_spoiled(checkpoint: Checkpoint, parameters: list[Tensor]) -> None:
    """What version 1 saved is right; where it went on from such a file, moments met other weights than their own."""
    card = checkpoint.card
    if card.version < 2 and len(card.segments) > 1 and not all(each.is_contiguous() for each in parameters):
        raise StorageError(
            f"The run of {checkpoint.path} was stopped and resumed (at step {card.segments[0].last_step}) by an "
            f"earlier version of eyechart, which mixed up the optimizer's state: its weights are not those of an "
            f"uninterrupted run. Delete {checkpoint.path.parent} to start it anew with --resume."
        )
