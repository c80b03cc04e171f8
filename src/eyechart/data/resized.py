"""Images of a dataset that comes at one size, brought to fewer pixels: what a smaller sensor would have seen."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

from eyechart.base.errors import UsageError
from eyechart.data.content import parts_sha256
from eyechart.schema.contracts import Dataset, LabelledImages

SMALLEST_SIDE = 4  # pixels; below, no network of ours has anything to look at
AT_ONCE = 5_000  # images


def check_side(name: str, height: int, width: int, side: int | None) -> None:
    """UsageError for a side that images of this size cannot be brought to; None: they stay as they are."""
    if side is None or side == height == width:
        return
    if height != width or not SMALLEST_SIDE <= side < height:
        can_be = f"{SMALLEST_SIDE} to {height}" if height == width else "none: these are not square"
        raise UsageError(
            f"{name} has images of {height} x {width} pixels, and {side} was asked for: nothing is gained by more "
            f"pixels than there are. Expected --img-size {can_be}."
        )


def resized(dataset: Dataset, side: int | None) -> Dataset:
    """The same dataset, its images `side` x `side` pixels, as `check_side` allows; None: as it is.

    Each pixel is the mean of what it covers (bilinear with antialiasing), rounded; equal on every machine but for the
    last bit of a rounding.  The content's hash is of the new images.
    """
    card = dataset.card
    check_side(card.name, card.height, card.width, side)
    if side is None or side == card.height:
        return dataset
    train, test = _smaller(dataset.train, side), _smaller(dataset.test, side)
    validation = None if dataset.validation is None else _smaller(dataset.validation, side)
    changes = {
        "title": f"{card.title} at {side} x {side} pixels",
        "height": side,
        "width": side,
        "content_sha256": parts_sha256(train, validation, test),
    }
    return Dataset(card.model_copy(update=changes), train, test, validation)


def _smaller(part: LabelledImages, side: int) -> LabelledImages:
    made = [in_bytes(scaled(chunk, (side, side))) for chunk in part.chunks(AT_ONCE)]
    images = np.concatenate(made) if made else np.empty((0, part.images.shape[1], side, side), np.uint8)
    return LabelledImages(images, part.labels)


def scaled(images: np.ndarray, size: tuple[int, int]) -> torch.Tensor:
    """uint8 (N, C, H, W) -> float32 (N, C, *size) in 0..255, bilinear, antialiased where it shrinks."""
    values = torch.from_numpy(images.astype(np.float32))
    if values.shape[-2:] == size:
        return values
    return interpolate(values, size=size, mode="bilinear", align_corners=False, antialias=True)


def in_bytes(values: torch.Tensor) -> np.ndarray:
    """0..255, rounded: uint8 of the same shape."""
    rounded: np.ndarray = values.round().clamp(0, 255).to(torch.uint8).numpy()
    return rounded
