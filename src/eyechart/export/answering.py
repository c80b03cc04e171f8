"""A run's network with its temperature, from plain pictures to probabilities and boxes: what every file computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from eyechart.inference.onnx_file import answered_in_parts
from eyechart.schema import PROBABILITY_FLOOR
from eyechart.schema.contracts import Predictions

if TYPE_CHECKING:
    from eyechart.schema.contracts import Images


class Answering(nn.Module):
    """A run's model with its temperature."""

    def __init__(self, model: nn.Module, heat: float):
        super().__init__()
        self.model, self.heat = model, heat

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images float32 (B, C, H, W) in 0..1 -> probabilities (B, K); of a detector boxes, scores and labels, too."""
        answer = self.model.answer(images)  # type: ignore[operator]
        probabilities = (answer.probabilities.clamp(min=PROBABILITY_FLOOR).log() / self.heat).softmax(dim=1)
        if answer.detections is None:
            return (probabilities,)
        found = answer.detections
        return probabilities, found.boxes, found.scores, found.labels


@dataclass(frozen=True)
class TorchPredictor:
    """What computes as Answering does, as a Predictor on the CPU."""

    module: Callable[[Tensor], tuple[Tensor, ...]]
    gives_boxes: bool

    def answer(self, images: Images) -> Predictions:
        return answered_in_parts(images, self._outputs)

    def _outputs(self, images: np.ndarray) -> list[np.ndarray]:
        with torch.inference_mode():
            return [output.numpy() for output in self.module(as_floats(images))]


def as_floats(images: np.ndarray) -> Tensor:
    """uint8 (B, C, H, W) -> float32 in 0..1."""
    return torch.from_numpy(np.array(images)).float().div_(255)
