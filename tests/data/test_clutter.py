"""Pieces of other images around what an image shows."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.data.clutter import cluttered


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    """uint8 (60, 1, 16, 16): bright strokes on black, in the middle."""
    random = np.random.default_rng(1)
    images = np.zeros((60, 1, 16, 16), np.uint8)
    for image in images:
        row, column = random.integers(4, 10, 2)
        image[0, 4:12, column : column + 2] = 255
        image[0, row : row + 2, 4:12] = 200
    return images


def numbers(images: np.ndarray) -> list[int]:
    return list(range(len(images)))


def test_pieces_come_beside_the_ink_and_cover_nothing(digits: np.ndarray) -> None:
    made = cluttered(digits, digits, 3, numbers=numbers(digits), is_bright=True)
    assert made.dtype == np.uint8
    assert made.shape == digits.shape
    assert np.array_equal(made[digits > 64], digits[digits > 64]), "the image's own ink stays"
    added = (made > digits).reshape(60, -1).sum(axis=1)
    assert added.min() > 0, "every image has some"
    assert added.max() <= 3 * 9, "three pieces of 3 x 3 pixels"
    assert not (digits == 255).all(), "the originals were not written to"


def test_ink_may_be_dark(digits: np.ndarray) -> None:
    bright = cluttered(digits, digits, 2, numbers=numbers(digits), is_bright=True)
    dark = cluttered(255 - digits, 255 - digits, 2, numbers=numbers(digits), is_bright=False)
    assert np.array_equal(dark, 255 - bright)


def test_photographs_are_covered_by_pieces_of_others() -> None:
    photos = np.random.default_rng(2).integers(0, 256, (20, 3, 28, 28)).astype(np.uint8)
    made = cluttered(photos, photos, 1, numbers=numbers(photos), is_bright=None)
    changed = (made != photos).any(axis=1).reshape(20, -1).sum(axis=1)
    assert changed.max() <= 25, "one square of 5 x 5 pixels"
    assert changed.min() > 15


def test_the_same_pictures_whichever_are_asked_for(digits: np.ndarray) -> None:
    whole = cluttered(digits, digits, 2, numbers=numbers(digits), is_bright=True)
    some = cluttered(digits[[7, 3]], digits, 2, numbers=[7, 3], is_bright=True)
    assert np.array_equal(some, whole[[7, 3]])
    other = cluttered(digits, digits, 2, numbers=numbers(digits), is_bright=True, seed=1)
    assert not np.array_equal(other, whole)
    assert len({image.tobytes() for image in whole - digits}) > 50, "each image has its own"


def test_the_pieces_of_fewer_are_among_those_of_more(digits: np.ndarray) -> None:
    few, many = (cluttered(digits, digits, each, numbers=numbers(digits), is_bright=True) for each in (1, 4))
    assert (many >= few).all()
    assert (many > few).any(axis=(1, 2, 3)).all()


def test_no_piece_is_of_the_image_itself() -> None:
    """Each image has a level of its own, by which its pieces are known."""
    images = np.stack([np.full((1, 8, 8), 10 * place, np.uint8) for place in range(1, 21)])
    made = cluttered(images, images, 6, numbers=numbers(images), is_bright=None)
    assert all((made[place] != 10 * (place + 1)).any() for place in range(20)), "an own piece would not be seen"
    alone = cluttered(images[:1], images[:1], 2, numbers=[0], is_bright=None)
    assert np.array_equal(alone, images[:1]), "of one image alone there are no others"
