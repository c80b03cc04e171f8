"""The optimizer of a recipe, with the parameter groups that fine-tuning and weight decay need."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import torch
from torch import nn

from eyechart.base import compiler
from eyechart.schema import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPENING = 0.5  # of the schedule, over which a gradual recipe opens the stages of its trunk


def build_optimizer(
    model: nn.Module, recipe: Recipe, trunk: Sequence[Sequence[nn.Parameter]], device: torch.device
) -> torch.optim.Optimizer:
    """An optimizer over the trainable parameters; `trunk` are those that came pretrained, stage by stage.

    Each group carries `rate_factor`, by which `set_learning_rate` multiplies the schedule's rate, and `opens_at`, the
    share of the schedule at which `open_groups` lets it learn.  Vectors (biases and the scales of norms) get no weight
    decay: they hold a level, not a direction.
    """
    depth = {id(parameter): len(trunk) - 1 - stage for stage, of_stage in enumerate(trunk) for parameter in of_stage}
    groups: dict[tuple[float, float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        factor, opens_at = 1.0, 0.0
        if (behind := depth.get(id(parameter))) is not None:
            factor = recipe.trunk_rate * recipe.layer_decay**behind
            opens_at = OPENING * (behind + 1) / len(trunk) if recipe.gradual else 0.0
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((factor, decay, opens_at), []).append(parameter)
    settings = [
        {"params": parameters, "weight_decay": decay, "rate_factor": factor, "opens_at": opens_at}
        for (factor, decay, opens_at), parameters in groups.items()
    ]
    compiler.need_not_know(torch.optim.Optimizer, "add_param_group", "state_dict", "load_state_dict", "zero_grad")
    fused = device.type in ("cpu", "cuda", "mps")
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(settings, lr=recipe.learning_rate, betas=(recipe.momentum, 0.999), fused=fused)
    nesterov = recipe.momentum > 0
    return torch.optim.SGD(settings, recipe.learning_rate, recipe.momentum, nesterov=nesterov, fused=fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate_factor"]


def open_groups(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Let those groups learn whose time has come at this share of the schedule, 0..1, and no others.

    A parameter without a gradient is not updated, and backward passes end before it: closed stages cost no more than
    frozen ones.
    """
    for group in optimizer.param_groups:
        is_open = share >= group["opens_at"]
        if is_open != group["params"][0].requires_grad:
            for parameter in group["params"]:
                parameter.requires_grad_(is_open)


def update_of(optimizer: torch.optim.Optimizer) -> Callable[[], object]:
    """What `optimizer.step()` does, without the wrappers that look for profilers, hooks and the compiler."""
    step = inspect.unwrap(type(optimizer).step)

    def update() -> None:
        with torch.no_grad():
            step(optimizer)

    return update
