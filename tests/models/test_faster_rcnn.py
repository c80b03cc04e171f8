"""Faster R-CNN: the same mathematics as torchvision's class, and the contract of a contender."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from eyechart.contracts import Batch, Detections
from eyechart.errors import UsageError
from eyechart.models.faster_rcnn import FasterRCNN, build, probabilities_from_boxes
from eyechart.schema import Preprocessing, Recipe

EVERYTHING = 100_000  # samples an image: more than there are, so that both sides learn from the same ones
MEAN, STD = 0.2, 0.4
BAR_ANCHORS = {"anchor_pixels": "6,10", "anchor_ratios": "0.5,1,2"}  # that fit the bars of `scenes`


def recipe(**options: Any) -> Recipe:
    return Recipe(
        contender="fasterrcnn", title="", epochs=1, batch_size=8, optimizer="adamw", learning_rate=1e-3,
        options={"width": 4, "head_units": 24} | options, source="test", expect="test",
    )  # fmt: skip


def card(channels: int = 1, height: int = 28, width: int = 20, **changes: Any) -> Preprocessing:
    values = {
        "image_channels": channels, "image_height": height, "image_width": width,
        "input_channels": channels, "input_height": height, "input_width": width,
        "mean": (MEAN,) * channels, "std": (STD,) * channels,
    }  # fmt: skip
    return Preprocessing.model_validate(values | changes)


def detector(num_classes: int = 3, preprocessing: Preprocessing | None = None, **options: Any) -> FasterRCNN:
    torch.manual_seed(0)
    model = build(recipe(**options), preprocessing or card(), num_classes)
    assert isinstance(model, FasterRCNN)
    return model


def scenes(num_boxes: tuple[int, ...], channels: int = 1, height: int = 28, width: int = 20, seed: int = 0) -> Batch:
    """Dim noise with that many bright bars an image: class 0 lies, 1 stands, 2 is a square.  They may overlap."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(len(num_boxes), channels, height, width, generator=generator) * 0.2
    boxes = torch.zeros(len(num_boxes), max(num_boxes), 4)
    labels = torch.full((len(num_boxes), max(num_boxes)), -1)
    for image, count in enumerate(num_boxes):
        for slot in range(count):
            label = (image + slot) % 3
            wide, high = ((12, 5), (5, 12), (9, 9))[label]
            left = int(torch.randint(0, width - wide + 1, (), generator=generator))
            top = int(torch.randint(0, height - high + 1, (), generator=generator))
            images[image, :, top : top + high, left : left + wide] = 0.6 + 0.2 * label
            boxes[image, slot] = torch.tensor([left, top, left + wide, top + high])
            labels[image, slot] = label
    return Batch(images, labels[:, 0].clamp(min=0), boxes, labels)


def train(model: FasterRCNN, data: Batch, num_steps: int, learning_rate: float = 3e-3) -> list[float]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    losses = []
    torch.manual_seed(1)
    for _ in range(num_steps):
        loss = model.loss(data)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# --------------------------------------------------------------------------------------------- torchvision


class TorchvisionHead(nn.Module):
    """torchvision's TwoMLPHead with our weights: it flattens depth first, we flatten it last."""

    def __init__(self, model: FasterRCNN):
        super().__init__()
        from torchvision.models.detection.faster_rcnn import TwoMLPHead

        first, second = model.region_head.hidden[0], model.region_head.hidden[2]
        cells = model.region_head.options.pool_cells
        self.head = TwoMLPHead(first.in_features, first.out_features)
        self.head.fc7.load_state_dict(second.state_dict())
        weight = first.weight.detach().view(first.out_features, cells, cells, -1)
        self.head.fc6.weight.data = weight.permute(0, 3, 1, 2).flatten(1)
        self.head.fc6.bias.data = first.bias.detach().clone()

    def forward(self, pooled: Tensor) -> Tensor:
        hidden: Tensor = self.head(pooled)
        return hidden


def torchvision_twin(model: FasterRCNN, num_classes: int) -> nn.Module:
    """torchvision's FasterRCNN with the same backbone, anchors, settings and weights."""
    from torchvision.models.detection import FasterRCNN as TorchvisionFasterRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
    from torchvision.ops import MultiScaleRoIAlign

    options, (height, width) = model.region_head.options, model.region_head.input_size
    model.backbone.out_channels = model.proposal_network.convolution.in_channels  # type: ignore[assignment]
    twin = TorchvisionFasterRCNN(
        model.backbone,
        min_size=min(height, width),
        max_size=max(height, width),
        size_divisible=1,
        image_mean=[MEAN],
        image_std=[STD],
        rpn_anchor_generator=AnchorGenerator((tuple(options.anchor_sizes),), (tuple(options.anchor_shapes),)),
        rpn_pre_nms_top_n_train=options.num_candidates,
        rpn_pre_nms_top_n_test=options.num_candidates,
        rpn_post_nms_top_n_train=options.num_proposals,
        rpn_post_nms_top_n_test=options.num_proposals,
        rpn_batch_size_per_image=options.proposal_samples,
        rpn_positive_fraction=options.proposal_positives,
        rpn_nms_thresh=options.proposal_overlap,
        box_roi_pool=MultiScaleRoIAlign(["0"], options.pool_cells, sampling_ratio=2),
        box_head=TorchvisionHead(model),
        box_predictor=FastRCNNPredictor(options.head_units, num_classes + 1),
        box_batch_size_per_image=options.region_samples,
        box_positive_fraction=options.region_positives,
        box_score_thresh=options.score_threshold,
        box_nms_thresh=options.detection_overlap,
        box_detections_per_img=options.num_detections,
    )
    twin.rpn.head.conv[0][0].load_state_dict(model.proposal_network.convolution.state_dict())
    twin.rpn.head.cls_logits.load_state_dict(model.proposal_network.objectness.state_dict())
    twin.rpn.head.bbox_pred.load_state_dict(model.proposal_network.deltas.state_dict())
    twin.roi_heads.box_predictor.cls_score.load_state_dict(model.region_head.classes.state_dict())
    twin.roi_heads.box_predictor.bbox_pred.load_state_dict(model.region_head.deltas.state_dict())
    return twin


def torchvision_targets(data: Batch) -> list[dict[str, Tensor]]:
    """The same truth in torchvision's convention: lists without empty slots, classes from 1."""
    assert data.boxes is not None
    assert data.box_labels is not None
    filled = data.box_labels >= 0
    return [
        {"boxes": boxes[f], "labels": labels[f] + 1}
        for boxes, labels, f in zip(data.boxes, data.box_labels, filled, strict=True)
    ]


@pytest.fixture(scope="module")
def trained() -> FasterRCNN:
    """Trained a little, so that scores differ, proposals overlap and some boxes fall below the threshold."""
    model = detector(num_proposals=30, num_detections=15, **BAR_ANCHORS)
    train(model, scenes((1, 2, 3, 0, 1, 2, 3, 1), seed=7), 40)
    return model


NUM_BOXES = (2, 0, 1, 3, 1, 2)  # of the images that are compared: several, one, none


class TestTorchvision:
    @pytest.fixture(params=["untrained", "trained"])
    def model(self, request: pytest.FixtureRequest, trained: FasterRCNN) -> FasterRCNN:
        model = detector(proposal_samples=EVERYTHING, region_samples=EVERYTHING, num_proposals=30, **BAR_ANCHORS)
        if request.param == "trained":
            model.load_state_dict(trained.state_dict())
        return model.train()

    def test_losses_are_equal(self, model: FasterRCNN) -> None:
        """Both stages, with every sample drawn; batch norm in training mode, several boxes an image and none."""
        data = scenes(NUM_BOXES)
        twin = torchvision_twin(model, 3).train()
        expected = twin(list(data.images), torchvision_targets(data))
        assert data.boxes is not None
        assert data.box_labels is not None
        truth = model.frame.truth(data.boxes, data.box_labels)
        features = model.features(data.images)
        scores = model.proposal_network(features)
        first = model.proposal_network.loss(*scores, truth, None)
        second = model.region_head.loss(features, model.proposal_network.propose(*scores), truth, None)
        torch.testing.assert_close(first, expected["loss_objectness"] + expected["loss_rpn_box_reg"])
        torch.testing.assert_close(second, expected["loss_classifier"] + expected["loss_box_reg"])
        torch.testing.assert_close(model.loss(data), sum(expected.values()))

    def test_gradients_are_equal(self, model: FasterRCNN) -> None:
        data = scenes(NUM_BOXES)
        shared = list(model.backbone.parameters())
        twin = torchvision_twin(model, 3).train()
        expected = torch.autograd.grad(sum(twin(list(data.images), torchvision_targets(data)).values()), shared)
        for own, other in zip(torch.autograd.grad(model.loss(data), shared), expected, strict=True):
            torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-5)

    def test_detections_are_equal(self, trained: FasterRCNN) -> None:
        model, data = trained.eval(), scenes(NUM_BOXES)
        with torch.no_grad():
            expected = torchvision_twin(model, 3).eval()(list(data.images))
            found = model.detect(data.images)
        assert sum(len(image["scores"]) for image in expected) > len(NUM_BOXES), "a comparison of something"
        for image, theirs in enumerate(expected):
            count = int((found.labels[image] >= 0).sum())
            assert count == len(theirs["labels"])
            assert torch.equal(found.labels[image, :count] + 1, theirs["labels"])
            torch.testing.assert_close(found.scores[image, :count], theirs["scores"], rtol=0, atol=1e-5)
            torch.testing.assert_close(found.boxes[image, :count], theirs["boxes"], rtol=0, atol=1e-3)

    def test_more_boxes_than_answered_are_cut_alike(self, trained: FasterRCNN) -> None:
        model = detector(num_proposals=30, num_detections=2, score_threshold=0.01, **BAR_ANCHORS)
        model.load_state_dict(trained.state_dict())
        data = scenes(NUM_BOXES)
        with torch.no_grad():
            expected = torchvision_twin(model.eval(), 3).eval()(list(data.images))
            found = model.detect(data.images)
        assert found.labels.shape == (len(NUM_BOXES), 2)
        assert any(len(theirs["labels"]) == 2 for theirs in expected), "something was cut"
        for image, theirs in enumerate(expected):
            own = found.labels[image][found.labels[image] >= 0]
            assert torch.equal(own + 1, theirs["labels"])


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
    def test_degenerate_boxes_are_dropped(self) -> None:
        boxes = torch.tensor([[[3.0, 3, 9, 9], [5, 5, 5, 9], [5, 5, 9, 5], [9, 9, 5, 5], [30, 2, 40, 9], [1, 1, 2, 2]]])
        truth = detector().frame.truth(boxes, torch.tensor([[0, 0, 1, 1, 1, -1]]))
        assert truth.filled.tolist() == [[True, False, False, False, False, False]]

    def test_images_without_boxes_train_as_background(self) -> None:
        model = detector()
        images = scenes((1, 1)).images
        nothing = Batch(images, torch.zeros(2, dtype=torch.long), torch.zeros(2, 1, 4), torch.tensor([[-1], [0]]))
        loss = model.loss(nothing)  # the second image's box has no area
        loss.backward()
        assert torch.isfinite(loss)
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
        no_slots = Batch(images, nothing.labels, torch.zeros(2, 0, 4), torch.zeros(2, 0, dtype=torch.long))
        assert torch.isfinite(model.loss(no_slots))

    def test_slots_that_are_not_filled_change_nothing(self) -> None:
        data = scenes((2, 1))
        model = detector(proposal_samples=EVERYTHING, region_samples=EVERYTHING)
        assert data.boxes is not None
        assert data.box_labels is not None
        garbage = data.boxes.clone()
        garbage[1, 1] = torch.tensor([1.0, 2.0, 15.0, 20.0])  # filled up: label -1
        torch.testing.assert_close(model.loss(data), model.loss(data._replace(boxes=garbage)))

    def test_resizing_moves_boxes_there_and_back(self) -> None:
        frame = detector(preprocessing=card(input_height=56, input_width=30)).frame
        boxes = torch.tensor([[[2.0, 4.0, 10.0, 20.0]]])
        truth = frame.truth(boxes, torch.tensor([[0]]))
        torch.testing.assert_close(truth.boxes, torch.tensor([[[3.0, 8.0, 15.0, 40.0]]]))
        torch.testing.assert_close(frame.to_image(truth.boxes, truth.filled), boxes)

    def test_cropping_moves_boxes_there_and_back(self) -> None:
        frame = detector(preprocessing=card(input_height=20, input_width=16, fit="centre-crop")).frame
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
    def test_shapes(self, channels: int, height: int, width: int, num_classes: int) -> None:
        model = detector(num_classes, card(channels, height, width), num_detections=6)
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

    def test_parameter_count(self) -> None:
        """Backbone 9*(1*4 + 4*8 + 8*16) + 2*(4 + 8 + 16); proposals 9*16*16 + 16 + 17*12*5; head as below."""
        backbone = 9 * (4 + 32 + 128) + 2 * 28
        proposals = 9 * 16 * 16 + 16 + (16 + 1) * 12 * 5
        head = (25 * 16 + 1) * 24 + (24 + 1) * 24 + (24 + 1) * 4 * 5
        model = detector(num_classes=3, pool_cells=5, anchor_pixels="8,12,16,20", anchor_ratios="1,2,4")
        assert sum(p.numel() for p in model.parameters()) == backbone + proposals + head == 15_596

    def test_every_parameter_learns(self) -> None:
        model = detector()
        model.loss(scenes((1, 2, 1, 2))).backward()
        without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert not without

    def test_loss_falls_and_class_0_is_learned(self) -> None:
        """Eight images with one bar each: all of them, class 0 too, get their class and a box that fits."""
        model, data = detector(width=8, region_positives=0.5, **BAR_ANCHORS), scenes((1,) * 8)
        losses = train(model, data, 80, learning_rate=6e-3)
        assert losses[-1] < 0.25 * losses[0]
        with torch.no_grad():
            probabilities, detections = model.eval().answer(data.images)
        assert probabilities.argmax(dim=1).tolist() == data.labels.tolist()
        assert 0 in data.labels
        assert detections is not None
        assert data.boxes is not None
        torch.testing.assert_close(detections.boxes[:, 0], data.boxes[:, 0], rtol=0, atol=2.0)

    def test_same_seed_same_weights(self) -> None:
        data, results = scenes((1, 2, 0, 1)), []
        for _ in range(2):
            model = detector(proposal_samples=8, region_samples=4)
            losses = train(model, data, 3)
            results.append((losses, model.state_dict()))
        assert results[0][0] == results[1][0]
        assert all(torch.equal(value, results[1][1][name]) for name, value in results[0][1].items())

    def test_the_validation_loss_is_repeatable_and_changes_nothing(self) -> None:
        """In eval mode the loss is measured, not trained on: same draws, no gradient, no random number used up."""
        model, data = detector(proposal_samples=8, region_samples=4).eval(), scenes((1, 2, 0, 1))
        before = {name: value.clone() for name, value in model.state_dict().items()}
        state = torch.get_rng_state()
        with torch.no_grad():
            first, second = model.loss(data), model.loss(data)
        assert torch.isfinite(first)
        assert torch.equal(first, second)
        assert torch.equal(torch.get_rng_state(), state)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

    def test_answers_do_not_depend_on_the_rest_of_the_batch(self, trained: FasterRCNN) -> None:
        images = scenes(NUM_BOXES).images
        with torch.no_grad():
            together = trained.eval().class_probabilities(images)
            alone = torch.cat([trained.class_probabilities(image[None]) for image in images])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)

    def test_half_precision_keeps_boxes_in_full(self) -> None:
        model, data = detector(), scenes((1, 2))
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
            ({"widht": 32}, "option widht = 32 cannot be .* Known options: width"),
            ({"width": 0}, "option width = 0 cannot be"),
            ({"anchor_pixels": "8;12"}, "anchor_pixels='8;12'.* expected positive numbers with commas"),
            ({"anchor_ratios": "1,-2"}, "expected positive numbers with commas"),
            ({"anchor_ratios": "1,nan"}, "expected positive numbers with commas"),
        ],
    )
    def test_what_cannot_be_is_a_clear_error(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(UsageError, match=message):
            detector(**options)
