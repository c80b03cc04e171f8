"""Augmentation: each change alone against an outside or hand-made oracle, per image, repeatable, border right."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import scipy.ndimage
import torch

from eyechart.data import augment as module
from eyechart.data.augment import augment, augment_with_boxes
from eyechart.data.batches import to_floats
from eyechart.data.boxes import ink_boxes
from eyechart.schema import Augmentation

B, C, H, W = 64, 3, 28, 20


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return torch.rand(B, C, H, W, generator=generator(9))


ALL_KINDS = [
    Augmentation(shift_pixels=2),
    Augmentation(shift_pixels=1.5),
    Augmentation(rotate_degrees=20),
    Augmentation(scale_fraction=0.2),
    Augmentation(shear_degrees=15),
    Augmentation(flip=True),
    Augmentation(shift_pixels=2, flip=True),
    Augmentation(shift_pixels=2, rotate_degrees=10, scale_fraction=0.1, shear_degrees=5, flip=True),
]


def test_none_returns_the_very_images(images):
    assert augment(images, Augmentation(), generator()) is images


@pytest.mark.parametrize("kind", ALL_KINDS, ids=str)
def test_every_kind_keeps_shape_range_and_input(kind, images):
    before = images.clone()
    changed = augment(images, kind, generator())
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert torch.equal(images, before)
    assert not torch.equal(changed, images)


@pytest.mark.parametrize("kind", ALL_KINDS, ids=str)
def test_every_kind_repeats_with_the_generator(kind, images):
    assert torch.equal(augment(images, kind, generator(1)), augment(images, kind, generator(1)))
    assert not torch.equal(augment(images, kind, generator(1)), augment(images, kind, generator(2)))


@pytest.mark.parametrize("kind", ALL_KINDS, ids=str)
def test_every_image_gets_its_own_change(kind):
    same = torch.rand(1, C, H, W, generator=generator(9)).expand(B, C, H, W)
    changed = augment(same, kind, generator())
    assert len({image.numpy().tobytes() for image in changed}) > 1


@pytest.mark.parametrize("kind", ALL_KINDS, ids=str)
def test_a_uniform_background_stays_uniform(kind):
    """No black corners on white paper."""
    assert torch.allclose(augment(torch.full((B, C, H, W), 0.7), kind, generator()), torch.tensor(0.7))


def shifted_by_hand(image, down, right):
    rows = (torch.arange(H) - down).clamp(0, H - 1)
    columns = (torch.arange(W) - right).clamp(0, W - 1)
    return image[:, rows][:, :, columns]


def test_whole_pixel_shifts_are_all_drawn_and_exact(images):
    moves = [(down, right) for down in range(-1, 2) for right in range(-1, 2)]
    seen = set()
    for image, changed in zip(images, augment(images, Augmentation(shift_pixels=1), generator()), strict=True):
        matching = [move for move in moves if torch.equal(changed, shifted_by_hand(image, *move))]
        assert len(matching) == 1
        seen.add(matching[0])
    assert seen == set(moves)


def test_flips_are_left_right_and_about_half(images):
    many = images.repeat(16, 1, 1, 1)
    flipped = augment(many, Augmentation(flip=True), generator())
    is_flipped = (flipped == many.flip(-1)).flatten(1).all(1)
    assert (is_flipped | (flipped == many).flatten(1).all(1)).all()
    assert 0.4 < is_flipped.float().mean() < 0.6


# --------------------------------------------------------------------------------------------- affine maps


def fixed_draw(monkeypatch, *values):
    """Let every image draw these numbers in -1..1: angle, shear, scale, right, down; and 0..1 for the flip."""
    *changes, flip = values
    column = torch.tensor([*((value + 1) / 2 for value in changes), flip])
    monkeypatch.setattr(module.torch, "rand", lambda rows, batch, **_: column[:, None].expand(rows, batch).contiguous())


def scipys(image, matrix, offset):
    """The same map by scipy, which counts (row, column) from the middle of pixel 0; border repeated."""
    return np.stack(
        [scipy.ndimage.affine_transform(plane, matrix, offset, order=1, mode="nearest") for plane in image.numpy()]
    )


def centred(matrix, shift=(0.0, 0.0)):
    """Offset that lets `matrix` (row, column; output -> input) turn around the middle after a shift (down, right)."""
    middle = np.array([(H - 1) / 2, (W - 1) / 2])
    return middle - matrix @ (middle + np.array(shift))


@pytest.mark.parametrize(
    ("augmentation", "draw", "matrix", "shift"),
    [
        (Augmentation(shift_pixels=2.5), (0, 0, 0, 1, -1, 0.9), np.eye(2), (-2.5, 2.5)),
        (Augmentation(scale_fraction=0.25), (0, 0, 1, 0, 0, 0.9), np.eye(2) / 1.25, (0, 0)),
        (Augmentation(scale_fraction=0.25), (0, 0, -1, 0, 0, 0.9), np.eye(2) / 0.75, (0, 0)),
        (
            Augmentation(rotate_degrees=30),
            (1, 0, 0, 0, 0, 0.9),
            np.array([[math.cos(math.pi / 6), math.sin(math.pi / 6)], [-math.sin(math.pi / 6), math.cos(math.pi / 6)]]),
            (0, 0),
        ),
        (
            Augmentation(shear_degrees=45),
            (0, 0.5, 0, 0, 0, 0.9),
            np.array([[1, 0], [math.tan(math.pi / 8), 1]]),
            (0, 0),
        ),
        (Augmentation(flip=True, shift_pixels=0.5), (0, 0, 0, 0, 0, 0.1), np.diag([1, -1]), (0, 0)),
    ],
)
def test_each_map_alone_equals_scipys(augmentation, draw, matrix, shift, images, monkeypatch):
    """On images that are higher than wide, so that swapped axes and wrong aspect ratios fail."""
    fixed_draw(monkeypatch, *draw)
    changed = augment(images[:2], augmentation, generator())
    for image, result in zip(images[:2], changed, strict=True):
        expected = scipys(image, np.asarray(matrix, float), centred(np.asarray(matrix, float), shift))
        assert np.abs(result.numpy() - expected).max() < 1e-4


def test_a_whole_pixel_shift_is_the_same_on_both_paths(images, monkeypatch):
    fixed_draw(monkeypatch, 0, 0, 0, 0.8, -0.4, 0.9)  # 2 right and 1 up, of 2.5
    by_map = augment(images[:2], Augmentation(shift_pixels=2.5), generator())
    assert torch.allclose(by_map[0], shifted_by_hand(images[0], -1, 2), atol=1e-5)


def test_draws_fill_the_whole_range(images):
    """The mass's centre of a single bright block moves by up to the asked shift, both ways, along both axes."""
    block = torch.zeros(2000, 1, 15, 15)
    block[:, :, 6:9, 6:9] = 1
    moved = augment(block, Augmentation(shift_pixels=2.5), generator())
    places = torch.arange(15.0)
    mass = moved.sum((1, 2, 3))
    for axis in (2, 3):
        centre = (moved.sum((1, 5 - axis)) * places).sum(1) / mass - 7
        assert centre.min() == pytest.approx(-2.5, abs=0.1)
        assert centre.max() == pytest.approx(2.5, abs=0.1)
        assert centre.mean() == pytest.approx(0, abs=0.15)


@pytest.mark.slow
def test_speed_on_one_thread(mnist):
    """CPU time of the thread that does it, and ten times what an idle core takes: neither depends on other load."""
    batch = to_floats(torch.from_numpy(np.array(mnist.train.images[:256])))

    def milliseconds(kind):
        times = []
        for _ in range(30):
            start = time.thread_time()
            augment(batch, kind, generator())
            times.append(time.thread_time() - start)
        return 1000 * min(times)

    assert milliseconds(Augmentation(shift_pixels=2)) < 8  # 0.6 measured on an idle core
    affine = Augmentation(shift_pixels=2, rotate_degrees=10, scale_fraction=0.1, shear_degrees=5)
    assert milliseconds(affine) < 25  # 2.8


# --------------------------------------------------------------------------------------------- boxes


def lit(boxes, height=40, width=30):
    """One bright rectangle an image, on black."""
    images = torch.zeros(len(boxes), 1, height, width)
    for image, (left, top, right, bottom) in zip(images, boxes.int().tolist(), strict=True):
        image[:, top:bottom, left:right] = 1
    return images


@pytest.mark.parametrize("kind", [Augmentation(shift_pixels=3), Augmentation(flip=True),
                                  Augmentation(shift_pixels=3, flip=True)], ids=str)  # fmt: skip
def test_boxes_go_with_whole_pixels(kind):
    boxes = torch.tensor([[10.0, 12.0, 16.0, 30.0]]).repeat(32, 1)
    images, moved = augment_with_boxes(lit(boxes), boxes[:, None], kind, generator())
    assert torch.equal(moved[:, 0], ink_boxes(images)), "where the light is, there the box is"
    assert len(torch.unique(moved, dim=0)) > 1


@pytest.mark.parametrize("kind", [Augmentation(shift_pixels=2.5), Augmentation(scale_fraction=0.2),
                                  Augmentation(rotate_degrees=15, shear_degrees=5, flip=True)], ids=str)  # fmt: skip
def test_boxes_go_around_what_is_turned(kind):
    """Of a rectangle, the box around its turned corners is the box around the turned rectangle."""
    boxes = torch.tensor([[10.0, 12.0, 18.0, 28.0]]).repeat(64, 1)
    images, moved = augment_with_boxes(lit(boxes), boxes[:, None], kind, generator())
    assert (moved[:, 0] - ink_boxes(images)).abs().max() <= 1.5, "bilinear light ends within a pixel or so"
    assert (moved[:, 0] - boxes).abs().max() > 1


def test_images_are_the_same_with_and_without_boxes(images):
    for kind in ALL_KINDS:
        boxes = torch.tensor([[[2.0, 3.0, 9.0, 9.0], [0.0, 0.0, 0.0, 0.0]]]).repeat(B, 1, 1)
        with_boxes, moved = augment_with_boxes(images, boxes, kind, generator())
        assert torch.equal(with_boxes, augment(images, kind, generator()))
        assert moved.shape == boxes.shape
        assert (moved >= 0).all()
        assert (moved[..., 2] <= W).all()
        assert (moved[..., 3] <= H).all()


def test_a_box_that_leaves_the_frame_is_cut():
    boxes = torch.tensor([[[0.0, 0.0, 3.0, 3.0]]]).repeat(64, 1, 1)
    _, moved = augment_with_boxes(torch.zeros(64, 1, 10, 10), boxes, Augmentation(shift_pixels=5), generator())
    areas = (moved[..., 2:] - moved[..., :2]).prod(dim=-1)
    assert areas.min() == 0, "some are gone"
    assert areas.max() == 9
