"""Which sets are ink on even ground is measured, and what their ink looks like is right."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.data import fractals
from eyechart.data.ink_facts import measure_ink, measure_set, oddities
from eyechart.schema.contracts import Dataset


def test_mnist_is_ink_in_a_box_of_twenty_pixels(mnist: Dataset) -> None:
    facts = measure_set(mnist.train.images)
    assert facts
    assert facts.is_bright
    assert facts.box_side == pytest.approx(20, abs=0.7), "LeCun et al. 1998 made it so"
    assert facts.centred_by == "mass"
    assert facts.centre == pytest.approx((0.5, 0.5), abs=0.15)
    assert 2 < facts.stroke < 3
    assert measure_set(mnist.train.images[:600]) != measure_set(mnist.train.images[600:1200])


def test_the_same_inverted_is_dark_ink(mnist: Dataset) -> None:
    images = mnist.train.images[:300]
    bright, dark = measure_set(images), measure_set(255 - images)
    assert bright
    assert dark == bright.model_copy(update={"is_bright": False})


def test_drawn_fractals_are_ink_as_well() -> None:
    facts = measure_set(fractals.pictures(range(60), 0, "train")[0])
    assert facts
    assert facts.boxes[1] > facts.box_side > 15, "of several sizes"


def test_what_is_no_ink() -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 255, (50, 1, 28, 20), np.uint8)
    assert measure_set(noise) is None, "no even ground"
    thick = np.zeros((50, 1, 28, 20), np.uint8)
    thick[:, :, 4:24, 3:17] = 200
    assert measure_set(thick) is None, "shirts are no strokes"
    assert measure_set(np.zeros((50, 1, 28, 20), np.uint8)) is None, "nothing on it"
    assert measure_set(np.repeat(thick, 3, axis=1)) is None, "colour"


def test_measures_by_hand() -> None:
    ink = np.zeros((28, 20), np.float32)
    ink[4:24, 9:12] = 1  # a bar 3 wide and 20 high, its middle 0.5 right of the image's
    found = measure_ink(ink)
    assert found
    assert found.side == pytest.approx(20, abs=0.4)
    assert found.stroke == pytest.approx(3, abs=0.4)
    assert found.aspect == pytest.approx(3 / 20, abs=0.03)
    assert found.mass == pytest.approx((0.5, 0.0), abs=0.01)
    assert found.box == pytest.approx((0.5, 0.0), abs=0.2)
    assert measure_ink(np.zeros((28, 20), np.float32)) is None


def test_a_filled_square_is_odd_among_digits(mnist: Dataset) -> None:
    facts = measure_set(mnist.train.images[:300])
    assert facts
    square = np.zeros((28, 28), np.float32)
    square[4:24, 4:24] = 1
    found, digit = measure_ink(square), measure_ink(mnist.train.images[7, 0].astype(np.float32) / 255)
    assert found
    assert digit
    assert set(oddities(found, facts)) == {"strokes", "share of ink"}
    assert oddities(digit, facts) == []


@pytest.mark.parametrize(("width", "height", "is_odd"), [(3, 20, False), (20, 3, True), (3, 10, False), (8, 20, True)])
def test_one_straight_upright_stroke_is_a_digit(mnist: Dataset, width: int, height: int, is_odd: bool) -> None:
    """It fills its box, which no leaning stroke does; one that lies is no digit, nor is a block."""
    facts = measure_set(mnist.train.images[:2000])
    assert facts
    bar = np.zeros((28, 28), np.float32)
    bar[4 : 4 + height, 4 : 4 + width] = 1
    found = measure_ink(bar)
    assert found
    assert bool(oddities(found, facts)) == is_odd
