"""Pooling against torchvision's RoIAlign and against itself, done the other way."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eyechart.models import region_pooling
from eyechart.models.region_pooling import roi_align

ops = pytest.importorskip("torchvision.ops")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def random_boxes(*shape: int, width: float, height: float = 28) -> Tensor:
    """Boxes with an area inside an image of this size."""
    ends = torch.rand(*shape, 2, 2).sort(dim=-2).values * torch.tensor([width, height])
    return ends.flatten(-2)


class TestPooling:
    @pytest.mark.parametrize(("height", "width", "num_cells"), [(7, 7, 7), (7, 5, 4), (16, 10, 5), (50, 44, 7)])
    def test_is_torchvisions_forward_and_backward(self, height: int, width: int, num_cells: int) -> None:
        features = torch.randn(3, 6, height, width, requires_grad=True)
        boxes = random_boxes(3, 9, width=4 * width, height=4 * height)
        boxes[0, 0] = torch.tensor([2.0, 3.0, 2.5, 3.1])  # smaller than a cell of the map
        boxes[1, 0] = torch.tensor([0.0, 0.0, 4.0 * width, 4.0 * height])  # the whole image
        boxes[2, 0] = torch.tensor(
            [4.0 * width - 3, 4.0 * height - 2, 4.0 * width + 3, 4.0 * height + 3]
        )  # over the edge
        expected = ops.roi_align(features, list(boxes), num_cells, spatial_scale=0.25, sampling_ratio=2)
        pooled = roi_align(features, boxes, num_cells, scale=0.25)  # (B, R, cells, cells, D)
        torch.testing.assert_close(
            pooled.flatten(0, 1).permute(0, 3, 1, 2), expected, rtol=0, atol=2e-7 * height * height
        )
        upstream = torch.randn_like(expected)
        (expected_gradient,) = torch.autograd.grad(expected, features, upstream)
        (gradient,) = torch.autograd.grad(pooled.flatten(0, 1).permute(0, 3, 1, 2), features, upstream)
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-5, atol=2e-5)

    def test_looking_up_is_multiplying(self, monkeypatch: pytest.MonkeyPatch) -> None:
        features, boxes = torch.randn(2, 8, 30, 24), random_boxes(2, 5, width=100, height=125)
        monkeypatch.setattr(region_pooling, "LARGE_MAP", 0)
        looked_up = roi_align(features, boxes, 5, 0.25)
        monkeypatch.setattr(region_pooling, "LARGE_MAP", 10**9)
        torch.testing.assert_close(looked_up, roi_align(features, boxes, 5, 0.25))

    @pytest.mark.parametrize("with_gradients", [True, False])
    def test_memory_format_changes_nothing(self, with_gradients: bool) -> None:
        features, boxes = torch.randn(2, 8, 7, 5), random_boxes(2, 3, width=20)
        with torch.set_grad_enabled(with_gradients):
            last = roi_align(features.contiguous(memory_format=torch.channels_last), boxes, 5, 0.25)
            torch.testing.assert_close(last, roi_align(features, boxes, 5, 0.25))

    @pytest.mark.parametrize("with_gradients", [True, False])
    def test_what_is_no_number_stays_none(self, with_gradients: bool) -> None:
        """A network that diverges answers with such boxes, and judging it goes on."""
        boxes = torch.tensor([[[float("nan")] * 4, [2.0, 2, 12, 12], [0.0, 0, float("inf"), 9]]])
        with torch.set_grad_enabled(with_gradients):
            pooled = roi_align(torch.rand(1, 4, 7, 7), boxes, 5, 0.25)
        assert pooled[0, 0].isnan().all()
        assert pooled[0, 1].isfinite().all()

    def test_by_hand(self) -> None:
        """A ramp along x seen through one cell: samples at 1/4 and 3/4 of the box, whose mean is its centre."""
        ramp = torch.arange(8.0).expand(1, 1, 8, 8)
        pooled = roi_align(ramp, torch.tensor([[[4.0, 4.0, 20.0, 12.0]]]), num_cells=1, scale=0.25)
        assert pooled.item() == pytest.approx(3.0)
