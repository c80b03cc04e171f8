"""The maps that a detector looks at: sizes, depth, and that the fine ones know what the coarse ones saw."""

from __future__ import annotations

import pytest
import torch

from eyechart.models.backbones import STRIDE, Pyramid, make_backbone
from eyechart.models.detector_options import DetectorOptions
from eyechart.models.faster_rcnn import FasterRCNN
from eyechart.schema import Preprocessing
from eyechart.schema.contracts import Batch


def preprocessing(height: int, width: int) -> Preprocessing:
    return Preprocessing(
        image_channels=1, image_height=height, image_width=width, input_channels=1, input_height=height,
        input_width=width, mean=(0.2,), std=(0.3,),
    )  # fmt: skip


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (75, 90), (100, 61)])
def test_each_level_halves_the_one_before(levels: int, height: int, width: int) -> None:
    backbone, depth = make_backbone(1, DetectorOptions(width=4, levels=levels))
    found = backbone.eval()(torch.rand(2, 1, height, width))
    maps = found if isinstance(found, list) else [found]
    assert depth == 16
    sides = [(height // STRIDE, width // STRIDE)]
    for _ in range(levels - 1):
        sides.append((sides[-1][0] // 2, sides[-1][1] // 2))
    assert [tuple(each.shape) for each in maps] == [(2, depth, *side) for side in sides]


def test_a_fine_cell_knows_what_is_far_away_through_the_coarse_ones() -> None:
    torch.manual_seed(0)
    for levels, sees_it in ((1, False), (3, True)):
        backbone, _ = make_backbone(1, DetectorOptions(width=4, levels=levels))
        images = torch.rand(1, 1, 64, 64, requires_grad=True)
        found = backbone.eval()(images)
        finest = found[0] if isinstance(found, list) else found
        finest[0, :, 2, 2].sum().backward()
        assert images.grad is not None
        assert bool(images.grad[0, 0, 36:].abs().sum() > 0) == sees_it, levels


@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (75, 90)])
def test_a_detector_with_levels_learns_and_answers(levels: int, height: int, width: int) -> None:
    """Anchors of every level are there, and a few steps on one picture find its box."""
    torch.manual_seed(0)
    options = DetectorOptions(
        width=8, levels=levels, anchor_pixels="12,16,24,32,40,48", anchor_ratios="1", head_units=32,
        num_candidates=100, num_proposals=16, region_positives=0.5, shared_deltas=True,
    )  # fmt: skip
    model = FasterRCNN(preprocessing(height, width), 2, options)
    cells = [(height // STRIDE, width // STRIDE)]
    for _ in range(levels - 1):
        cells.append((cells[-1][0] // 2, cells[-1][1] // 2))
    sizes = len(options.anchor_sizes) // levels
    assert len(model.proposal_network.anchors) == sum(h * w * sizes for h, w in cells)
    boxes = torch.tensor([[[10.0, 12, 30, 44], [35, 8, 58, 31]]])
    images = torch.zeros(1, 1, height, width)
    images[0, 0, 12:44, 10:30] = 1
    images[0, 0, 8:31, 35:58] = 0.5
    batch = Batch(images, torch.zeros(1, dtype=torch.int64), boxes, torch.tensor([[0, 1]]))
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss, parts = model.losses(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    torch.testing.assert_close(parts.sum(), loss.detach())
    with torch.no_grad():
        found = model.eval().detect(images)
    for box, label in zip(boxes[0], (0, 1), strict=True):
        best = (found.boxes[0] - box).abs().amax(dim=1).argmin()
        assert (found.boxes[0, best] - box).abs().max() < 5
        assert found.labels[0, best] == label


def test_a_pyramid_is_only_there_where_levels_are() -> None:
    assert not isinstance(make_backbone(1, DetectorOptions(levels=1))[0], Pyramid)
    assert isinstance(make_backbone(1, DetectorOptions(levels=2))[0], Pyramid)
