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
    return augment_with_boxes(images, None, augmentation, generator)[0]


def augment_with_boxes(
    images: Tensor, boxes: Tensor | None, augmentation: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """The same, and where boxes (B, R, 4) are then: around what was turned, cut to the frame, empty outside of it."""
    height, width = images.shape[-2:]
    if augmentation.is_none:
        return images, boxes
    if not _moves_whole_pixels(augmentation):
        maps = _random_maps(images, augmentation, generator)
        grid = _grid(maps, height, width)  # (B, H, W, 2)
        images = grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
        return images, None if boxes is None else _inside(_mapped(boxes, maps, height, width), height, width)
    if augmentation.shift_pixels:
        reach = int(augmentation.shift_pixels)
        choice = _random_moves(len(images), reach, generator).to(images.device)
        images = _shifted(images, reach, choice)
        if boxes is not None:
            side = 2 * reach + 1
            down, right = choice // side - reach, choice % side - reach  # each (B,)
            boxes = boxes + torch.stack([right, down, right, down], dim=1)[:, None]
    if augmentation.flip:
        mirrored = (torch.rand(len(images), generator=generator, device=generator.device) < 0.5).to(images.device)
        images = torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)
        if boxes is not None:
            left, top, right_end, bottom = boxes.unbind(-1)
            flipped = torch.stack([width - right_end, top, width - left, bottom], dim=-1)
            boxes = torch.where(mirrored.view(-1, 1, 1), flipped, boxes)
    return images, None if boxes is None else _inside(boxes, height, width)


def _inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """Cut to the frame."""
    return torch.minimum(boxes.clamp(min=0), boxes.new_tensor([width, height, width, height]))


def _moves_whole_pixels(augmentation: Augmentation) -> bool:
    shape_stays = augmentation.rotate_degrees == augmentation.scale_fraction == augmentation.shear_degrees == 0
    return shape_stays and augmentation.shift_pixels == int(augmentation.shift_pixels)


# --------------------------------------------------------------------------------------------- whole pixels


def _random_moves(batch: int, reach: int, generator: torch.Generator) -> Tensor:
    """Which of the (2 reach + 1)^2 moves by -reach..reach whole pixels down and to the right, int64 (B,)."""
    return torch.randint((2 * reach + 1) ** 2, (batch,), generator=generator, device=generator.device)


def _shifted(images: Tensor, reach: int, choice: Tensor) -> Tensor:
    batch, channels, height, width = images.shape
    sources = _shift_table(reach, height, width, images.device)  # (moves, H*W)
    index = sources[choice].unsqueeze(1).expand(-1, channels, -1)  # (B, C, H*W)
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


def _mapped(boxes: Tensor, maps: Tensor, height: int, width: int) -> Tensor:
    """Where boxes (B, R, 4) of the input are in the output: the boxes around their four turned corners."""
    sides = boxes.new_tensor([width, height])
    left, top, right, bottom = boxes.unbind(-1)
    corners = torch.stack([left, top, right, top, left, bottom, right, bottom], dim=-1)
    corners = corners.view(*boxes.shape[:2], 4, 2)
    from_middle = (2 * corners / sides - 1) - maps[:, None, None, :, 2]  # (B, R, 4, 2)
    turned = torch.linalg.solve(maps[:, None, :, :2], from_middle.transpose(-1, -2)).transpose(-1, -2)
    places = (turned + 1) / 2 * sides
    return torch.cat([places.amin(dim=2), places.amax(dim=2)], dim=-1)
