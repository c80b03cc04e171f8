"""An unfinished run on disk: weights, optimizer and history, as one safetensors file that appears whole or not at all.

No random state is saved: every random number is a function of (seed, step), see seeding.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from eyechart.errors import StorageError
from eyechart.schema import Frozen, HistoryPoint, Plan, Segment
from eyechart.storage import write_bytes


class CheckpointCard(Frozen):
    """What a checkpoint says of itself, in the header of the file."""

    step: int  # optimizer steps done
    plan: Plan
    fingerprint: str  # of recipe, rules, seed and splits: a checkpoint continues nothing else
    history: tuple[HistoryPoint, ...]
    segments: tuple[Segment, ...]
    clock_seconds: dict[str, float]
    clock_cpu_seconds: dict[str, float]
    clock_foreign_cpu_seconds: dict[str, float] = {}  # noqa: RUF012 (pydantic copies it)


class Checkpoint(NamedTuple):
    card: CheckpointCard
    tensors: dict[str, Tensor]


def save_checkpoint(path: Path, card: CheckpointCard, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write weights, optimizer state and card; StorageError when the disk refuses."""
    tensors = {f"model.{name}": tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if value is not None:
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value).contiguous()
    write_bytes(path, save(tensors, metadata={"card": card.model_dump_json()}))


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; StorageError when it is damaged."""
    try:
        with safe_open(str(path), framework="pt") as file:
            card = CheckpointCard.model_validate_json(file.metadata()["card"])
            return Checkpoint(card, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"The checkpoint {path} is damaged ({error}). Expected one written by this version of eyechart. "
            f"Delete it to start this run anew; the finished runs of the study stay."
        ) from None


def restore(checkpoint: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put weights and optimizer state back, in place."""
    prefix = "model."
    model.load_state_dict(
        {name.removeprefix(prefix): value for name, value in checkpoint.tensors.items() if name.startswith(prefix)}
    )
    state: dict[int, dict[str, Any]] = {}
    for name, value in checkpoint.tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
    whole = optimizer.state_dict()
    whole["state"] = state
    optimizer.load_state_dict(whole)
