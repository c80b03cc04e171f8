"""What a detector looks at: one map of an image, or several of different fineness that share their knowledge.

    stride 4     map  <---- added <- map of stride 8, twice as large
    stride 8     map  <---- added <- map of stride 16, twice as large
    stride 16    map

A cell of a coarse map has seen more of the image, a cell of a fine map knows better where it is.  One map is enough
where all objects are of about the map's reach.

Source: Lin et al. 2017, "Feature Pyramid Networks for Object Detection" (with the pooling and norms of our own).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import interpolate

from eyechart.models.stages import STAGE_ENDS, trunk_without_memory

if TYPE_CHECKING:
    from eyechart.models.detector_options import DetectorOptions


def make_backbone(in_channels: int, options: DetectorOptions) -> tuple[nn.Module, int]:
    """Images to one map, or to a list of them (the finest first) where there are several levels; and their depth."""
    width = options.width
    if options.trunk:
        finest = nn.Sequential(
            *[vgg16_trunk(), nn.Conv2d(256, 4 * width, 1, bias=False)],
            *[nn.BatchNorm2d(4 * width), nn.ReLU(inplace=True)],
            *(layer for _ in range(options.convolutions - 1) for layer in convolution(4 * width, 4 * width)),
        )
    else:
        finest = _own_stages(in_channels, options)
    backbone = finest if options.levels == 1 else Pyramid(finest, 4 * width, options.levels)
    for layer in backbone.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return backbone, 4 * width


def vgg16_trunk() -> nn.Sequential:
    """Three stages of convolutions under torchvision's numbers, without the last pooling: 256 channels, stride 4."""
    return trunk_without_memory("vgg16")[: STAGE_ENDS["vgg16"][2] - 1].to_empty(device="cpu")


def _own_stages(in_channels: int, options: DetectorOptions) -> nn.Sequential:
    width = options.width
    # Pooling comes before normalising and activating: the same maxima for a quarter of the work.
    return nn.Sequential(
        *[nn.Conv2d(in_channels, width, 3, padding=1, bias=False), nn.MaxPool2d(2)],
        *[nn.BatchNorm2d(width), nn.ReLU(inplace=True)],
        *[nn.Conv2d(width, 2 * width, 3, padding=1, bias=False), nn.MaxPool2d(2)],
        *[nn.BatchNorm2d(2 * width), nn.ReLU(inplace=True)],
        *convolution(2 * width, 4 * width),
        *(layer for _ in range(options.convolutions - 1) for layer in convolution(4 * width, 4 * width)),
    )


class Pyramid(nn.Module):
    """Maps of strides 4, 8, 16 ..., all of one depth; each knows what the coarser ones saw."""

    def __init__(self, finest: nn.Sequential, depth: int, num_levels: int):
        super().__init__()
        self.finest = finest
        self.coarser = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), *convolution(depth, depth), *convolution(depth, depth))
            for _ in range(num_levels - 1)
        )
        self.merged = nn.ModuleList(nn.Sequential(*convolution(depth, depth)) for _ in range(num_levels - 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = [self.finest(images)]
        for stage in self.coarser:
            maps.append(stage(maps[-1]))
        for level in reversed(range(len(self.merged))):
            above = interpolate(maps[level + 1], size=maps[level].shape[-2:], mode="nearest")
            maps[level] = self.merged[level](maps[level] + above)
        return maps


def convolution(depth: int, new_depth: int) -> list[nn.Module]:
    """3 x 3 with its norm and activation."""
    return [
        nn.Conv2d(depth, new_depth, 3, padding=1, bias=False), nn.BatchNorm2d(new_depth), nn.ReLU(inplace=True),
    ]  # fmt: skip
