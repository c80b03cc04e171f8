"""Random changes of training images, drawn anew for every image (not once a batch) and vectorised over the batch.

Two ways to the same end: whole-pixel shifts and flips only move pixels and are done by index; everything else is one
affine map an image, read off with bilinear interpolation.  What comes in from outside the frame repeats the border,
which is right for black, white and photographic backgrounds alike.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import grid_sample

if TYPE_CHECKING:
    from torch import Tensor

    from eyechart.schema import Augmentation


def augment(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Change every image in its own random way; float (B, C, H, W) in, the same shape, type and range out.

    Random numbers come from `generator` alone, so the same state gives the same images.  The input is never written to.
    """
    if augmentation.is_none:
        return images
    if not _moves_whole_pixels(augmentation):
        grid = _grid(_random_maps(images, augmentation, generator), *images.shape[-2:])  # (B, H, W, 2)
        return grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if augmentation.shift_pixels:
        images = _shift(images, int(augmentation.shift_pixels), generator)
    if augmentation.flip:
        mirrored = torch.rand(len(images), generator=generator, device=generator.device) < 0.5
        images = torch.where(mirrored.to(images.device).view(-1, 1, 1, 1), images.flip(-1), images)
    return images


def _moves_whole_pixels(augmentation: Augmentation) -> bool:
    shape_stays = augmentation.rotate_degrees == augmentation.scale_fraction == augmentation.shear_degrees == 0
    return shape_stays and augmentation.shift_pixels == int(augmentation.shift_pixels)


# --------------------------------------------------------------------------------------------- whole pixels


def _shift(images: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Move each image by -reach..reach whole pixels along both axes, all (2 reach + 1)^2 moves equally likely."""
    batch, channels, height, width = images.shape
    sources = _shift_table(reach, height, width, images.device)  # (moves, H*W)
    choice = torch.randint(len(sources), (batch,), generator=generator, device=generator.device)
    index = sources[choice.to(images.device)].unsqueeze(1).expand(-1, channels, -1)  # (B, C, H*W)
    return images.reshape(batch, channels, -1).gather(2, index).view(images.shape)


@lru_cache(maxsize=4)
def _shift_table(reach: int, height: int, width: int, device: torch.device) -> Tensor:
    """For every move and every pixel, the flat place it is read from; int64 ((2 reach + 1)^2, H*W), not to be written.

    The same for every batch, so it is made, and brought to the device, once.
    """
    moves = torch.arange(-reach, reach + 1)
    rows = (torch.arange(height) - moves.unsqueeze(1)).clamp_(0, height - 1)  # (moves, H); clamping repeats the border
    columns = (torch.arange(width) - moves.unsqueeze(1)).clamp_(0, width - 1)  # (moves, W)
    return (rows[:, None, :, None] * width + columns[None, :, None, :]).reshape(-1, height * width).to(device)


# --------------------------------------------------------------------------------------------- affine maps


def _grid(maps: Tensor, height: int, width: int) -> Tensor:
    """The input place of every output pixel, in coordinates of -1..1, from maps (B, 2, 3): (B, H, W, 2).

    What torch's affine_grid gives, up to rounding, in a fifth of its time: sums of a row and a column of places instead
    of a product of matrices with three columns.
    """
    x = (2 * torch.arange(width, device=maps.device) + 1) / width - 1  # the middle of each pixel
    y = (2 * torch.arange(height, device=maps.device) + 1) / height - 1
    across = maps[:, :, 0, None] * x  # (B, 2, W)
    down = maps[:, :, 1, None] * y + maps[:, :, 2, None]  # (B, 2, H)
    return down.transpose(1, 2).unsqueeze(2) + across.transpose(1, 2).unsqueeze(1)


def _random_maps(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """One inverse map (output place -> input place) an image, in affine_grid's coordinates -1..1; (B, 2, 3).

    In pixels, and y down: p_in = A (p_out - shift), with A = rotation x shear / scale, and A's first column negated
    for a flip.  Coordinates of -1..1 measure x in half-widths and y in half-heights, hence the ratios at the end.
    """
    batch, _, height, width = images.shape
    draw = torch.rand(6, batch, generator=generator, device=generator.device).to(images.device, torch.float32)
    angle, shear, scale, shift_x, shift_y = (2 * draw[:5] - 1).unbind()  # each (B,), -1..1
    angle = angle * math.radians(augmentation.rotate_degrees)
    slope = torch.tan(shear * math.radians(augmentation.shear_degrees))
    shrink = 1 / (1 + scale * augmentation.scale_fraction)
    mirror = torch.where(draw[5] < 0.5, -1.0, 1.0) if augmentation.flip else torch.ones_like(angle)

    cosine, sine = torch.cos(angle) * shrink, torch.sin(angle) * shrink
    xx, xy = cosine * mirror, cosine * slope - sine
    yx, yy = sine * mirror, sine * slope + cosine
    right, down = shift_x * augmentation.shift_pixels, shift_y * augmentation.shift_pixels  # pixels
    offset_x, offset_y = -(xx * right + xy * down) * (2 / width), -(yx * right + yy * down) * (2 / height)
    tilt = height / width
    return torch.stack([xx, xy * tilt, offset_x, yx / tilt, yy, offset_y], dim=1).view(batch, 2, 3)
