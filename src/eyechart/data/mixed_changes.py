"""The changes that robust recipes are made of, each image its own draw; none of them moves a pixel.

Each takes images float (B, C, H, W) in 0..1 and gives new ones, whose values may leave that range.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import avg_pool2d, interpolate

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


class Chance:
    """Draws from one generator, brought to the device of the images."""

    def __init__(self, generator: torch.Generator, device: torch.device):
        self._generator, self._device = generator, device

    def uniform(self, *shape: int) -> Tensor:
        """float32 in [0, 1)."""
        return torch.rand(shape, generator=self._generator, device=self._generator.device).to(self._device)

    def normal(self, *shape: int) -> Tensor:
        """float32 of mean 0 and standard deviation 1."""
        return torch.randn(shape, generator=self._generator, device=self._generator.device).to(self._device)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """int64 in low..high - 1."""
        return torch.randint(low, high, shape, generator=self._generator, device=self._generator.device)

    def between(self, low: float, high: float, images: Tensor) -> Tensor:
        """One number an image, (B, 1, 1, 1), in low..high."""
        return (low + (high - low) * self.uniform(len(images))).view(-1, 1, 1, 1)

    def field(self, images: Tensor, cells: int) -> Tensor:
        """A smooth map an image, (B, 1, H, W) in 0..1, from so many random numbers a side."""
        rough = self.uniform(len(images), 1, cells, cells)
        down, across = (_between(cells, pixels, self._device) for pixels in images.shape[2:])
        return down @ rough @ across.T


@lru_cache(maxsize=8)
def _between(cells: int, pixels: int, device: torch.device) -> Tensor:
    """(pixels, cells): the weights of linear interpolation from ends to ends; not to be written."""
    place = torch.linspace(0, cells - 1, pixels)[:, None]
    return (1 - (place - torch.arange(cells)).abs()).clamp_min(0).to(device)


# --------------------------------------------------------------------------------------------- grey levels


def levels(images: Tensor, chance: Chance) -> Tensor:
    """Another black and another white, at least a quarter apart."""
    distance = chance.between(0.25, 1, images)
    return chance.between(0, 1, images) * (1 - distance) + distance * images


def light(images: Tensor, chance: Chance) -> Tensor:
    """Uneven light: paler towards some places."""
    haze = chance.between(0.2, 0.8, images) * chance.field(images, 3)
    return images * (1 - haze) + haze * chance.between(0.6, 1, images)


def negative(images: Tensor, chance: Chance) -> Tensor:
    return 1 - images


def posterise(images: Tensor, chance: Chance) -> Tensor:
    """Two to five greys."""
    steps = torch.floor(chance.between(1, 5, images))
    return torch.round(images * steps) / steps


# --------------------------------------------------------------------------------------------- neighbours


def _beside(images: Tensor, along: int, together: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Each pixel together with the two beside it along an axis; the border goes on outside.

    torch's own pooling takes five times as long on small images.
    """
    last = images.shape[along] - 1
    before = torch.cat([images.narrow(along, 0, 1), images.narrow(along, 0, last)], dim=along)
    behind = torch.cat([images.narrow(along, 1, last), images.narrow(along, last, 1)], dim=along)
    return together(together(images, before), behind)


def _around(images: Tensor, together: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Each pixel together with its eight neighbours: their sum (torch.add), brightest or darkest."""
    return _beside(_beside(images, 2, together), 3, together)


def blur(images: Tensor, chance: Chance) -> Tensor:
    """Means of 3 x 3 pixels, once or twice or in between, or half of the way there."""
    once = _around(images, torch.add) / 9
    twice = _around(once, torch.add) / 9
    return torch.lerp(once, twice, chance.between(-0.5, 1.3, images))


def thicken(images: Tensor, chance: Chance) -> Tensor:
    """Towards the brightest of 3 x 3 pixels."""
    return torch.lerp(images, _around(images, torch.maximum), chance.between(0.2, 1, images))


def thin(images: Tensor, chance: Chance) -> Tensor:
    """Towards the darkest of 3 x 3 pixels."""
    return torch.lerp(images, _around(images, torch.minimum), chance.between(0.2, 0.8, images))


def outline(images: Tensor, chance: Chance) -> Tensor:
    """Towards how much the brightest neighbour differs from the darkest: both sides of a stroke."""
    contrast = _around(images, torch.maximum) - _around(images, torch.minimum)
    return torch.lerp(images, contrast, chance.between(0.5, 1, images))


def sharpen(images: Tensor, chance: Chance) -> Tensor:
    """Away from the mean of 3 x 3 pixels."""
    return torch.lerp(images, _around(images, torch.add) / 9, -chance.between(0.5, 3, images))


def coarse(images: Tensor, chance: Chance) -> Tensor:
    """Squares of 2 x 2 pixels, where the sides are even."""
    squares = interpolate(avg_pool2d(images, 2, ceil_mode=True), images.shape[2:], mode="nearest")
    return torch.lerp(images, squares, chance.between(0.3, 1, images))


# --------------------------------------------------------------------------------------------- laid over


def noise(images: Tensor, chance: Chance) -> Tensor:
    return images + chance.between(0.05, 0.45, images) * chance.normal(*images.shape)


def strokes(images: Tensor, chance: Chance) -> Tensor:
    """A straight line of any direction, grey and width, from anywhere to anywhere."""
    height, width = images.shape[2:]
    ends = chance.uniform(len(images), 4, 1, 1)
    x = torch.linspace(0, 1, width, device=images.device).view(1, 1, 1, -1)
    y = torch.linspace(0, 1, height, device=images.device).view(1, 1, -1, 1)
    left, top, right, bottom = (ends[:, i : i + 1] for i in range(4))
    across, down = right - left, bottom - top
    along = ((x - left) * across + (y - top) * down) / (across**2 + down**2).clamp_min(1e-4)
    along = along.clamp(0, 1)
    distance = torch.sqrt((x - left - along * across) ** 2 + (y - top - along * down) ** 2) * min(height, width)
    ink = (chance.between(0.8, 2, images) - distance).clamp(0, 1)
    return torch.lerp(images, chance.between(0.2, 1.5, images).expand_as(images), ink)


def blobs(images: Tensor, chance: Chance) -> Tensor:
    """Where a smooth map is highest, any grey."""
    field = chance.field(images, 8)
    is_blob = ((field - chance.between(0.6, 0.8, images)) * 12).clamp(0, 1)
    return torch.lerp(images, chance.between(0, 1, images).expand_as(images), is_blob)


def negative_part(images: Tensor, chance: Chance) -> Tensor:
    """The negative on one side of a line of any direction."""
    height, width = images.shape[2:]
    angle = chance.between(0, 2 * math.pi, images)
    x = torch.linspace(-1, 1, width, device=images.device).view(1, 1, 1, -1)
    y = torch.linspace(-1, 1, height, device=images.device).view(1, 1, -1, 1)
    side = x * torch.cos(angle) + y * torch.sin(angle) > chance.between(-0.6, 0.6, images)
    return torch.where(side, 1 - images, images)


CHANGES: dict[str, Callable[[Tensor, Chance], Tensor]] = {
    change.__name__: change
    for change in (
        levels, light, negative, posterise, blur, thicken, thin, outline, sharpen, coarse, noise, strokes,
        blobs, negative_part,
    )
}  # fmt: skip
