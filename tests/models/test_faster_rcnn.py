"""Faster R-CNN as a contender: the rule from boxes to a label, what it trains on, and the contract."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest
import torch

from eyechart.base.errors import UsageError
from eyechart.models.detector_options import DetectorOptions
from eyechart.models.faster_rcnn import FasterRCNN, probabilities_from_boxes
from eyechart.models.region_ops import grown
from eyechart.schema.contracts import Batch, Detections

# --------------------------------------------------------------------------------------------- from boxes to a label


def found(*images: list[tuple[float, int]]) -> Detections:
    """Detections with these (score, class) pairs an image, filled up."""
    longest = max(2, *(len(image) for image in images))
    padded = [image + [(0.0, -1)] * (longest - len(image)) for image in images]
    scores = torch.tensor([[score for score, _ in image] for image in padded])
    labels = torch.tensor([[label for _, label in image] for image in padded])
    return Detections(torch.zeros(len(images), longest, 4), scores, labels)


class TestProbabilitiesFromBoxes:
    @pytest.mark.parametrize(
        ("boxes", "expected"),
        [
            ([], [1.0, 1.0, 1.0, 1.0]),
            ([(0.6, 2)], [1.0, 1.0, 148.5, 1.0]),  # 0.6 / 0.4 against 0.01 / 0.99
            ([(0.6, 0)], [148.5, 1.0, 1.0, 1.0]),  # class 0 is a class like any other
            ([(0.9, 1), (0.6, 3), (0.5, 1)], [1.0, 891.0, 1.0, 148.5]),  # the best box of a class counts
        ],
    )
    def test_by_hand(self, boxes: list[tuple[float, int]], expected: list[float]) -> None:
        """`expected` as odds, in units of those of a class without a box."""
        probabilities = torch.tensor(expected) / sum(expected)
        torch.testing.assert_close(probabilities_from_boxes(found(boxes), 4)[0], probabilities)

    def test_no_answer_is_impossible(self) -> None:
        """A certain detector that is wrong pays a finite loss."""
        probabilities = probabilities_from_boxes(found([(1.0, 1)], []), 4)
        assert probabilities.min() > 0
        assert -math.log(probabilities[0, 0].item()) < 20
        torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))


# --------------------------------------------------------------------------------------------- truth


class TestTruth:
    def test_boxes_outside_the_frame_are_dropped(self, cases: ModuleType) -> None:
        boxes = torch.tensor([[[3.0, 3, 9, 9], [30, 2, 40, 9], [1, 1, 2, 2]]])
        truth = cases.detector().frame.truth(boxes, torch.tensor([[0, 1, -1]]))
        assert truth.filled.tolist() == [[True, False, False]]

    @pytest.mark.parametrize(
        ("boxes", "labels", "message"),
        [
            (None, [[0]], "trains on boxes"),
            ([[[1, 1, 5, 5]]], None, "trains on boxes"),
            ([1.0, 2, 3, 4], [[0]], r"Boxes \(4,\) with labels \(1, 1\) were given for 1 images"),
            ([[[1.0, 2, 3, 4, 5]]], [[0]], r"expected \(1, R, 4\)"),
            ([[[1.0, 2, 3, 4]]], [[0, 1]], r"expected \(1, R, 4\) and \(1, R\)"),
            ([[[5.0, 5, 9, 9], [1, 3, 1, 4]]], [[0, 0]], r"Image 0 .* \[1.0, 3.0, 1.0, 4.0\] .* left < right"),
            ([[[2.0, 4, 3, 4]]], [[1]], "top < bottom"),
            ([[[9.0, 9, 5, 5]]], [[1]], "left < right"),
            ([[[float("nan"), 1, 5, 5]]], [[1]], "left < right"),
            ([[[1.0, 1, float("inf"), 5]]], [[1]], "left < right"),
            ([[[1.0, 1, 5, 5]]], [[7]], "label 7; expected .* a label of 0 to 2"),
        ],
    )
    def test_what_torchvisions_detectors_refuse_is_refused(
        self, cases: ModuleType, boxes: list[Any] | None, labels: list[Any] | None, message: str
    ) -> None:
        targets = [None if each is None else torch.tensor(each) for each in (boxes, labels)]
        batch = Batch(cases.scenes((1,)).images, torch.zeros(1, dtype=torch.long), *targets)
        with pytest.raises(ValueError, match=message):
            cases.detector().losses(batch)

    def test_images_without_boxes_train_as_background(self, cases: ModuleType) -> None:
        model = cases.detector()
        images = cases.scenes((1, 1)).images
        nothing = Batch(images, torch.zeros(2, dtype=torch.long), torch.zeros(2, 1, 4), torch.tensor([[-1], [-1]]))
        loss = model.loss(nothing)
        loss.backward()
        assert torch.isfinite(loss)
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
        no_slots = Batch(images, nothing.labels, torch.zeros(2, 0, 4), torch.zeros(2, 0, dtype=torch.long))
        assert torch.isfinite(model.loss(no_slots))

    def test_slots_that_are_not_filled_change_nothing(self, cases: ModuleType) -> None:
        data = cases.scenes((2, 1))
        model = cases.detector(proposal_samples=cases.EVERYTHING, region_samples=cases.EVERYTHING)
        assert data.boxes is not None
        assert data.box_labels is not None
        garbage = data.boxes.clone()
        garbage[1, 1] = torch.tensor([1.0, 2.0, 15.0, 20.0])  # filled up: label -1
        torch.testing.assert_close(model.loss(data), model.loss(data._replace(boxes=garbage)))

    def test_resizing_moves_boxes_there_and_back(self, cases: ModuleType) -> None:
        frame = cases.detector(preprocessing=cases.card(input_height=56, input_width=30)).frame
        boxes = torch.tensor([[[2.0, 4.0, 10.0, 20.0]]])
        truth = frame.truth(boxes, torch.tensor([[0]]))
        torch.testing.assert_close(truth.boxes, torch.tensor([[[3.0, 8.0, 15.0, 40.0]]]))
        torch.testing.assert_close(frame.to_image(truth.boxes, truth.filled), boxes)

    def test_cropping_moves_boxes_there_and_back(self, cases: ModuleType) -> None:
        frame = cases.detector(preprocessing=cases.card(input_height=20, input_width=16, fit="centre-crop")).frame
        boxes = torch.tensor([[[4.0, 7.0, 10.0, 20.0], [0.0, 0.0, 20.0, 3.0]]])
        truth = frame.truth(boxes, torch.tensor([[0, 0]]))
        assert truth.filled.tolist() == [[True, False]]  # the second lies in the part that is cut off
        assert truth.boxes[0, 0].tolist() == [2, 3, 8, 16]
        assert frame.to_image(truth.boxes, truth.filled)[0, 0].tolist() == [4, 7, 10, 20]


# --------------------------------------------------------------------------------------------- the contract


class TestContract:
    @pytest.mark.parametrize(
        ("channels", "height", "width", "num_classes"), [(1, 28, 20, 3), (3, 33, 46, 7), (1, 8, 8, 10)]
    )
    def test_shapes(self, cases: ModuleType, channels: int, height: int, width: int, num_classes: int) -> None:
        model = cases.detector(num_classes, cases.card(channels, height, width), num_detections=6)
        assert model.needs_boxes
        box = torch.tensor([[[1.0, 1.0, 6.0, 7.0]]]).repeat(2, 1, 1)
        labels = torch.tensor([0, num_classes - 1])
        images = torch.rand(2, channels, height, width)
        loss = model.loss(Batch(images, labels, box, labels[:, None]))
        assert loss.shape == ()
        assert torch.isfinite(loss)
        with torch.no_grad():
            probabilities, detections = model.eval().answer(images)
            torch.testing.assert_close(model.class_probabilities(images), probabilities)
        assert detections is not None
        assert probabilities.shape == (2, num_classes)
        assert probabilities.dtype == torch.float32
        torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))
        assert detections.boxes.shape == (2, 6, 4)
        assert detections.scores.shape == detections.labels.shape == (2, 6)
        assert (detections.labels < num_classes).all()
        assert (detections.scores.diff(dim=1) <= 0).all(), "best first"
        assert ((detections.scores > 0) == (detections.labels >= 0)).all()
        assert (detections.boxes >= 0).all()
        assert (detections.boxes[..., 0::2] <= width).all()
        assert (detections.boxes[..., 1::2] <= height).all()

    def test_parameter_count(self, cases: ModuleType) -> None:
        """Backbone 9*(1*4 + 4*8 + 8*16) + 2*(4 + 8 + 16); proposals 9*16*16 + 16 + 17*12*5; head as below."""
        backbone = 9 * (4 + 32 + 128) + 2 * 28
        proposals = 9 * 16 * 16 + 16 + (16 + 1) * 12 * 5
        head = (25 * 16 + 1) * 24 + (24 + 1) * 24 + (24 + 1) * 4 * 5
        model = cases.detector(num_classes=3, pool_cells=5, anchor_pixels="8,12,16,20", anchor_ratios="1,2,4")
        assert sum(p.numel() for p in model.parameters()) == backbone + proposals + head == 15_596

    def test_every_parameter_learns(self, cases: ModuleType) -> None:
        model = cases.detector()
        model.loss(cases.scenes((1, 2, 1, 2))).backward()
        without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert not without

    def test_loss_falls_and_class_0_is_learned(self, cases: ModuleType) -> None:
        """Eight images with one bar each: all of them, class 0 too, get their class and a box that fits."""
        model, data = cases.detector(width=8, region_positives=0.5, **cases.BAR_ANCHORS), cases.scenes((1,) * 8)
        losses = cases.train(model, data, 80, learning_rate=6e-3)
        assert losses[-1] < 0.25 * losses[0]
        with torch.no_grad():
            probabilities, detections = model.eval().answer(data.images)
        assert probabilities.argmax(dim=1).tolist() == data.labels.tolist()
        assert 0 in data.labels
        assert detections is not None
        assert data.boxes is not None
        torch.testing.assert_close(detections.boxes[:, 0], data.boxes[:, 0], rtol=0, atol=2.0)

    def test_same_seed_same_weights(self, cases: ModuleType) -> None:
        data, results = cases.scenes((1, 2, 0, 1)), []
        for _ in range(2):
            model = cases.detector(proposal_samples=8, region_samples=4)
            losses = cases.train(model, data, 3)
            results.append((losses, model.state_dict()))
        assert results[0][0] == results[1][0]
        assert all(torch.equal(value, results[1][1][name]) for name, value in results[0][1].items())

    def test_the_validation_loss_is_repeatable_and_changes_nothing(self, cases: ModuleType) -> None:
        """In eval mode the loss is measured, not trained on: same draws, no gradient, no random number used up."""
        model, data = cases.detector(proposal_samples=8, region_samples=4).eval(), cases.scenes((1, 2, 0, 1))
        before = {name: value.clone() for name, value in model.state_dict().items()}
        state = torch.get_rng_state()
        with torch.no_grad():
            first, second = model.loss(data), model.loss(data)
        assert torch.isfinite(first)
        assert torch.equal(first, second)
        assert torch.equal(torch.get_rng_state(), state)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

    def test_answers_do_not_depend_on_the_rest_of_the_batch(self, cases: ModuleType, trained: FasterRCNN) -> None:
        images = cases.scenes((2, 0, 1, 3)).images
        with torch.no_grad():
            together = trained.eval().class_probabilities(images)
            alone = torch.cat([trained.class_probabilities(image[None]) for image in images])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)

    def test_whole_pixels_and_voting(self, cases: ModuleType, trained: FasterRCNN) -> None:
        """The same network: all edges whole and within a pixel; votes move boxes and nothing else."""
        images = cases.scenes((1, 2)).images
        plain = trained.eval().detect(images)
        for options in ({"whole_pixels": True}, {"vote_overlap": 0.5}):
            other = cases.detector(num_proposals=30, num_detections=15, **options, **cases.BAR_ANCHORS)
            other.load_state_dict(trained.state_dict())
            found = other.eval().detect(images)
            assert torch.equal(found.scores, plain.scores)
            assert torch.equal(found.labels, plain.labels)
            assert not torch.equal(found.boxes, plain.boxes)
            if "whole_pixels" in options:
                assert torch.equal(found.boxes, plain.boxes.round())

    def test_half_precision_keeps_boxes_in_full(self, cases: ModuleType) -> None:
        model, data = cases.detector(), cases.scenes((1, 2))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model.loss(data)
            answer = model.eval().answer(data.images)
        assert torch.isfinite(loss)
        assert answer.probabilities.dtype == torch.float32
        assert answer.detections is not None
        assert answer.detections.boxes.dtype == torch.float32


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"widht": 32}, "option widht = 32 cannot be .* Known options: trunk, width"),
            ({"width": 0}, "option width = 0 cannot be"),
            ({"anchor_pixels": "8;12"}, "anchor_pixels='8;12'.* expected positive numbers with commas"),
            ({"anchor_ratios": "1,-2"}, "expected positive numbers with commas"),
            ({"anchor_ratios": "1,nan"}, "expected positive numbers with commas"),
            ({"anchors": "8x12,9"}, "anchors='8x12,9' .* anchors as in '7x21,13x18'"),
            ({"anchors": "8x0"}, "expected positive numbers"),
            ({"anchors": "8x9,10x12,9x9", "levels": 2}, "anchors='8x9,10x12,9x9' are 3 for 2 levels"),
        ],
    )
    def test_what_cannot_be_is_a_clear_error(self, cases: ModuleType, options: dict[str, Any], message: str) -> None:
        with pytest.raises(UsageError, match=message):
            cases.detector(**options)


def test_anchors_grow_with_the_images_where_the_recipe_says_so() -> None:
    options = DetectorOptions(anchor_pixels="8,20", anchor_ratios="1", scale_anchors=True)
    assert options.anchors_for(28, 20) == [[(8, 8), (20, 20)]]
    assert options.anchors_for(32, 56) == [[(16, 16), (40, 40)]]
    assert DetectorOptions(anchors="8x20", scale_anchors=True).anchors_for(56, 56) == [[(16, 40)]]
    assert DetectorOptions(anchors="8x20").anchors_for(56, 56) == [[(8, 20)]]


@pytest.mark.parametrize("growth", [1.0, 1.25])
def test_an_aligned_window_is_torchvisions_aligned_pooling(cases: ModuleType, growth: float) -> None:
    """What the head is given for boxes of a map cell and more."""
    ops = pytest.importorskip("torchvision.ops")
    torch.manual_seed(0)
    head = cases.detector(pool_aligned=True, pool_growth=growth, pool_cells=5).region_head
    seen: list[torch.Tensor] = []
    head.hidden.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    corner = torch.rand(2, 6, 2) * 15
    boxes = torch.cat([corner, corner + 4 + torch.rand(2, 6, 2) * 9], dim=-1)
    features = torch.randn(2, head.hidden[0].in_features // 25, 7, 7)
    with torch.no_grad():
        head(features, boxes)
    windows = list(grown(boxes, growth))
    expected = ops.roi_align(features, windows, 5, spatial_scale=0.25, sampling_ratio=2, aligned=True)
    torch.testing.assert_close(seen[0].flatten(0, 1), expected.permute(0, 2, 3, 1).flatten(1), rtol=0, atol=1e-5)


def test_a_sliver_is_seen_through_a_whole_cell() -> None:
    assert grown(torch.tensor([10.0, 10, 12, 30]), 1.25, least=4.0).tolist() == [9, 7.5, 13, 32.5]


def test_anchors_are_given_or_sizes_times_ratios() -> None:
    assert DetectorOptions(anchors="8x9,10x12.5", levels=2).anchors_for(99, 99) == [[(8, 9)], [(10, 12.5)]]
    product = DetectorOptions(anchor_pixels="8,20", anchor_ratios="1,4").anchors_for(99, 99)
    assert product == [[(8, 8), (20, 20), (4, 16), (10, 40)]]
