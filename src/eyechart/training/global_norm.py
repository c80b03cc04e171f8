"""Batch norms whose batch is that of all processes.  torch has them for CUDA; on the CPU this is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

Norm = nn.modules.batchnorm._BatchNorm


class GlobalBatchNorm(Norm):
    """Batch norm of (B, C, ...) over the rows of all processes: mean first, then the variance around it.

    Source: torch's SyncBatchNorm, which takes CUDA tensors only.
    """

    def forward(self, rows: Tensor) -> Tensor:
        if not self.training:
            return super().forward(rows)
        across = [axis for axis in range(rows.ndim) if axis != 1]
        own_count = rows.new_full((1,), rows.numel() / rows.shape[1])
        sums = _Sum.apply(torch.cat([rows.sum(across), own_count]))  # (C + 1,)
        count, mean = sums[-1], sums[:-1] / sums[-1]
        shape = [1, -1, *[1] * (rows.ndim - 2)]
        centred = rows - mean.view(shape)
        variance = _Sum.apply((centred * centred).sum(across)) / count  # (C,)
        with torch.no_grad():
            self._remember(mean, variance * count / (count - 1))
        scaled: Tensor = centred * torch.rsqrt(variance + self.eps).view(shape)
        return scaled * self.weight.view(shape) + self.bias.view(shape) if self.affine else scaled

    def _check_input_dim(self, input: Tensor) -> None:
        assert input.ndim >= 2, "(B, C, ...)"

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """The running means, which answers are made with."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


class _Sum(torch.autograd.Function):
    """The sum over all processes; as each of their losses depends on it, so is its gradient."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total


def norms_together(model: nn.Module) -> None:
    """From now on batch norms see the batch of all processes; weights and running means stay the same tensors."""
    _replace(model, lambda norm: nn.SyncBatchNorm if norm.running_mean is not None and norm.running_mean.is_cuda
             else GlobalBatchNorm)  # fmt: skip


def norms_alone(model: nn.Module) -> None:
    """The opposite: as the model was built."""
    _replace(model, _alone)


def _replace(model: nn.Module, kind_of: Callable[[Norm], type[nn.Module]]) -> None:
    for parent in list(model.modules()):
        for name, norm in list(parent.named_children()):
            if isinstance(norm, Norm) and kind_of(norm) is not type(norm):
                setattr(parent, name, _with_same_tensors(norm, kind_of(norm)))


def _with_same_tensors(norm: Norm, kind: Any) -> nn.Module:
    """A norm of that kind with the weights and running means of `norm`: the optimizer knows them as they are."""
    made: Any = kind(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    made._parameters, made._buffers = norm._parameters, norm._buffers
    made.training = norm.training
    made.alone = _alone(norm)
    return made  # type: ignore[no-any-return]


def _alone(norm: Any) -> type[nn.Module]:
    """What it was before it was brought together."""
    kind: type[nn.Module] = getattr(norm, "alone", type(norm))
    return kind
