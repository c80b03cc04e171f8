"""The trunks of VGG16 and AlexNet as stages, and how many of them an input of some size allows."""

from __future__ import annotations

import torch
from torch import nn

from eyechart.base.errors import UsageError
from eyechart.schema import Recipe

# Where each stage of convolutions ends in torchvision's `features`, its max-pool included.
STAGE_ENDS = {"vgg16": (5, 10, 17, 24, 31), "alexnet": (3, 6, 13)}


def trunk_without_memory(architecture: str) -> nn.Sequential:
    """torchvision's `features` on the meta device: shapes only, so that the huge classifier costs nothing."""
    import torchvision

    constructors = {"vgg16": torchvision.models.vgg16, "alexnet": torchvision.models.alexnet}
    with torch.device("meta"):
        trunk: nn.Sequential = constructors[architecture](weights=None).features
    return trunk


def count_stages(recipe: Recipe, trunk: nn.Sequential, size: tuple[int, int], last_stage: int) -> int:
    """Stages to keep for an input of `size` (height, width): `last_stage`, or all that fit when it is 0.

    Raises UsageError when the architecture lacks that many stages, or the input is too small for them.
    """
    ends = STAGE_ENDS[recipe.contender]
    if last_stage > len(ends):
        raise UsageError(
            f"{recipe.contender} has {len(ends)} stages; found last_stage = {last_stage}. "
            f"Expected 1 to {len(ends)}, or 0 for all that fit the input; change it in the recipe."
        )
    fitting = sum(_fits(trunk[:end], size) for end in ends)
    wanted = last_stage or max(fitting, 1)
    if fitting < wanted:
        smallest = next(side for side in range(1, 1024) if _fits(trunk[: ends[wanted - 1]], (side, side)))
        raise UsageError(
            f"{recipe.contender}: an input of {size[0]} x {size[1]} px is too small for {wanted} of its stages. "
            f"Expected {smallest} px a side or more: set input_pixels (or --img-size) to {smallest}."
        )
    return wanted


def _fits(layers: nn.Sequential, size: tuple[int, int]) -> bool:
    try:
        layers(torch.empty(1, 3, *size, device="meta"))
    except RuntimeError:  # torch: "Output size is too small"
        return False
    return True
