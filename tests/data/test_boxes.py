"""The rule from ink to boxes, by hand and on MNIST."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from eyechart.data.batches import to_floats
from eyechart.data.boxes import INK_SHARE, MIN_CONTRAST, ink_boxes

H, W = 12, 8
FRAME = [0, 0, W, H]


def sheet(background=0.0, channels=1):
    return torch.full((1, channels, H, W), background)


def box_of(images):
    boxes = ink_boxes(images)
    assert boxes.dtype == torch.float32
    assert boxes.shape == (len(images), 4)
    return boxes[0].tolist()


@pytest.mark.parametrize(("background", "ink"), [(0.0, 1.0), (1.0, 0.0), (0.5, 0.9), (0.5, 0.1), (0.9, 0.75)])
def test_a_rectangle_on_any_background(background, ink):
    images = sheet(background)
    images[:, :, 3:9, 2:5] = ink
    assert box_of(images) == [2, 3, 5, 9]


def test_two_pixels_are_a_box_and_one_is_a_speck():
    images = sheet()
    images[0, 0, 4, 5] = 1
    assert box_of(images) == FRAME
    images[0, 0, 4, 6] = 1
    assert box_of(images) == [5, 4, 7, 5]


def test_an_empty_sheet_gets_the_whole_frame():
    assert box_of(sheet(0.3)) == FRAME


def test_noise_below_the_least_contrast_is_no_ink():
    images = sheet(0.5)
    images[:, :, 3:9, 2:5] += 0.9 * MIN_CONTRAST
    assert box_of(images) == FRAME
    images[:, :, 3:9, 2:5] = 0.5 + 1.1 * MIN_CONTRAST
    assert box_of(images) == [2, 3, 5, 9]


def test_grey_rims_are_left_out_by_share_of_the_contrast():
    images = sheet()
    images[:, :, 2:10, 1:7] = 0.9 * INK_SHARE
    images[:, :, 4:8, 3:5] = 1
    assert box_of(images) == [3, 4, 5, 8]
    images[:, :, 2:10, 1:7] = torch.maximum(images[:, :, 2:10, 1:7], torch.tensor(1.1 * INK_SHARE))
    assert box_of(images) == [1, 2, 7, 10]


def test_ink_up_to_the_edge():
    images = sheet()
    images[:, :, 0:6, 4:8] = 1
    assert box_of(images) == [4, 0, 8, 6]
    assert box_of(images.transpose(2, 3).contiguous()) == [0, 4, 6, 8]


def test_ink_that_differs_in_one_channel_only():
    images = sheet(0.5, channels=3)
    images[:, 2, 3:9, 2:5] = 1
    assert box_of(images) == [2, 3, 5, 9]


def test_a_full_frame():
    images = torch.rand(1, 1, H, W, generator=torch.Generator().manual_seed(0))
    assert box_of(images) == FRAME


def test_each_image_of_a_batch_is_judged_alone():
    images = torch.cat([sheet(0.0), sheet(1.0), sheet(0.0)])
    images[0, 0, 2:4, 1:7] = 0.2  # pale ink beside a sheet with strong ink
    images[1, 0, 3:9, 2:5] = 0
    assert ink_boxes(images).tolist() == [[1, 2, 7, 4], [2, 3, 5, 9], FRAME]


def test_the_images_are_not_written_to():
    images = torch.rand(2, 3, H, W)
    before = images.clone()
    ink_boxes(images)
    assert torch.equal(images, before)


def test_mnist_digits_fill_their_20_pixel_frame(mnist):
    """MNIST's digits were scaled to fit 20 x 20 pixels: the longer side of a tight box is 20, some grey rims apart."""
    pixels = np.array(mnist.test.images[:2000])
    boxes = ink_boxes(to_floats(torch.from_numpy(pixels))).numpy()
    sides = np.stack([boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]], axis=1)
    assert sides.max() == 20
    assert (sides.max(axis=1) >= 18).mean() > 0.99
    # By hand for one image: the first and last row and column with ink.
    contrast = pixels[0, 0] / 255
    rows, columns = np.nonzero(contrast > INK_SHARE * contrast.max())
    assert boxes[0].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.slow
def test_speed_on_one_thread(mnist):
    """CPU time of the thread that does it, and ten times what an idle core takes: neither depends on other load."""
    batch = to_floats(torch.from_numpy(np.array(mnist.train.images[:256])))
    times = []
    for _ in range(30):
        start = time.thread_time()
        ink_boxes(batch)
        times.append(time.thread_time() - start)
    assert 1000 * min(times) < 10  # milliseconds; 1.2 on an idle core
