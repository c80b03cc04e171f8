"""Anchors that fit: sizes and shapes from the boxes of the train part."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from eyechart.base.errors import DatasetError
from eyechart.catalog.recipes import recipe_of
from eyechart.data.fitting import fitting_options
from eyechart.models.detector_options import read_options
from eyechart.schema.contracts import LabelledImages
from eyechart.schema.objects import objects_of


def part(sides: list[tuple[float, float]], crowd: tuple[float, float] | None = None) -> LabelledImages:
    """An image for each box (width, height)."""
    images = [([[0, 0, width, height]], [0], [False]) for width, height in sides]
    if crowd:
        images.append(([[0, 0, *crowd]], [0], [True]))
    return LabelledImages(
        np.zeros((len(images), 1, 8, 8), np.uint8), np.zeros(len(images), np.int64), objects_of(images)
    )


def anchors(
    sides: list[tuple[float, float]], crowd: tuple[float, float] | None = None
) -> tuple[list[float], list[float], int]:
    found = fitting_options(part(sides, crowd))
    sizes, ratios = (list(map(float, str(found[name]).split(","))) for name in ("anchor_pixels", "anchor_ratios"))
    return sizes, ratios, int(found["levels"])


def test_one_shape_and_one_size_need_little() -> None:
    sizes, ratios, levels = anchors([(20, 40)] * 30)
    assert levels == 1
    assert ratios == [2.0]
    assert all(abs(size - 800**0.5) < 0.1 for size in sizes)


def test_sizes_span_the_boxes_and_levels_follow() -> None:
    random = np.random.default_rng(0)
    near, far = random.uniform(16, 48, 500), random.uniform(10, 100, 500)
    sizes, _, levels = anchors([(side, side) for side in near])
    assert levels == 1
    assert 16 < min(sizes) < 24
    assert 38 < max(sizes) < 48
    sizes, _, levels = anchors([(side, side) for side in far])
    assert levels == 2
    assert len(sizes) % levels == 0
    assert sizes == sorted(sizes)
    assert anchors([(side, side) for side in np.geomspace(8, 300, 200)])[2] == 3


def test_flat_and_tall_boxes_get_an_anchor_each() -> None:
    _, ratios, _ = anchors([(40, 20)] * 50 + [(20, 40)] * 50)
    assert ratios[0] < 0.8
    assert ratios[-1] > 1.25
    assert all(tall / flat < 1.9 for flat, tall in pairwise(ratios))


def test_a_class_of_thin_things_gets_its_anchor() -> None:
    """A tenth of all boxes is four times as tall as wide, as the digit 1 is."""
    _, ratios, _ = anchors([(20, 26)] * 90 + [(8, 32)] * 10)
    assert max(ratios) > 2.7


def test_crowds_say_nothing_about_objects() -> None:
    assert anchors([(20, 20)] * 30, crowd=(500, 500)) == anchors([(20, 20)] * 30)


def test_whole_edges_are_known_from_the_boxes() -> None:
    assert fitting_options(part([(20, 30)] * 9))["whole_pixels"] is True
    assert fitting_options(part([(20, 30)] * 9 + [(20.5, 30)]))["whole_pixels"] is False


def test_fuller_images_get_more_boxes() -> None:
    few = fitting_options(part([(20, 30)] * 9))
    images = [([[0, 0, 9, 9]] * 30, [0] * 30, [False] * 30), ([[0, 0, 9, 9]], [0], [False])]
    pixels = np.zeros((2, 1, 8, 8), np.uint8)
    many = fitting_options(LabelledImages(pixels, np.zeros(2, np.int64), objects_of(images)))
    assert (few["num_candidates"], few["num_proposals"], few["num_detections"]) == (200, 48, 60)
    assert (many["num_candidates"], many["num_proposals"], many["num_detections"]) == (600, 120, 90)


def test_no_box_at_all_is_told() -> None:
    with pytest.raises(DatasetError, match="No train image has a box"):
        fitting_options(
            LabelledImages(np.zeros((2, 1, 8, 8), np.uint8), np.zeros(2, np.int64), objects_of([([], [], [])] * 2))
        )


def test_the_recipe_takes_them() -> None:
    recipe = recipe_of("fasterrcnn", task="detection")
    found = {name for name, value in recipe.options.items() if value == "auto"}
    assert found == {"width"} | fitting_options(part([(20, 30)])).keys()
    settled = recipe.model_copy(
        update={"options": recipe.options | fitting_options(part([(20, 30), (40, 60)] * 9)) | {"width": 16}}
    )
    assert len(read_options(settled).anchor_sizes) % read_options(settled).levels == 0
