"""Fewer pixels from a dataset of one size."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.data.catalog import load_dataset, verify
from eyechart.data.content import parts_sha256
from eyechart.data.resized import check_side, resized
from eyechart.schema.contracts import Dataset, LabelledImages


def test_a_pixel_is_the_weighted_mean_of_what_it_covers(small_mnist: Dataset) -> None:
    found = resized(small_mnist, 14)
    assert found.train.images.shape == (len(small_mnist.train), 1, 14, 14)
    assert found.train.images.dtype == np.uint8
    # Bilinear with antialiasing at half the size: a triangle over four pixels along each axis, (1, 3, 3, 1) / 8.
    weights = np.array([1, 3, 3, 1]) / 8
    window = small_mnist.train.images[3:4][0, 0, 11:15, 11:15].astype(float)
    assert abs(weights @ window @ weights - found.train.images[3:4][0, 0, 6, 6]) <= 0.5 + 1e-3
    assert np.array_equal(found.train.labels, small_mnist.train.labels)


def test_it_is_another_dataset_with_a_hash_of_its_own(small_mnist: Dataset) -> None:
    found = resized(small_mnist, 14)
    assert found.card.title.endswith("at 14 x 14 pixels")
    assert found.card.content_sha256 == parts_sha256(found.train, found.validation, found.test)
    assert found.card.content_sha256 not in (
        small_mnist.card.content_sha256,
        resized(small_mnist, 7).card.content_sha256,
    )
    assert resized(small_mnist, 14).card == found.card, "the same again"


def test_it_stays_as_it_is_where_nothing_else_was_asked_for(small_mnist: Dataset) -> None:
    assert resized(small_mnist, None) is small_mnist
    assert resized(small_mnist, 28) is small_mnist


def test_an_empty_part_stays_empty(small_mnist: Dataset) -> None:
    nothing = LabelledImages(np.empty((0, 1, 28, 28), np.uint8), np.empty(0, np.int64))
    found = resized(Dataset(small_mnist.card, small_mnist.train, nothing), 10)
    assert found.test.images.shape == (0, 1, 10, 10)


@pytest.mark.parametrize(("height", "width", "side"), [(28, 28, 3), (28, 28, 29), (28, 20, 14), (28, 20, 28)])
def test_sides_that_cannot_be_are_refused(height: int, width: int, side: int) -> None:
    with pytest.raises(UsageError, match=f"mine has images of {height} x {width} pixels, and {side} was asked for"):
        check_side("mine", height, width, side)


def test_known_datasets_are_verified_at_that_size() -> None:
    assert load_dataset("digits", img_size=4).train.images.shape[2:] == (4, 4)
    assert (verify("digits", img_size=4).card.height, verify("digits").card.height) == (4, 8)
