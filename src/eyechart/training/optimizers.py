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


def build_optimizer(
    model: nn.Module, recipe: Recipe, trunk: Sequence[nn.Parameter], device: torch.device
) -> torch.optim.Optimizer:
    """An optimizer over the trainable parameters; `trunk` are those that came pretrained.

    Each group carries `rate_factor`, by which `set_learning_rate` multiplies the schedule's rate.  Vectors (biases and
    the scales of norms) get no weight decay: they hold a level, not a direction.
    """
    in_trunk = {id(parameter) for parameter in trunk}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        factor = recipe.trunk_rate if id(parameter) in in_trunk else 1.0
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((factor, decay), []).append(parameter)
    settings = [
        {"params": parameters, "weight_decay": decay, "rate_factor": factor}
        for (factor, decay), parameters in groups.items()
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


def update_of(optimizer: torch.optim.Optimizer) -> Callable[[], object]:
    """What `optimizer.step()` does, without the wrappers that look for profilers, hooks and the compiler."""
    step = inspect.unwrap(type(optimizer).step)

    def update() -> None:
        with torch.no_grad():
            step(optimizer)

    return update
