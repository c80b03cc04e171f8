"""Scenes: the same for the same seed, boxes tight around the ink, knobs that do what they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.data.scenes import LEVELS, Knobs, SceneMaker, _iou, knobs_of

BARS = np.zeros((4, 1, 20, 20), np.uint8)
BARS[0, 0, 2:18, 8:12] = 255  # upright
BARS[1, 0, 8:12, 2:18] = 255  # lying
BARS[2, 0, 5:15, 5:15] = 255  # a square
BARS[3] = BARS[2]
LABELS = np.array([0, 1, 2, 2])


def maker(knobs: Knobs, seed: int = 0, part: str = "train", images: np.ndarray = BARS) -> SceneMaker:
    return SceneMaker(images, LABELS, knobs, seed, part)


@pytest.mark.parametrize("level", LEVELS)
def test_a_scene_is_a_function_of_seed_part_and_number(level: str) -> None:
    knobs = LEVELS[level]
    first, again = maker(knobs).scene(7), maker(knobs).scene(7)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    for other in (maker(knobs).scene(8), maker(knobs, seed=1).scene(7), maker(knobs, part="test").scene(7)):
        assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("level", LEVELS)
def test_scenes_keep_to_their_knobs(level: str) -> None:
    knobs = LEVELS[level]
    counts, images = [], maker(knobs)
    for number in range(60):
        scene = images.scene(number)
        assert scene.image.shape == (knobs.num_channels, knobs.canvas, knobs.canvas)
        assert scene.image.dtype == np.uint8
        assert len(scene.boxes) == len(scene.labels) >= 1
        assert (scene.boxes[:, :2] >= 0).all()
        assert (scene.boxes[:, 2:] <= knobs.canvas).all()
        boxes = [tuple(map(int, box)) for box in scene.boxes]
        assert all(_iou(one, other) <= knobs.overlap for one, other in combinations(boxes, 2))  # type: ignore[arg-type]
        counts.append(len(boxes))
    assert max(counts) <= knobs.count[1]
    assert len(set(counts)) > 1


def test_boxes_are_tight_around_the_ink() -> None:
    knobs = Knobs(count=(3, 3), side=(40, 40), grounds=("dark",))
    for number in range(20):
        scene = maker(knobs).scene(number)
        ground = int(np.median(scene.image))
        for (left, top, right, bottom), label in zip(scene.boxes.astype(int), scene.labels, strict=True):
            inside = scene.image[0, top:bottom, left:right].astype(int) - ground
            for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
                assert edge.max() > 0.2 * inside.max(), "a box ends where the ink does"
            wide, high = right - left, bottom - top
            assert (wide > 2 * high, high > 2 * wide) == (label == 1, label == 0), "bars stay bars"
        outside = np.ones(scene.image.shape[1:], bool)
        for left, top, right, bottom in scene.boxes.astype(int):
            outside[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = False
        assert np.ptp(scene.image[0][outside]) == 0, "no ink but in boxes"


def test_grounds_and_contrast() -> None:
    light = maker(Knobs(grounds=("light",), contrast=0.6)).scene(0)
    assert np.median(light.image) > 200
    assert light.image.min() < np.median(light.image) - 0.5 * 255
    textured = maker(Knobs(grounds=("textured",), count=(1, 1))).scene(0)
    assert len(np.unique(textured.image)) > 30
    coloured = maker(Knobs(grounds=("coloured",), count=(1, 1))).scene(0)
    assert not np.array_equal(coloured.image[0], coloured.image[1])


def test_noise_and_clutter_have_no_boxes() -> None:
    plain, noisy = (maker(Knobs(noise=noise)).scene(0).image.astype(int) for noise in (0.0, 0.1))
    assert np.std(noisy[:, :5] - plain[:, :5]) > 5
    quiet = Knobs(count=(1, 1), side=(30, 30))
    few = [maker(quiet).scene(number) for number in range(10)]
    many = [maker(Knobs(count=(1, 1), side=(30, 30), clutter=8)).scene(number) for number in range(10)]
    assert all(len(scene.boxes) == 1 for scene in (*few, *many))
    assert sum((scene.image > 128).sum() for scene in many) > 1.05 * sum((scene.image > 128).sum() for scene in few)


def test_a_picture_without_a_plain_ground_is_pasted_whole() -> None:
    photos = np.random.default_rng(0).integers(0, 256, (4, 3, 20, 20), np.uint8)
    scene = maker(Knobs(count=(1, 1), side=(24, 24)), images=photos).scene(0)
    left, top, right, bottom = scene.boxes[0]
    assert (right - left, bottom - top) == (24, 24)
    empty = np.zeros((4, 1, 20, 20), np.uint8)
    assert maker(Knobs(count=(1, 1), side=(24, 24)), images=empty).scene(0).boxes.shape == (1, 4)


def test_several_at_once_are_the_single_ones() -> None:
    images, objects = maker(LEVELS["medium"]).scenes([3, 1])
    for place, number in enumerate([3, 1]):
        scene = maker(LEVELS["medium"]).scene(number)
        assert np.array_equal(images[place], scene.image)
        boxes, labels = objects.of(place)
        assert np.array_equal(boxes, scene.boxes)
        assert np.array_equal(labels, scene.labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"canvas": 4}, "canvas = 4"), ({"count": (3, 2)}, r"count = \(3, 2\)"), ({"count": (0, 2)}, "count"),
        ({"side": (10, 500)}, "side"), ({"overlap": 1.0}, "overlap"), ({"noise": -0.1}, "noise"),
        ({"grounds": ("blue",)}, "grounds"), ({"contrast": 0.0}, "contrast"), ({"rotation": 400.0}, "rotation"),
    ],
)  # fmt: skip
def test_knobs_that_cannot_be(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=f"Scenes cannot have {message}"):
        knobs_of("easy", **changes)


def test_levels_have_names() -> None:
    with pytest.raises(UsageError, match=r"no level 'meduim'.*Did you mean 'medium'"):
        knobs_of("meduim")
    assert knobs_of("hard", noise=None) == LEVELS["hard"]
    assert knobs_of("hard", noise=0.5).noise == 0.5
