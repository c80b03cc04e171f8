"""Corruptions: each image its own draw, whatever the batch; uint8 in, uint8 out; stronger at each severity."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.base.errors import UsageError
from eyechart.data.corruptions import apply, edges
from eyechart.data.corruptions.apply import corrupted
from eyechart.data.corruptions.draws import Draws
from eyechart.data.corruptions.table import CORRUPTIONS, LEVELS, PUBLISHED, SEVERITIES
from eyechart.schema.contracts import Dataset

GEOMETRIC = {"shear", "scale", "rotate", "translate"}
FEW_OUTCOMES = {"shear": 2, "rotate": 2, "translate": 4}  # of MNIST-C's own draws: a sign or two
NOT_DRAWN = {"brightness", "stripe", "canny_edges", "scale"}


@pytest.fixture(scope="module")
def digits(small_mnist: Dataset) -> np.ndarray:
    return small_mnist.train.images[:200]


def blob(num_images: int, channels: int, height: int, width: int) -> np.ndarray:
    """The same picture many times: a bright ring off the middle."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot((y - height * 0.45) / height, (x - width * 0.5) / width)
    one = np.where(abs(distance - 0.22) < 0.08, 230, 0).astype(np.uint8)
    return np.repeat(np.stack([one] * channels)[None], num_images, axis=0)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(((one.astype(np.float64) - other) ** 2).mean()))


# --------------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize(("channels", "height", "width"), [(1, 28, 28), (3, 20, 26), (1, 8, 8), (3, 40, 17)])
def test_pictures_of_any_size_keep_shape_and_type(name: str, channels: int, height: int, width: int) -> None:
    images = blob(3, channels, height, width)
    before = images.copy()
    for level in LEVELS:
        found = corrupted(images, name, level)
        assert (found.shape, found.dtype) == (images.shape, np.uint8)
        assert np.array_equal(images, before), "the originals are not written to"
        assert not np.array_equal(found, images), level


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_seed_gives_the_same_bits_however_it_is_cut(
    name: str, digits: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = corrupted(digits[:40], name, PUBLISHED, seed=3)
    assert np.array_equal(corrupted(digits[:40], name, PUBLISHED, seed=3), whole)
    some = np.array([17, 4, 31])
    assert np.array_equal(corrupted(digits[some], name, PUBLISHED, seed=3, numbers=some), whole[some])
    monkeypatch.setattr(apply, "PIXELS_AT_ONCE", 7 * 784)
    assert np.array_equal(corrupted(digits[:40], name, PUBLISHED, seed=3, num_threads=3), whole)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_image_has_its_own_draw(name: str) -> None:
    images = blob(32, 1, 28, 28)
    found = corrupted(images, name, PUBLISHED)
    number = len(np.unique(found.reshape(32, -1), axis=0))
    assert (name not in NOT_DRAWN) == CORRUPTIONS[name].is_drawn
    if name in NOT_DRAWN:
        assert number == 1
        assert np.array_equal(found, corrupted(images, name, PUBLISHED, seed=1))
        return
    # Two dotted lines of 729 can be the same, and zigzags of 270.
    assert number == FEW_OUTCOMES[name] if name in FEW_OUTCOMES else number >= 27
    assert not np.array_equal(found, corrupted(images, name, PUBLISHED, seed=1))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_it_grows_with_severity(name: str, digits: np.ndarray) -> None:
    distances = [distance(corrupted(digits, name, level), digits) for level in SEVERITIES]
    assert (np.diff(distances) > 0).all(), distances
    assert distances[0] > 2
    assert distances[-1] > 1.2 * distances[0]


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("grey", [0, 255])
def test_images_without_ink_stay_sane(name: str, grey: int) -> None:
    """Warnings are errors here: nothing is divided by the 0 of a black image."""
    for channels in (1, 3):
        plain = np.full((4, channels, 12, 10), grey, np.uint8)
        for level in ("1", PUBLISHED):
            found = corrupted(plain, name, level)
            assert found.dtype == np.uint8
            if name in GEOMETRIC | {"glass_blur", "motion_blur"}:
                assert np.array_equal(found, plain)
            if name in {"shot_noise", "fog", "canny_edges"} and grey == 0:
                assert not found.any()


def test_no_image_is_no_error() -> None:
    for name in CORRUPTIONS:
        assert corrupted(np.empty((0, 1, 28, 28), np.uint8), name, PUBLISHED).shape == (0, 1, 28, 28)


def test_the_table_is_that_of_mnist_c() -> None:
    assert len(CORRUPTIONS) == 15
    assert {each.name for each in CORRUPTIONS.values() if each.is_geometric} == GEOMETRIC
    published = {name: each.published for name, each in CORRUPTIONS.items()}
    # The defaults of the functions in MNIST-C's corruptions.py; those without severities are ours.
    assert published == {
        "shot_noise": 5, "impulse_noise": 4, "glass_blur": 1, "motion_blur": 1, "shear": 2, "scale": 3, "rotate": 2,
        "brightness": 5, "translate": 3, "fog": 5, "spatter": 4,
        "stripe": 3, "dotted_line": 1, "zigzag": 1, "canny_edges": 5,
    }  # fmt: skip
    for each in CORRUPTIONS.values():
        assert len(each.parameters) == len(SEVERITIES)
        assert each.parameters_at(PUBLISHED) == each.parameters[each.published - 1]


def test_names_and_levels_that_there_are_not() -> None:
    images = blob(1, 1, 28, 28)
    with pytest.raises(UsageError, match="Did you mean 'shot_noise'"):
        corrupted(images, "shot_nois", PUBLISHED)
    with pytest.raises(UsageError, match=r"no level '6' of fog; expected one of 1, 2, 3, 4, 5, published"):
        corrupted(images, "fog", "6")


# --------------------------------------------------------------------------------------------- one by one


def test_shot_noise_is_poisson() -> None:
    images = np.full((300, 1, 28, 28), 102, np.uint8)  # 0.4 of white
    counts = corrupted(images, "shot_noise", "2").astype(np.float64) / 255 * 25
    assert counts.mean() == pytest.approx(10, abs=0.05)
    assert counts.var() == pytest.approx(10, rel=0.03)  # cut at 25, which 10 hardly ever reaches
    assert np.abs(counts - np.rint(counts)).max() < 0.06, "whole photons, but for rounding to 256 greys"


def test_impulses_are_half_salt_half_pepper() -> None:
    found = corrupted(np.full((300, 1, 28, 28), 100, np.uint8), "impulse_noise", PUBLISHED)
    assert [(found == grey).mean() for grey in (0, 255)] == pytest.approx([0.085, 0.085], abs=0.003)
    coloured = corrupted(np.full((50, 3, 28, 28), 100, np.uint8), "impulse_noise", PUBLISHED)
    assert (coloured != 100).all(axis=1).mean() < 0.01, "each channel by itself: 0.17 ** 3 of the pixels in all three"


def test_a_stronger_impulse_noise_keeps_the_impulses_of_a_weaker_one() -> None:
    images = np.full((5, 1, 28, 28), 100, np.uint8)
    weak, strong = corrupted(images, "impulse_noise", "1"), corrupted(images, "impulse_noise", "5")
    assert np.array_equal(strong[weak != 100], weak[weak != 100])


def test_translation_moves_by_whole_pixels_to_all_four_corners() -> None:
    images = np.zeros((40, 1, 28, 28), np.uint8)
    images[:, 0, 14, 14] = 200
    found = corrupted(images, "translate", PUBLISHED)
    places = {tuple(np.argwhere(image[0] == 200)[0].tolist()) for image in found}
    assert places == {(11, 11), (11, 17), (17, 11), (17, 17)}
    assert (found.reshape(40, -1).sum(axis=1) == 200).all()


def test_rotation_and_scale_by_hand() -> None:
    """A dot right of the middle goes up or down the circle; a square of 10 pixels becomes one of 7."""
    images = np.zeros((20, 1, 29, 29), np.uint8)
    images[:, 0, 13:16, 23:26] = 255  # 10 pixels right of the middle
    middles = {
        tuple(np.round(np.argwhere(image[0] > 100).mean(axis=0) - 14, 0).tolist())
        for image in corrupted(images, "rotate", PUBLISHED)
    }
    assert middles == {(10 * np.round(np.sin(0.4), 1), 9), (-10 * np.round(np.sin(0.4), 1), 9)}
    square = np.zeros((1, 1, 28, 28), np.uint8)
    square[..., 9:19, 9:19] = 255
    assert corrupted(square, "scale", PUBLISHED).sum() / 255 == pytest.approx(49, rel=0.03)


def test_colours_get_lighter_and_keep_their_hue() -> None:
    red = np.zeros((1, 3, 4, 4), np.uint8)
    red[:, 0], red[:, 1] = 100, 50
    found = corrupted(red, "brightness", "2")[0, :, 0, 0]
    assert found.tolist() == [151, 76, 0], "100 + 0.2 x 255, and half of it"


def test_the_stripe_is_a_negative() -> None:
    found = corrupted(np.full((1, 1, 28, 28), 40, np.uint8), "stripe", PUBLISHED)[0, 0, 0]
    assert found.tolist() == [215] * 7 + [40] * 14 + [215] * 7


def test_edges_run_around_and_stay_in_their_image() -> None:
    greys = np.zeros((3, 28, 28), np.float32)
    greys[1, 8:20, 8:20] = 1
    found = edges.edges(greys, 1.0)
    assert not found[[0, 2]].any()
    assert 36 <= found[1].sum() <= 60, "about the 44 pixels around a square of 12"
    assert not found[1, 11:17, 11:17].any()
    assert not found[1, :5].any()
    alone = edges.edges(greys[1:2], 1.0)
    assert np.array_equal(alone[0], found[1])


def test_draws_are_uniform_and_their_purposes_apart() -> None:
    draws = Draws(0, "fog", np.arange(500))
    uniform = draws.uniform("a", 40)
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    assert (uniform.min() >= 0, uniform.max() < 1) == (True, True)
    assert abs(np.corrcoef(uniform[:, 0], draws.uniform("b", 40)[:, 0])[0, 1]) < 0.15
    assert set(np.unique(draws.integers("a", -2, 3, 40)).tolist()) == {-2, -1, 0, 1, 2}
    assert set(np.unique(draws.signs("a")).tolist()) == {-1, 1}
    assert draws.normal("a", 40).std() == pytest.approx(1, abs=0.02)
    assert np.array_equal(draws.some(slice(100, 120)).uniform("a", 40), uniform[100:120])
