"""How a step's forward pass is executed: as written, compiled, or compiled and replayed as CUDA graphs.

What is computed stays the same, random numbers included; only rounding may differ.  On a CPU there is nothing to
choose (compiling takes 20 to 40 s and does not pay, docs/lab-log.md).  On an accelerator each way is timed for a moment
on a copy, and one that has to be prepared is taken only if it saves more than its preparation takes.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from eyechart.schema import Execution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eyechart.contracts import Batch
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
# Dropout and sampling draw what they draw without compiling, so that seeds keep their meaning.
OPTIONS: dict[ExecutionMode, dict[str, Any]] = {
    "compiled": {"fallback_random": True},
    "graphs": {"fallback_random": True, "triton.cudagraphs": True},
}
# How far the loss of a prepared step may be from the plain one on the same batch, as a share: a coarse guard against a
# compiler that is wrong, with room for rounding that changes which regions a detector looks at.
LARGEST_DIFFERENCE = 0.05


class Computation:
    """What a feed asks of its model, in the study's precision and in the plan's way.

    The model itself is never wrapped: its state dict, its copies and its answers do not know of this.
    """

    def __init__(
        self,
        model: nn.Module,
        device: torch.device | None = None,
        precision: str = "float32",
        mode: ExecutionMode = "eager",
    ):
        self._model = model
        self._device_type = device.type if device else "cpu"
        self._is_mixed = precision == "bfloat16"  # sums and weights stay float32: no scaling of gradients is needed
        self._replays = mode == "graphs"
        self._loss = self._executed("loss", mode)
        self._loss_from_features = self._executed("loss_from_features", mode)

    def loss(self, batch: Batch) -> Tensor:
        """The scalar loss of a batch, ready for backward()."""
        return self._computed(self._loss, batch)

    def loss_from_features(self, features: Tensor, labels: Tensor) -> Tensor:
        """The same from kept features (B, ...) and labels (B,)."""
        return self._computed(self._loss_from_features, features, labels)

    def features(self, images: Tensor) -> Tensor:
        """What the frozen stages give for images (B, C, H, W): once an image, so never compiled."""
        with self._autocast():
            found: Tensor = self._model.features(images)  # type: ignore[operator]
        return found

    def _executed(self, name: str, mode: ExecutionMode) -> Callable[..., Tensor]:
        function: Callable[..., Tensor] = getattr(self._model, name, _not_offered)
        if mode == "eager":
            return function
        compiled: Callable[..., Tensor] = torch.compile(function, dynamic=False, options=OPTIONS[mode])
        return compiled

    def _computed(self, function: Callable[..., Tensor], *inputs: Any) -> Tensor:
        if self._replays:
            # What the step before left in the graphs' memory is done with.
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        with self._autocast():
            return function(*inputs)

    def _autocast(self) -> contextlib.AbstractContextManager[object]:
        """Around the model alone: boxes and augmented images are made in float32."""
        if self._is_mixed:
            return torch.autocast(self._device_type, dtype=torch.bfloat16)
        return contextlib.nullcontext()


def _not_offered(*inputs: object) -> Tensor:
    raise AssertionError("this model keeps no features")


# --------------------------------------------------------------------------------------------- choosing


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
