"""Digits as a computer prints them."""

from __future__ import annotations

import numpy as np

from eyechart.data import font_digits


def test_a_picture_is_a_function_of_seed_part_and_number() -> None:
    images, labels = font_digits.pictures(range(40), 0, "test")
    again, _ = font_digits.pictures(range(20, 40), 0, "test")
    assert images.shape == (40, 1, 28, 28)
    assert images.dtype == np.uint8
    assert labels.tolist() == [*range(10)] * 4
    np.testing.assert_array_equal(images[20:], again)
    for other in (font_digits.pictures(range(40), 1, "test")[0], font_digits.pictures(range(40), 0, "train")[0]):
        assert not any(np.array_equal(one, two) for one, two in zip(images, other, strict=True))


def test_every_face_prints_every_digit_and_none_looks_like_another() -> None:
    masters = font_digits._masters()
    assert masters.shape[:2] == (len(font_digits.FACES), 10)
    flat = masters.reshape(len(masters) * 10, -1)
    assert (flat.max(axis=1) > 0.9).all(), "each has ink"
    for face in masters.reshape(len(masters), 10, -1):
        likeness = np.corrcoef(face) - np.eye(10)
        assert likeness.max() < 0.9, "ten different signs"


def test_digits_are_as_large_as_handwritten_ones_and_inside_the_frame() -> None:
    images, _ = font_digits.pictures(range(300), 0, "train")
    edges = (images[:, 0, 0], images[:, 0, -1], images[:, 0, :, 0], images[:, 0, :, -1])
    assert max(edge.max() for edge in edges) < 10
    rows = (images[:, 0] > 100).any(axis=2).sum(axis=1)
    assert np.quantile(rows, 0.05) >= 14
    assert np.quantile(rows, 0.95) <= 22
