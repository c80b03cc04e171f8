"""What a model answers on a whole part, and how that is kept for every item."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from eyechart.base.errors import RunFailed
from eyechart.schema.contracts import Predictions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyechart.schema.contracts import ContenderModel, Detections, Images

SUM_TOLERANCE = 1e-3  # by which the probabilities of one image may miss 1


def predict(model: ContenderModel, images: Images, *, device: torch.device, batch_size: int) -> Predictions:
    """What `model` (already on `device`) answers for images uint8 (N, C, H, W), N > 0, perhaps memory-mapped.

    The model judges in eval mode, gets its modes back, and gradients are off.  Nothing waits for the device before
    the last batch was asked for.  Raises RunFailed when probabilities or boxes are not numbers, or do not sum to 1.
    """
    assert len(images) > 0, "predicting needs images"
    probabilities: list[Tensor] = []
    detections: list[Detections] = []
    with judging(model):
        for start in range(0, len(images), batch_size):
            answer = model.answer(to_device(images[start : start + batch_size], device))
            probabilities.append(answer.probabilities)
            if answer.detections is not None:
                detections.append(answer.detections)
    assert len(detections) in (0, len(probabilities)), "a detector gives boxes for every batch or for none"
    checked = _checked_probabilities(torch.cat(probabilities).float().cpu().numpy())
    assert len(checked) == len(images), "one row of probabilities for each image"
    return _with_boxes(checked, detections, batch_size) if detections else Predictions(checked)


@contextlib.contextmanager
def judging(model: ContenderModel) -> Iterator[None]:
    """Eval mode and no gradients inside; afterwards every module has the mode that it had before."""
    module = cast(nn.Module, model)
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for part, was_training in modes:
            part.training = was_training


def to_device(images: np.ndarray, device: torch.device) -> Tensor:
    """uint8 (B, C, H, W) -> float32 (B, C, H, W) in 0..1 on `device`; the bytes travel, the floats are made there."""
    # A copy, because torch must not be handed memory that is mapped read-only.
    pixels = torch.from_numpy(np.array(images))
    if device.type == "cuda":
        pixels = pixels.pin_memory()
    elif device.type == "cpu" and pixels.shape[1] > 1:
        # Measured on one core for colour images: a small CNN 1.9, VGG16 1.2, AlexNet 1.1 times as fast.
        pixels = pixels.contiguous(memory_format=torch.channels_last)
    return pixels.to(device, non_blocking=device.type == "cuda").float().div_(255)


def _checked_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """The same array, or RunFailed when a row is not a distribution."""
    misses = np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1)
    broken = np.flatnonzero(~(misses <= SUM_TOLERANCE) | (probabilities < 0).any(axis=1))
    if len(broken) == 0:
        return probabilities
    row = probabilities[broken[0]]
    found = f"they sum to {row.sum():.4g}" if np.isfinite(row).all() else "some are not numbers"
    raise RunFailed(
        f"The model's class probabilities are broken for {len(broken)} of {len(probabilities)} images "
        f"(first: image {broken[0]}, {found}); expected finite numbers >= 0 that sum to 1. "
        f"Its weights have probably diverged: lower the learning rate, or clip the gradient, and train it again."
    )


def _with_boxes(probabilities: np.ndarray, detections: list[Detections], batch_size: int) -> Predictions:
    """Predictions with the boxes of all batches; what only filled up shorter lists is dropped."""
    image, boxes, scores, labels = [], [], [], []
    for index, found in enumerate(detections):
        filled = found.labels.cpu().numpy() >= 0  # (B, R)
        image.append(np.nonzero(filled)[0] + index * batch_size)
        boxes.append(found.boxes.float().cpu().numpy()[filled])
        scores.append(found.scores.float().cpu().numpy()[filled])
        labels.append(found.labels.cpu().numpy()[filled])
    all_boxes, all_scores = np.concatenate(boxes), np.concatenate(scores)
    if not (np.isfinite(all_boxes).all() and np.isfinite(all_scores).all()):
        raise RunFailed(
            "Some of the model's boxes or their scores are not numbers; expected finite pixels and scores. "
            "Its weights have probably diverged: lower the learning rate, or clip the gradient, and train it again."
        )
    return Predictions(
        probabilities,
        box_image=np.concatenate(image).astype(np.int32),
        boxes=all_boxes,
        box_scores=all_scores,
        box_labels=np.concatenate(labels).astype(np.int32),
    )
