"""One training in several processes, on one machine or many: each takes its rows of every batch (DDP).

The batch of a step is the same as that of one process: same images, same augmentation, drawn for the whole of it by
everybody.  A process computes with its rows, gradients are the mean over the whole batch, and batch norms see the whole
batch too.  So the result is that of one process but for rounding, whatever the number of processes, with one exception:
what a network draws itself (dropout, the regions that a detector samples) is drawn by each process for its own rows.

Started by torchrun, which says in environment variables who is who; gloo carries CPU tensors, NCCL those of CUDA.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from eyechart.base.seeding import derived_seed
from eyechart.training.computation import Computation
from eyechart.training.global_norm import norms_alone, norms_together

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema import ExecutionMode
    from eyechart.schema.contracts import Batch

LONGEST_WAIT = timedelta(days=7)  # the others wait while the first one decodes pictures; torchrun tells who died
AGREE_STEPS = 10  # between two questions whether to save or stop: all processes must do it after the same step

Value = TypeVar("Value")


class Alone:
    """The one process of a training that has no others; what several do differently is all in here."""

    rank, size = 0, 1

    @property
    def is_first(self) -> bool:
        """The one that judges, writes and speaks."""
        return self.rank == 0

    def computation(
        self, model: nn.Module, device: torch.device, precision: str = "float32", mode: ExecutionMode = "eager"
    ) -> Computation:
        """How this process computes its part of a loss."""
        return Computation(model, device, precision, mode)

    def mean(self, values: Tensor) -> Tensor:
        """Over the processes: of what each one's computation gave, the value of the whole batch."""
        return values

    def of_first(self, ask: Callable[[], Value]) -> Value:
        """What the first process says; the others do not ask."""
        return ask()

    def in_order(self, make: Callable[[], Value]) -> Value:
        """Made by the first process, then by the others, who find on the disk what it has fetched."""
        return make()

    def agree(self, step: int, signal_number: int | None, is_due: bool) -> tuple[int | None, bool]:
        """Whether to stop, and to save, after this step: the same answer for all."""
        return signal_number, is_due

    def part(self, model: nn.Module) -> None:
        """The training is over: the model is one process's own again."""


ALONE = Alone()


class Together(Alone):
    """The processes that torchrun started; made once in each of them."""

    def __init__(self) -> None:
        from torch import distributed

        self._distributed = distributed
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        has_nccl = torch.cuda.is_available() and distributed.is_nccl_available()
        backend = "cpu:gloo,cuda:nccl" if has_nccl else "gloo"
        distributed.init_process_group(backend, timeout=LONGEST_WAIT)
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def computation(
        self, model: nn.Module, device: torch.device, precision: str = "float32", mode: ExecutionMode = "eager"
    ) -> Computation:
        assert mode == "eager", "plans of several processes are eager"
        norms_together(model)
        return SharedComputation(model, device, precision, self.rank, self.size)

    def mean(self, values: Tensor) -> Tensor:
        values = values.clone()
        self._distributed.all_reduce(values)
        return values / self.size

    def of_first(self, ask: Callable[[], Value]) -> Value:
        said: list[Any] = [ask() if self.is_first else None]
        self._distributed.broadcast_object_list(said, src=0)
        return said[0]  # type: ignore[no-any-return]

    def in_order(self, make: Callable[[], Value]) -> Value:
        found = make() if self.is_first else None
        self._distributed.barrier()
        return make() if found is None else found

    def agree(self, step: int, signal_number: int | None, is_due: bool) -> tuple[int | None, bool]:
        if step % AGREE_STEPS:
            return None, False
        wishes = torch.tensor([signal_number or 0, int(is_due)])
        self._distributed.all_reduce(wishes, op=self._distributed.ReduceOp.MAX)
        number, due = wishes.tolist()
        return number or None, bool(due)

    def part(self, model: nn.Module) -> None:
        norms_alone(model)

    def leave(self) -> None:
        """After the last word; nobody waits for the others."""
        self._distributed.destroy_process_group()


class SharedComputation(Computation):
    """The loss of one process's rows, so that the mean over processes is that of the whole batch."""

    def __init__(self, model: nn.Module, device: torch.device, precision: str, rank: int, size: int):
        super().__init__(model, device, precision)
        self._rank, self._size = rank, size
        whole, from_features = self._loss, self._loss_from_features
        # A wrapper of the model's losses, because DDP counts gradients from where its forward is called.
        self._loss = _data_parallel(model, whole)
        if from_features:
            self._loss_from_features = _data_parallel(model, from_features)

    def loss(self, batch: Batch) -> Tensor:
        rows, share = self._rows(len(batch.labels))
        parts: list[Any] = [None if each is None else each[rows] for each in batch]
        loss = super().loss(type(batch)(*parts))
        if self.parts is not None:
            self.parts = self.parts * share
        return loss * share

    def loss_from_features(self, features: Tensor, labels: Tensor) -> Tensor:
        rows, share = self._rows(len(labels))
        return super().loss_from_features(features[rows], labels[rows]) * share

    def _rows(self, num_images: int) -> tuple[slice, float]:
        """This process's rows, and what its mean over them counts: batches need not divide evenly."""
        ends = [num_images * rank // self._size for rank in (self._rank, self._rank + 1)]
        if self._rank:  # what the network itself draws must differ from row to row
            # The feed has just seeded the device's generator, by the step: so does this, whatever was resumed.
            seed = torch.cuda.initial_seed() if self._device_type == "cuda" else torch.initial_seed()
            torch.manual_seed(derived_seed(seed, "process", self._rank))
        return slice(*ends), (ends[1] - ends[0]) * self._size / num_images


class _Losses(nn.Module):
    """What DDP wraps: forward is a loss of the model."""

    def __init__(self, model: nn.Module, loss: Callable[..., Any]):
        super().__init__()
        self.model, self._call = model, loss

    def forward(self, *inputs: Any) -> Any:
        return self._call(*inputs)


def _data_parallel(model: nn.Module, loss: Callable[..., Any]) -> nn.Module:
    from torch.nn.parallel import DistributedDataParallel

    # A detector that sees no object uses no box.
    return DistributedDataParallel(_Losses(model, loss), find_unused_parameters=bool(model.needs_boxes))
