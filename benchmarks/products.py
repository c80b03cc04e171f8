"""The products of a training step by themselves: matrix products and convolutions, done again on tensors of that shape.

Whatever else a step does (norms, activations, copies, starting operations) could be written otherwise, fused or left
out; these stay.  What they take alone is what a step cannot undercut, on this machine, in this precision.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

if TYPE_CHECKING:
    from eyechart.runner.contender import Contender

aten = torch.ops.aten
PRODUCTS = (aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.convolution, aten.convolution_backward)
LEAST_SECONDS = 1.0  # of one measurement


class Call(NamedTuple):
    """One product of a step."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    settings: dict[str, Any]


class _Listening(TorchDispatchMode):
    """Notes every product that is asked for, with tensors of its own of the same shape and layout."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in PRODUCTS:
            self.calls.append(Call(func, tree_map_only(Tensor, _like, args), kwargs or {}))
        return func(*args, **(kwargs or {}))


def products_of(contender: Contender) -> list[Call]:
    """The products of one training step, forward and backward, of a batch as the recipe has it."""
    from eyechart.runner.contender import TOOLS
    from eyechart.training.feeds import as_batch

    chunk = slice(contender.job.recipe.batch_size)
    batch = as_batch(contender.model, contender.splits.train, chunk, contender.device, TOOLS)
    contender.model.train()
    with _Listening() as listening:
        contender.model.loss(batch).backward()  # type: ignore[operator]
    contender.model.zero_grad(set_to_none=True)
    return listening.calls


def seconds_alone(calls: list[Call]) -> float:
    """Of all of them, one after the other: the mean over about a second of doing nothing else."""
    with torch.no_grad():
        _do(calls)
        started, num_rounds = time.perf_counter(), 0
        while num_rounds == 0 or time.perf_counter() - started < LEAST_SECONDS:
            _do(calls)
            num_rounds += 1
        return (time.perf_counter() - started) / num_rounds


def _do(calls: list[Call]) -> None:
    for call in calls:
        call.function(*call.arguments, **call.settings)


def _like(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device).normal_()
