"""What of a detector fits the boxes of the train part: anchors, levels, numbers."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.base.errors import DatasetError
from eyechart.catalog.recipes import recipe_of
from eyechart.data.fitting import fitting_options
from eyechart.models.detector_options import read_options
from eyechart.models.region_ops import make_anchors
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
) -> tuple[list[tuple[float, ...]], int]:
    """(width, height) of each, and the number of levels."""
    found = fitting_options(part(sides, crowd))
    return [tuple(map(float, pair.split("x"))) for pair in str(found["anchors"]).split(",")], int(found["levels"])


def covered(box: tuple[float, float], sides: list[tuple[float, ...]]) -> float:
    """The best IoU of a box with anchors in the same corner."""
    both = [min(box[0], width) * min(box[1], height) for width, height in sides]
    return max(b / (box[0] * box[1] + w * h - b) for b, (w, h) in zip(both, sides, strict=True))


def test_one_shape_and_one_size_need_one_anchor() -> None:
    assert anchors([(20, 40)] * 30) == ([(20, 40)], 1)


def test_sizes_span_the_boxes_and_levels_follow() -> None:
    random = np.random.default_rng(0)
    near, far = random.uniform(16, 48, 500), random.uniform(10, 100, 500)
    sides, levels = anchors([(side, side) for side in near])
    assert levels == 1
    assert min(covered((side, side), sides) for side in near) > 0.75
    sides, levels = anchors([(side, side) for side in far])
    assert levels == 2
    assert len(sides) % levels == 0
    assert sides == sorted(sides)
    assert anchors([(side, side) for side in np.geomspace(8, 300, 200)])[1] == 3


def test_flat_and_tall_boxes_get_an_anchor_each() -> None:
    sides, _ = anchors([(40, 20)] * 50 + [(20, 40)] * 50)
    assert sorted(sides) == [(20, 40), (40, 20)]


def test_a_class_of_thin_things_gets_its_anchor() -> None:
    """A tenth of all boxes is four times as tall as wide, as the digit 1 is, and smaller than all others."""
    random = np.random.default_rng(0)
    usual = [(float(w), float(h)) for w, h in random.uniform(20, 50, (450, 2))]
    thin = [(float(w), 4.0 * w) for w in random.uniform(4, 10, 50)]
    sides, _ = anchors(usual + thin)
    assert np.mean([covered(box, sides) for box in thin]) > 0.7
    assert np.mean([covered(box, sides) for box in usual]) > 0.7


def test_few_sizes_on_several_levels() -> None:
    sides, levels = anchors([(10, 10)] * 20 + [(90, 90)] * 20)
    assert levels == 2
    assert sides == [(10, 10), (90, 90)]
    recipe = recipe_of("fasterrcnn", task="detection")
    options = recipe.options | fitting_options(part([(4, 4)] * 20 + [(400, 400)] * 20)) | {"width": 16}
    assert len(read_options(recipe.model_copy(update={"options": options})).anchors_for(512, 512)) == 3


def test_crowds_say_nothing_about_objects() -> None:
    assert anchors([(20, 20)] * 30, crowd=(500, 500)) == anchors([(20, 20)] * 30)


def test_whole_edges_are_known_from_the_boxes() -> None:
    assert fitting_options(part([(20, 30)] * 9))["whole_pixels"] is True
    assert fitting_options(part([(20, 30)] * 9 + [(20.5, 30)]))["whole_pixels"] is False


def test_slivers_are_no_model_for_anchors() -> None:
    random = np.random.default_rng(0)
    usual = [(float(w), float(h)) for w, h in random.uniform(16, 48, (490, 2))]
    sides, _ = anchors(usual + [(1.0, 30.0)] * 5 + [(20.0, 0.5)] * 5)
    assert min(min(pair) for pair in sides) >= 2
    assert (make_anchors((2, 2), 4, [(1.0, 20.0)]).reshape(-1, 2, 2).diff(dim=1) >= 2).all(), "by hand: an area still"


def test_levels_that_a_recipe_fixes_get_as_many_anchors_each() -> None:
    found = fitting_options(part([(20, 40)] * 30), levels=2)
    assert len(str(found["anchors"]).split(",")) == 2
    assert found["levels"] == 2


def test_fuller_images_get_more_boxes() -> None:
    few = fitting_options(part([(20, 30)] * 9))
    images = [([[0, 0, 9, 9]] * 30, [0] * 30, [False] * 30), ([[0, 0, 9, 9]], [0], [False])]
    pixels = np.zeros((2, 1, 8, 8), np.uint8)
    many = fitting_options(LabelledImages(pixels, np.zeros(2, np.int64), objects_of(images)))
    assert (few["num_candidates"], few["num_proposals"], few["num_detections"]) == (800, 48, 60)
    assert (many["num_candidates"], many["num_proposals"], many["num_detections"]) == (1000, 179, 90)
    crowded = [([[0, 0, 9, 9]] * 900, [0] * 900, [False] + [True] * 899), ([[0, 0, 9, 9]], [0], [False])]
    few_still = fitting_options(LabelledImages(pixels, np.zeros(2, np.int64), objects_of(crowded)))
    assert few_still["num_candidates"] == 800, "crowds are not counted"
    full = [([[0, 0, 9, 9]] * 900, [0] * 900, [False] * 900)] * 2
    most = fitting_options(LabelledImages(pixels, np.zeros(2, np.int64), objects_of(full)))
    assert (most["num_candidates"], most["num_proposals"]) == (1000, 200)


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
    assert [len(of_level) for of_level in read_options(settled).anchors_for(128, 128)] == [2]
