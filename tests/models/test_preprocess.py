"""The way from the dataset's images to a network's input."""

from __future__ import annotations

import torch

from eyechart.models.preprocess import Preprocess
from eyechart.schema import Preprocessing


def preprocess(**fields: object) -> Preprocess:
    known = {"image_channels": 1, "image_height": 28, "image_width": 20, "input_channels": 1, "input_height": 28,
             "input_width": 20, "mean": (0.0,), "std": (1.0,)}  # fmt: skip
    return Preprocess(Preprocessing(**(known | fields)))  # type: ignore[arg-type]


def test_grey_becomes_three_normalised_channels() -> None:
    step = preprocess(input_channels=3, mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 4.0))
    out = step(torch.full((2, 1, 28, 20), 0.5))
    assert out.shape == (2, 3, 28, 20)
    torch.testing.assert_close(out[0, :, 0, 0], torch.tensor([0.4, 0.15, 0.05]))


def test_colour_becomes_grey_by_luminance() -> None:
    image = torch.zeros(1, 3, 28, 20)
    image[:, 1] = 1.0
    out = preprocess(image_channels=3)(image)
    assert out.shape == (1, 1, 28, 20)
    torch.testing.assert_close(out, torch.full((1, 1, 28, 20), 0.587))


def test_a_crop_takes_the_centre_and_a_resize_keeps_the_mean() -> None:
    image = torch.arange(28 * 20.0).reshape(1, 1, 28, 20)
    crop = preprocess(input_height=24, input_width=16, fit="centre-crop")(image)
    assert torch.equal(crop, image[..., 2:26, 2:18])
    resized = preprocess(input_height=14, input_width=10)(image)
    assert resized.shape == (1, 1, 14, 10)
    torch.testing.assert_close(resized.mean(), image.mean())


def test_statistics_are_not_part_of_the_weights() -> None:
    assert preprocess().state_dict() == {}
