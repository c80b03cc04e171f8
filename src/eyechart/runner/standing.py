"""Whether what a recipe freezes stood still: weights, and the running means of norms, which no gradient moves.

A batch norm that goes on counting in a frozen stage makes it another stage than the one that was pretrained, and
nothing in a loss curve shows it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn


def standing(model: nn.Module) -> dict[str, str]:
    """Name -> sha256 of every tensor that training must not change: parameters that take no gradient, and the buffers
    of modules that have such parameters only.  Those of a module without parameters of its own, such as a norm
    that only counts, are left out: nothing says whether they are frozen.
    """
    found: dict[str, Tensor] = {name: each for name, each in model.named_parameters() if not each.requires_grad}
    for name, _ in model.named_buffers():
        home = model.get_submodule(name.rpartition(".")[0])
        own = list(home.parameters())
        if own and not any(each.requires_grad for each in own):
            found[name] = model.get_buffer(name)
    return {name: _digest(tensor) for name, tensor in found.items()}


def moved(before: dict[str, str], model: nn.Module) -> tuple[str, ...]:
    """Which of these tensors are not what they were, in the model's order."""
    state = dict(model.named_parameters()) | dict(model.named_buffers())
    return tuple(name for name, digest in before.items() if _digest(state[name]) != digest)


def _digest(tensor: Tensor) -> str:
    flat = tensor.detach().to("cpu").contiguous().flatten()
    return hashlib.sha256(flat.view(torch.uint8).numpy().data).hexdigest()
