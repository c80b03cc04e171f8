"""Each change of robust recipes: its own draw an image, no pixel moved, and what it is meant to do, by hand."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from eyechart.data.mixed_changes import CHANGES, Chance
from eyechart.schema.rules import Change

B, C, H, W = 64, 3, 28, 20
NOT_DRAWN = {"negative"}
FEW_OUTCOMES = {"posterise": 4}


def chance(seed: int = 0) -> Chance:
    return Chance(torch.Generator().manual_seed(seed), torch.device("cpu"))


@pytest.fixture
def images() -> Tensor:
    return torch.rand(B, C, H, W, generator=torch.Generator().manual_seed(9))


def test_recipes_can_name_all_of_them_and_no_other() -> None:
    assert set(get_args(Change)) == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("size", [(1, 28, 28), (3, 28, 20), (3, 9, 13), (1, 8, 8)])
def test_images_of_any_size_are_changed_and_repeat(name: str, size: tuple[int, int, int]) -> None:
    images = torch.rand(16, *size, generator=torch.Generator().manual_seed(4))
    before = images.clone()
    changed = CHANGES[name](images, chance())
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)
    assert changed.isfinite().all()
    assert torch.equal(images, before), "the input is not written to"
    assert not torch.equal(changed, images)
    assert torch.equal(CHANGES[name](images, chance()), changed)


@pytest.mark.parametrize("name", sorted(set(CHANGES) - NOT_DRAWN))
def test_every_image_gets_its_own_change(name: str) -> None:
    same = torch.rand(1, C, H, W, generator=torch.Generator().manual_seed(9)).expand(B, C, H, W)
    changed = CHANGES[name](same, chance()).clamp(0, 1)
    assert len({image.numpy().tobytes() for image in changed}) == FEW_OUTCOMES.get(name, B)


@pytest.mark.parametrize("name", CHANGES)
def test_a_stroke_stays_where_it_is(name: str) -> None:
    """The mean picture of many draws differs from the ground where the bar is, and least far away from it."""
    bar = torch.zeros(256, 1, 28, 28)
    bar[:, :, 6:22, 4:8] = 1
    ground = torch.zeros_like(bar)
    differences = (CHANGES[name](bar, chance()).clamp(0, 1) - CHANGES[name](ground, chance()).clamp(0, 1)).abs()
    mean = differences.mean(dim=(0, 1))
    assert mean[6:22, 4:8].mean() > 0.05
    assert mean[:, 14:].max() < 0.02 * mean.max() + 1e-6


def test_levels_keep_ink_lighter_than_ground_by_a_quarter() -> None:
    bar = torch.tensor([0.0, 1.0]).expand(200, 1, 8, 2)
    dark, light = CHANGES["levels"](bar, chance())[:, 0, 0].unbind(dim=1)
    assert (light - dark).min() >= 0.25 - 1e-6
    assert dark.min() >= 0
    assert light.max() <= 1
    assert dark.max() > 0.5, "a pale ground is among them"


def test_negative_and_its_half() -> None:
    images = torch.rand(B, 1, H, W)
    assert torch.equal(CHANGES["negative"](images, chance()), 1 - images)
    half = CHANGES["negative_part"](images, chance())
    is_negative = half == 1 - images
    assert torch.equal(half.where(is_negative, 1 - images), 1 - images)
    assert torch.equal(half.where(~is_negative, images), images)
    shares = is_negative.float().mean(dim=(1, 2, 3))
    assert 0.3 < shares.mean() < 0.7
    assert shares.min() > 0


def test_thick_and_thin_are_the_brightest_and_the_darkest_neighbour() -> None:
    dot = torch.zeros(50, 1, 9, 9)
    dot[:, :, 4, 4] = 1
    thick = CHANGES["thicken"](dot, chance())
    assert ((thick > 0).sum(dim=(1, 2, 3)) == 9).all()
    thin = CHANGES["thin"](dot, chance())
    assert ((thin > 0).sum(dim=(1, 2, 3)) == 1).all()
    assert (thin[:, :, 4, 4] < 1).all()


def test_an_outline_is_empty_inside() -> None:
    square = torch.zeros(50, 1, 15, 15)
    square[:, :, 4:11, 4:11] = 1
    outlined = CHANGES["outline"](square, chance())
    assert (outlined[:, :, 4:11, 4] == 1).all()
    assert (outlined[:, :, 6:9, 6:9].amax(dim=(1, 2, 3)) < 0.51).all()
    assert (outlined[:, :, :2] == 0).all()


def test_posterised_has_few_greys() -> None:
    ramp = torch.linspace(0, 1, 64).expand(50, 1, 8, 64)
    greys = [len(image.unique()) for image in CHANGES["posterise"](ramp, chance())]
    assert set(greys) == {2, 3, 4, 5}


def test_a_stroke_is_a_thin_line_and_leaves_the_rest() -> None:
    ground = torch.full((200, 1, 28, 28), 0.1)
    is_inked = (CHANGES["strokes"](ground, chance()) - ground).abs() > 1e-6
    shares = is_inked.float().mean(dim=(1, 2, 3))
    assert shares.max() < 0.25
    assert (shares > 0).float().mean() > 0.95
