"""Which way of executing a step is taken: as written, compiled, or compiled and replayed as CUDA graphs.

What is computed stays the same, random numbers included; only rounding may differ.  On a CPU there is nothing to
choose (compiling takes 20 to 40 s and does not pay, docs/lab-log.md).  On an accelerator each way is timed for a moment
on a copy, and one that has to be prepared is taken only if it saves more than its preparation takes.
"""

from __future__ import annotations

import contextlib
import math
import os
from typing import TYPE_CHECKING

import torch

from eyechart.schema import Execution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    from eyechart.schema import ExecutionMode
    from eyechart.training.budget import Pace
    from eyechart.training.feeds import Feed

# The plain way first.  Apple's devices have no graphs to replay.
MODES: dict[str, tuple[ExecutionMode, ...]] = {
    "cpu": ("eager",),
    "cuda": ("eager", "compiled", "graphs"),
    "mps": ("eager", "compiled"),
}
WORTH_TRYING_SECONDS = 30.0  # of planned training: below that, no compilation that we know of can pay
WARMUP_STEPS = 5  # compile forward and backward, record the graphs, replay them
# How far the loss of a prepared step may be from the plain one on the same batch, as a share: a coarse guard against a
# compiler that is wrong, with room for rounding that changes which regions a detector looks at.
LARGEST_DIFFERENCE = 0.05
# torch's own switches: with one of them what is called compiled would be the plain way.
SWITCHES = ("TORCH_COMPILE_DISABLE", "TORCHDYNAMO_DISABLE")


# --------------------------------------------------------------------------------------------- choosing


def modes_of(device_type: str) -> tuple[ExecutionMode, ...]:
    """What a kind of device has, the plain way first; nothing else where torch is told not to compile."""
    modes = MODES[device_type]
    return modes[:1] if any(os.environ.get(switch) == "1" for switch in SWITCHES) else modes


def choose_execution(
    modes: tuple[ExecutionMode, ...], eager: Pace, num_steps: int, time_mode: Callable[[ExecutionMode], Pace]
) -> tuple[Execution, Pace]:
    """The mode with the least time for `num_steps`, its preparation counted, and its pace.

    `time_mode` measures one; what it raises takes that mode out and is kept as its reason.
    """
    if len(modes) < 2 or num_steps * eager.step_seconds < WORTH_TRYING_SECONDS:
        return Execution(), eager
    paces: dict[ExecutionMode, Pace] = {"eager": eager._replace(preparing_seconds=0.0)}
    failures: dict[str, str] = {}
    for mode in modes:
        if mode in paces:
            continue
        try:
            paces[mode] = _agreeing(time_mode(mode), eager)
        except Exception as error:  # a compiler fails in every way there is; the plain way always works
            failures[mode] = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    best = min(paces, key=lambda mode: paces[mode].preparing_seconds + num_steps * paces[mode].step_seconds)
    execution = Execution(
        mode=best,
        step_seconds={mode: pace.step_seconds for mode, pace in paces.items()},
        preparing_seconds={mode: pace.preparing_seconds for mode, pace in paces.items() if mode != "eager"},
        failures=failures,
    )
    return execution, paces[best]


def _agreeing(pace: Pace, eager: Pace) -> Pace:
    """The pace, or ValueError when its first loss is not that of the plain way."""
    if not math.isclose(pace.first_loss, eager.first_loss, rel_tol=LARGEST_DIFFERENCE):
        raise ValueError(f"the loss of the same batch is {pace.first_loss:.6g}, and {eager.first_loss:.6g} when eager")
    return pace


# --------------------------------------------------------------------------------------------- preparing


def warm_up(model: nn.Module, feed: Feed) -> None:
    """Let everything be compiled and recorded that `feed`'s steps need, and leave the model as it was."""
    with _state_kept(model):
        model.train()
        for step in range(WARMUP_STEPS):
            model.zero_grad(set_to_none=True)
            feed.loss(step).backward()  # type: ignore[no-untyped-call]
        model.zero_grad(set_to_none=True)


def forget_compiled() -> None:
    """Drop what was compiled in this process (what is on the disk stays): of a copy, nothing is needed again."""
    torch.compiler.reset()


@contextlib.contextmanager
def _state_kept(model: nn.Module) -> Iterator[None]:
    """Weights and running means are afterwards what they were, in the same memory: graphs know it by its address."""
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                tensor.copy_(kept[name])
