"""Our CNN: its shapes, what it refuses, and that more pixels mean more stages."""

from __future__ import annotations

import pytest
import torch

from eyechart.base.errors import UsageError
from eyechart.models.cnn import CNN


@pytest.mark.parametrize(("height", "width", "num_stages"), [(24, 24, 3), (28, 20, 3), (64, 64, 4), (224, 160, 6)])
def test_more_pixels_get_more_stages(height: int, width: int, num_stages: int) -> None:
    cnn = CNN(3, height, width, num_classes=7).eval()
    assert len(cnn.stages) == num_stages
    assert cnn(torch.rand(2, 3, height, width)).shape == (2, 7)


def test_too_small_an_image_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="got images of 4x28 pixels; expected at least 8"):
        CNN(1, 4, 28, num_classes=10)


def test_pooling_first_gives_what_activating_first_gives() -> None:
    """The design's claim: max-pool and ReLU commute, so the cheaper order is the same function."""
    maps = torch.randn(2, 4, 8, 8)
    pooled = torch.nn.functional.max_pool2d(maps, 2)
    assert torch.equal(pooled.relu(), torch.nn.functional.max_pool2d(maps.relu(), 2))
