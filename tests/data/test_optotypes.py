"""The rows of an eye chart: harder from row to row, in equal steps, the same for everybody."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.data import optotypes
from eyechart.data.optotypes import DIMENSIONS, as_record, choose, drawn_for, rows_of
from eyechart.schema.contracts import Dataset, LabelledImages


@pytest.fixture(scope="module")
def part(small_mnist: Dataset) -> LabelledImages:
    return small_mnist.test


def shown(part: LabelledImages, name: str, number: int = 20) -> np.ndarray:
    chosen = choose(part.labels, 10)[:number]
    return rows_of(DIMENSIONS[name], part.images[chosen], drawn_for(part, chosen))


@pytest.mark.parametrize("name", DIMENSIONS)
def test_the_first_row_is_the_image_and_each_further_one_is_harder(name: str, part: LabelledImages) -> None:
    rows = shown(part, name)
    images = part.images[choose(part.labels, 10)[:20]]
    assert rows.dtype == np.uint8
    assert rows.shape == (len(DIMENSIONS[name].levels), *images.shape)
    assert (rows[0] == images).all()
    distance = np.abs(rows.astype(float) - images).mean(axis=(1, 2, 3, 4))
    assert distance[1] > 0
    assert distance[-1] > 1.2 * distance[1]
    assert (np.diff(distance)[:-1] > -0.5).all(), "no row is easier than the one before"


@pytest.mark.parametrize("name", DIMENSIONS)
def test_steps_are_equal(name: str) -> None:
    record = as_record(DIMENSIONS[name])
    assert record.rows[0].hardness is None
    steps = np.diff([row.hardness for row in record.rows[1:]])
    assert (steps > 0).all()
    assert steps == pytest.approx(np.full(len(steps), steps[0]))


def test_steps_are_those_of_charts_for_people() -> None:
    for name, step in (("size", 0.1), ("contrast", 0.15)):
        hardness = [row.hardness for row in as_record(DIMENSIONS[name]).rows[1:]]
        assert np.diff(hardness) == pytest.approx(np.full(len(hardness) - 1, step))


@pytest.mark.parametrize(("shape", "num_classes"), [((1, 28, 28), 10), ((3, 20, 32), 3), ((1, 8, 8), 10)])
def test_any_size_grey_and_colour(shape: tuple[int, int, int], num_classes: int) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (200, *shape), np.uint8)
    part = LabelledImages(images, random.integers(0, num_classes, 200))
    chosen = choose(part.labels, num_classes)
    drawn = drawn_for(part, chosen)
    for dimension in DIMENSIONS.values():
        rows = rows_of(dimension, images[chosen], drawn)
        assert rows.shape == (len(dimension.levels), len(chosen), *shape)


def test_rows_are_balanced_and_the_same_each_time() -> None:
    labels = np.random.default_rng(0).integers(0, 10, 5000)
    chosen = choose(labels, 10)
    assert len(chosen) == 100
    assert (np.bincount(labels[chosen]) == 10).all()
    assert labels[chosen][:10].tolist() == list(range(10)), "neighbours on the chart differ"
    assert (chosen == choose(labels, 10)).all()
    assert len(set(chosen.tolist())) == len(chosen)


def test_more_classes_than_a_row_has_room_for_and_classes_without_images() -> None:
    labels = np.random.default_rng(0).integers(0, 1000, 5000)
    assert len(choose(labels, 1000)) == optotypes.MOST_ITEMS
    few = choose(np.array([0, 0, 2]), 3)
    assert sorted(few.tolist()) == [0, 1, 2]


def test_neighbours_are_of_other_classes(part: LabelledImages) -> None:
    chosen = choose(part.labels, 10)[:30]
    drawn = drawn_for(part, chosen)
    for each in (drawn.left, drawn.right):
        for place, image in enumerate(each):
            same = [np.array_equal(np.rint(255 * image), part.images[other]) for other in chosen]
            label = part.labels[chosen[same.index(True)]]
            assert label != part.labels[chosen[place]]


def test_a_covered_share_is_what_it_says(part: LabelledImages) -> None:
    chosen = choose(part.labels, 10)[:20]
    white = np.full((20, 1, 100, 100), 255, np.uint8)
    rows = rows_of(DIMENSIONS["occlusion"], white, drawn_for(part, chosen))
    for level, row in zip(DIMENSIONS["occlusion"].levels, rows, strict=True):
        assert (row != 255).mean() == pytest.approx(level, abs=0.02)


def test_what_shrinks_stays_in_the_middle_on_its_ground() -> None:
    images = np.full((1, 1, 40, 40), 30, np.uint8)
    images[..., 10:30, 10:30] = 230
    part = LabelledImages(images, np.zeros(1, np.int64))
    rows = rows_of(DIMENSIONS["size"], images, drawn_for(part, np.zeros(1, np.int64)))
    half = rows[3][0, 0]  # 10 ** -0.3
    assert half[0, 0] == half[11, 11] == 30
    assert half[20, 20] == 230
    assert (half > 130).sum() == pytest.approx(100, abs=25)
