"""Spoilings for choosing: other ones than the fifteen, each image its own, seeded, in range, of any size."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.data.corruptions.apply import spoiled_by
from eyechart.data.corruptions.held_out import HELD_OUT
from eyechart.data.corruptions.table import CORRUPTIONS
from eyechart.schema.contracts import Dataset


def spoiled(name: str, images: np.ndarray, seed: int = 0, numbers: np.ndarray | None = None) -> np.ndarray:
    spoiling = HELD_OUT[name]
    return spoiled_by(spoiling, spoiling.parameters[0], images, seed, numbers)


def test_none_is_of_the_fifteen() -> None:
    assert len(HELD_OUT) == 15
    assert not set(HELD_OUT) & set(CORRUPTIONS)
    assert not {each.change for each in HELD_OUT.values()} & {each.change for each in CORRUPTIONS.values()}


@pytest.mark.parametrize("name", HELD_OUT)
@pytest.mark.parametrize(("channels", "height", "width"), [(1, 28, 28), (3, 20, 26), (1, 9, 8)])
def test_pictures_of_any_size_are_spoiled(name: str, channels: int, height: int, width: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, channels, height, width), dtype=np.uint8)
    before = images.copy()
    found = spoiled(name, images)
    assert (found.shape, found.dtype) == (images.shape, np.uint8)
    assert np.array_equal(images, before)
    assert not np.array_equal(found, images)


@pytest.mark.parametrize("name", HELD_OUT)
def test_each_image_has_its_own_draw_which_hangs_on_its_number(name: str, small_mnist: Dataset) -> None:
    same = np.repeat(small_mnist.train.images[:1], 20, axis=0)
    found = spoiled(name, same, seed=3)
    assert len({image.tobytes() for image in found}) == (20 if HELD_OUT[name].is_drawn else 1)
    some = np.array([7, 2])
    assert np.array_equal(spoiled(name, same[some], 3, some), found[some])
    assert np.array_equal(spoiled(name, same, seed=4), found) != HELD_OUT[name].is_drawn
