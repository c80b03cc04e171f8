"""The maps that a detector looks at: sizes, depth, and that the fine ones know what the coarse ones saw."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from eyechart.base.errors import UsageError, WeightsError
from eyechart.catalog.recipes import recipe_of
from eyechart.models.backbones import Pyramid, make_backbone
from eyechart.models.catalog import plan_preprocessing
from eyechart.models.detector_options import STRIDE, DetectorOptions, read_options
from eyechart.models.faster_rcnn import FasterRCNN, build, finest_of, load_starting_tensors, trunk_stages
from eyechart.schema import DatasetCard, Preprocessing, WeightsOrigin
from eyechart.schema.contracts import Batch, StartingWeights
from eyechart.weights.trunks import TRUNKS

NOTHING = WeightsOrigin(name="none", description="random initialisation")


def dataset_card() -> DatasetCard:
    return DatasetCard(
        name="d", title="d", source="", licence="", content_sha256="", classes=("a", "b", "c"), num_channels=1,
        height=28, width=28, num_train=1, num_test=1,
    )  # fmt: skip


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


@pytest.mark.parametrize(("height", "width"), [(64, 64), (75, 90)])
@pytest.mark.parametrize(
    "more",
    [
        {"levels": 2},
        {"levels": 3},
        {"convolutions": 2},
        {"head_convolutions": 1},
        {"head_norm": True},
        {"refinements": 1},
        {"levels": 2, "head_convolutions": 1, "head_norm": True, "refinements": 2},
    ],
)
def test_every_option_learns_and_answers(more: dict[str, Any], height: int, width: int) -> None:
    """Anchors of every level are there, and a few steps on one picture find its boxes."""
    torch.manual_seed(0)
    options = DetectorOptions(
        width=8, anchor_pixels="12,16,24,32,40,48", anchor_ratios="1", head_units=32, num_candidates=100,
        num_proposals=16, region_positives=0.5, shared_deltas=True, **more,
    )  # fmt: skip
    levels = options.levels
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
    for _ in range(200):  # 120 are enough on some processors, whose sums round otherwise
        optimizer.zero_grad()
        loss, parts = model.losses(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    torch.testing.assert_close(parts.sum(), loss.detach())
    with torch.no_grad():
        found = model.eval().detect(images)
    for box, label in zip(boxes[0], (0, 1), strict=True):
        near = ((found.boxes[0] - box).abs().amax(dim=1) < 5).nonzero()
        assert len(near)
        assert found.labels[0, near[0]] == label, "the surest of the boxes that fit it"


def test_a_pyramid_is_only_there_where_levels_are() -> None:
    assert not isinstance(make_backbone(1, DetectorOptions(levels=1))[0], Pyramid)
    assert isinstance(make_backbone(1, DetectorOptions(levels=2))[0], Pyramid)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"refinements": 1}, "Expected shared_deltas = true with refinements"),
        ({"levels": 2, "anchor_pixels": "8,12,20"}, "are 3 for 2 levels; expected as many on each level"),
        ({"levels": 9}, "levels"),
        ({"anchor_pixels": "auto"}, "expected positive numbers with commas"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], told: str) -> None:
    recipe = recipe_of("fasterrcnn").model_copy(update={"options": options})
    with pytest.raises(UsageError, match=told):
        read_options(recipe)


@pytest.mark.parametrize("trunk", ["", "vgg16"])
@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_an_input_without_a_cell_for_every_level_is_refused(levels: int, trunk: str) -> None:
    """The bound is exact: one pixel less, and the coarsest map has no cell."""
    least = STRIDE * 2 ** (levels - 1)
    sizes = "8,12,16" if levels == 3 else "8,12,16,20"
    options = {"levels": levels, "trunk": trunk, "width": 4, "anchor_pixels": sizes}
    recipe = recipe_of("fasterrcnn").model_copy(update={"options": options})
    channels = 3 if trunk else 1

    def built(height: int, width: int) -> FasterRCNN:
        card = Preprocessing(
            image_channels=channels, image_height=height, image_width=width, input_channels=channels,
            input_height=height, input_width=width, mean=(0.2,) * channels, std=(0.3,) * channels,
        )  # fmt: skip
        model = build(recipe, card, 3)
        assert isinstance(model, FasterRCNN)
        return model

    for height, width in ((least, 2 * least + 3), (2 * least + 3, least)):
        with torch.no_grad():
            built(height, width).eval().detect(torch.rand(2, channels, height, width))
    for height, width in ((least - 1, 2 * least), (2 * least, least - 1)):
        told = f"levels are {levels} and its input is {width} x {height} pixels; expected {least} or"
        with pytest.raises(UsageError, match=told):
            built(height, width)


def test_what_leads_to_an_answer_can_be_looked_at() -> None:
    torch.manual_seed(0)
    options = DetectorOptions(width=4, num_candidates=30, num_proposals=9, shared_deltas=True, refinements=1)
    model = FasterRCNN(preprocessing(64, 48), 3, options).eval()
    boxes = torch.tensor([[10.0, 12, 20, 24], [30, 40, 44, 60]])
    with torch.no_grad():
        inside = model.look_inside(torch.rand(1, 64, 48), boxes)
        found = model.detect(torch.rand(1, 1, 64, 48))
    assert len(inside.candidates) == len(inside.candidate_scores) == 30
    assert (inside.candidate_scores.diff() <= 0).all(), "best first"
    assert 0 < len(inside.proposals) <= 9
    assert inside.region_scores.shape == (len(inside.proposals), 3)
    assert len(inside.found) == len(inside.found_scores) == len(inside.found_labels)
    middles = (inside.anchors[:, :2] + inside.anchors[:, 2:]) / 2
    inside_one = [((middles >= box[:2]) & (middles <= box[2:])).all(dim=1) for box in boxes]
    assert (inside_one[0] | inside_one[1]).any()
    assert len(inside.anchors) >= 2, "every true box has its best anchor"
    assert found.boxes.shape[0] == 1


class TestVgg16:
    """The backbone that begins with VGG16's convolutions, as the paper's did."""

    def model(self, **more: Any) -> FasterRCNN:
        recipe = recipe_of("fasterrcnn", {"frozen_stages": 2, "trunk_rate": 0.3})
        recipe = recipe.model_copy(update={"options": recipe.options | {"trunk": "vgg16", "width": 4} | more})
        card = plan_preprocessing(recipe, dataset_card(), (0.2,), (0.3,), StartingWeights(NOTHING, {}))
        assert card.input_channels == 3, "grey pictures are repeated"
        model = build(recipe, card, 3)
        assert isinstance(model, FasterRCNN)
        return model

    @pytest.mark.parametrize("levels", [1, 2])
    def test_tensors_of_the_name_are_taken_and_its_first_stages_stand_still(self, levels: int) -> None:
        model = self.model(levels=levels, anchor_pixels="8,12,16,20")
        kept = {f"features.{number}": shape for number, *shape in TRUNKS["vgg16"]}
        tensors = {f"{name}.weight": torch.rand(out, given, side, side) for name, (out, given, side) in kept.items()}
        tensors |= {f"{name}.bias": torch.rand(out) for name, (out, _, _) in kept.items()}
        load_starting_tensors(model, tensors)
        trunk = finest_of(model)[0]
        assert isinstance(trunk, torch.nn.Sequential)
        assert torch.equal(trunk[14].weight, tensors["features.14.weight"])
        assert torch.equal(trunk[0].bias, tensors["features.0.bias"])
        still = {number for number in (0, 2, 5, 7, 10, 12, 14) if not trunk[number].weight.requires_grad}
        assert still == {0, 2, 5, 7}
        assert sum(p.numel() for p in trunk_stages(model)[0]) == sum(
            p.numel() for number in (10, 12, 14) for p in trunk[number].parameters()
        )
        (finest, *_) = model.feature_maps(torch.rand(2, 1, 28, 28))
        assert tuple(finest.shape) == (2, 16, 7, 7)

    def test_a_cnn_s_stages_are_refused(self) -> None:
        with pytest.raises(WeightsError, match=r"features.0.weight is not there.*hed or imagenet"):
            load_starting_tensors(self.model(), {"0.weight": torch.zeros(4, 1, 3, 3)})

    def test_nothing_is_left_as_memory_had_it(self) -> None:
        """On the meta device made, on a real one filled: all finite, no bias but zero."""
        trunk = finest_of(self.model())[0]
        for name, tensor in trunk.named_parameters():
            assert torch.isfinite(tensor).all()
            assert not name.endswith("bias") or not tensor.any()
