"""Ragged boxes: taken in any order, filled up in a batch, crowds left out of it."""

from __future__ import annotations

import numpy as np

from eyechart.schema.objects import from_padded, objects_of

THREE = objects_of(
    [
        ([(0, 0, 4, 4), (1, 1, 3, 5)], [2, 0], [False, False]),
        ([], [], []),
        ([(2, 2, 6, 6), (0, 0, 9, 9), (5, 5, 7, 8)], [1, 1, 0], [False, True, False]),
    ]
)


def test_of_one_image() -> None:
    assert len(THREE) == 3
    assert THREE.counts.tolist() == [2, 0, 3]
    boxes, labels = THREE.of(2)
    assert boxes.tolist() == [[2, 2, 6, 6], [0, 0, 9, 9], [5, 5, 7, 8]]
    assert (boxes.dtype, labels.dtype, labels.tolist()) == (np.float64, np.int64, [1, 1, 0])
    assert THREE.areas.tolist()[2:] == [16, 81, 6]
    assert [len(part) for part in THREE.of(1)] == [0, 0]


def test_some_images_in_another_order_and_twice() -> None:
    some = THREE.subset(np.array([2, 1, 0, 2]))
    assert some.counts.tolist() == [3, 0, 2, 3]
    for place, image in enumerate([2, 1, 0, 2]):
        for part, whole in zip(some.of(place), THREE.of(image), strict=True):
            assert np.array_equal(part, whole)
    assert some.crowds.tolist() == [False, True, False, False, False, False, True, False]
    assert len(THREE.subset(np.array([], np.int64))) == 0


def test_a_batch_is_filled_up() -> None:
    boxes, labels = THREE.padded(np.array([1, 2, 0]))
    assert boxes.shape == (3, 2, 4)
    assert labels.tolist() == [[-1, -1], [1, 0], [2, 0]], "the crowd is left out"
    assert boxes[1].tolist() == [[2, 2, 6, 6], [5, 5, 7, 8]]
    assert not boxes[0].any()
    empty, of_nothing = THREE.padded(np.array([1]))
    assert (empty.shape, of_nothing.tolist()) == ((1, 1, 4), [[-1]])


def test_nothing_at_all() -> None:
    nothing = objects_of([([], [], []), ([], [], [])])
    assert (len(nothing), nothing.boxes.shape, nothing.labels.shape) == (2, (0, 4), (0,))


def test_what_was_filled_up_comes_back() -> None:
    images = np.arange(3)
    again = from_padded(*THREE.padded(images))
    assert again.counts.tolist() == [2, 0, 2], "crowds are no objects of a batch"
    assert np.array_equal(again.boxes, THREE.boxes[~THREE.crowds])
    assert np.array_equal(again.labels, THREE.labels[~THREE.crowds])
