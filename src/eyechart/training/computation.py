"""How a feed's model computes its loss: in the study's precision, as written or compiled."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from eyechart.schema.contracts import KeepsFeatures, NamesLosses

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema import ExecutionMode
    from eyechart.schema.contracts import Batch, ContenderModel

# Dropout and sampling draw what they draw without compiling, so that seeds keep their meaning.
OPTIONS: dict[ExecutionMode, dict[str, Any]] = {
    "compiled": {"fallback_random": True},
    "graphs": {"fallback_random": True, "triton.cudagraphs": True},
}


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
        self.parts: Tensor | None = None  # of the last batch's loss, where the model names them; without gradient
        self._names_losses = isinstance(model, NamesLosses)
        whole = model.losses if isinstance(model, NamesLosses) else cast("ContenderModel", model).loss
        self._loss = _executed(whole, mode)
        self._loss_from_features: Callable[..., Tensor] | None = None
        if isinstance(model, KeepsFeatures):
            self._loss_from_features = _executed(model.loss_from_features, mode)

    def loss(self, batch: Batch) -> Tensor:
        """The scalar loss of a batch, ready for backward()."""
        found = self._computed(self._loss, batch)
        if not self._names_losses:
            return cast("Tensor", found)
        loss, self.parts = found
        return cast("Tensor", loss)

    def loss_from_features(self, features: Tensor, labels: Tensor) -> Tensor:
        """The same from kept features (B, ...) and labels (B,)."""
        assert self._loss_from_features, "this model keeps no features"
        return cast("Tensor", self._computed(self._loss_from_features, features, labels))

    def features(self, images: Tensor) -> Tensor:
        """What the frozen stages give for images (B, C, H, W): once an image, so never compiled."""
        with self._autocast():
            assert isinstance(self._model, KeepsFeatures)
            return self._model.features(images)

    def _computed(self, function: Callable[..., Any], *inputs: Any) -> Any:
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


def _executed(function: Callable[..., Any], mode: ExecutionMode) -> Callable[..., Any]:
    if mode == "eager":
        return function
    torch.use_deterministic_algorithms(True, warn_only=True)  # of the compiler as well
    compiled: Callable[..., Any] = torch.compile(function, dynamic=False, options=OPTIONS[mode])
    return compiled
