"""Batch norms whose batch is that of all processes.  torch has them for CUDA; on the CPU this is ours."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from eyechart.base.errors import UsageError

Norm = nn.modules.batchnorm._BatchNorm
PLAIN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class GlobalBatchNorm(Norm):
    """Batch norm of (B, C, ...) over the rows of all processes: mean first, then the variance around it.

    Source: torch's SyncBatchNorm, which takes CUDA tensors only.
    """

    def forward(self, rows: Tensor) -> Tensor:
        if not self.training:
            return super().forward(rows)
        kind, rows = rows.dtype, rows.float() if rows.dtype.itemsize < 4 else rows  # sums of bfloat16 have eight bits
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
        scaled = scaled * self.weight.view(shape) + self.bias.view(shape) if self.affine else scaled
        return scaled.to(kind)

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
    """From now on batch norms see the batch of all processes; they stay the same modules with the same tensors.

    Raises UsageError for a network with batch norms of a kind that does more than torch's own.
    """
    norms = [module for module in model.modules() if isinstance(module, Norm)]
    for norm in norms:
        if type(norm) not in PLAIN:
            raise UsageError(
                f"The network has batch norms of the kind {type(norm).__name__}, which do more than those of torch, "
                f"and several processes know only these. Train it in one process, without torchrun."
            )
    for norm in norms:
        kind = type(norm)
        # The class alone: whoever holds a norm, such as a frozen stage that keeps its own still, holds the same one.
        if norm.running_mean is not None and norm.running_mean.is_cuda:
            norm.__class__, norm.process_group = nn.SyncBatchNorm, None  # type: ignore[assignment]
        else:
            norm.__class__ = GlobalBatchNorm
        norm.alone = kind  # type: ignore[assignment]


def norms_alone(model: nn.Module) -> None:
    """The opposite: as the model was built."""
    for norm in model.modules():
        if isinstance(norm, Norm) and "alone" in vars(norm):
            norm.__class__ = vars(norm).pop("alone")
            vars(norm).pop("process_group", None)
