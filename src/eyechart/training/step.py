"""One optimizer step, the same for the training loop and for the calibration that times it beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from eyechart.training.optimizers import set_learning_rate, update_of

if TYPE_CHECKING:
    from eyechart.training.feeds import Feed


class Step:
    """Forward, backward, clip, update.  Nothing in it waits for the device."""

    def __init__(self, feed: Feed, optimizer: torch.optim.Optimizer, clip_norm: float):
        self._feed, self._optimizer, self._clip_norm = feed, optimizer, clip_norm
        self._step = update_of(optimizer)
        self._parameters: list[nn.Parameter] = [p for group in optimizer.param_groups for p in group["params"]]

    def __call__(self, step: int, rate: float) -> Tensor:
        """Learn from the batch of that step at that learning rate; its loss, without gradient, on the device."""
        set_learning_rate(self._optimizer, rate)
        # Before the forward pass, which can then use the memory of the old gradients.
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._feed.loss(step)
        self._backward(loss)
        self._update()
        return loss.detach()

    def _backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]

    def _update(self) -> None:
        if self._clip_norm:
            nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
        self._step()
