"""Batches from images that lie in memory: an order for every epoch, and bytes to floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from eyechart.base.seeding import generator

if TYPE_CHECKING:
    from torch import Tensor


def epoch_order(num_images: int, seed: int, epoch: int) -> Tensor:
    """The order in which an epoch sees its images: a permutation, int64 (num_images,), on the CPU.

    A pure function of its arguments: a run that was interrupted goes on with the very batches that it would have seen.
    """
    return torch.randperm(num_images, generator=generator(seed, "order", epoch))


def to_floats(images_uint8: Tensor) -> Tensor:
    """uint8 0..255 -> float32 0..1, same shape, same device."""
    return images_uint8.to(torch.float32).div_(255)
