"""Faster R-CNN against torchvision's class with the same weights: losses, gradients and detections are equal."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from eyechart.contracts import Batch
from eyechart.models.faster_rcnn import FasterRCNN


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


def torchvision_twin(model: FasterRCNN) -> nn.Module:
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
        image_mean=list(model.preprocess.card.mean),
        image_std=list(model.preprocess.card.std),
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
        box_predictor=FastRCNNPredictor(options.head_units, model.num_classes + 1),
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


NUM_BOXES = (2, 0, 1, 3, 1, 2)  # of the images that are compared: several, one, none


class TestTorchvision:
    @pytest.fixture(params=["untrained", "trained"])
    def model(self, cases: ModuleType, request: pytest.FixtureRequest, trained: FasterRCNN) -> FasterRCNN:
        model = cases.detector(
            proposal_samples=cases.EVERYTHING, region_samples=cases.EVERYTHING, num_proposals=30, **cases.BAR_ANCHORS
        )
        if request.param == "trained":
            model.load_state_dict(trained.state_dict())
        return model.train()

    def test_losses_are_equal(self, cases: ModuleType, model: FasterRCNN) -> None:
        """Both stages, with every sample drawn; batch norm in training mode, several boxes an image and none."""
        data = cases.scenes(NUM_BOXES)
        twin = torchvision_twin(model).train()
        expected = twin(list(data.images), torchvision_targets(data))
        assert data.boxes is not None
        assert data.box_labels is not None
        truth = model.frame.truth(data.boxes, data.box_labels)
        features = model.feature_map(data.images)
        scores = model.proposal_network(features)
        first = model.proposal_network.loss(*scores, truth, None)
        second = model.region_head.loss(features, model.proposal_network.propose(*scores), truth, None)
        torch.testing.assert_close(first, expected["loss_objectness"] + expected["loss_rpn_box_reg"])
        torch.testing.assert_close(second, expected["loss_classifier"] + expected["loss_box_reg"])
        torch.testing.assert_close(model.loss(data), sum(expected.values()))

    def test_gradients_are_equal(self, cases: ModuleType, model: FasterRCNN) -> None:
        data = cases.scenes(NUM_BOXES)
        shared = list(model.backbone.parameters())
        twin = torchvision_twin(model).train()
        expected = torch.autograd.grad(sum(twin(list(data.images), torchvision_targets(data)).values()), shared)
        for own, other in zip(torch.autograd.grad(model.loss(data), shared), expected, strict=True):
            torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-5)

    def test_detections_are_equal(self, cases: ModuleType, trained: FasterRCNN) -> None:
        model, data = trained.eval(), cases.scenes(NUM_BOXES)
        with torch.no_grad():
            expected = torchvision_twin(model).eval()(list(data.images))
            found = model.detect(data.images)
        assert sum(len(image["scores"]) for image in expected) > len(NUM_BOXES), "a comparison of something"
        for image, theirs in enumerate(expected):
            count = int((found.labels[image] >= 0).sum())
            assert count == len(theirs["labels"])
            assert torch.equal(found.labels[image, :count] + 1, theirs["labels"])
            torch.testing.assert_close(found.scores[image, :count], theirs["scores"], rtol=0, atol=1e-5)
            torch.testing.assert_close(found.boxes[image, :count], theirs["boxes"], rtol=0, atol=1e-3)

    def test_more_boxes_than_answered_are_cut_alike(self, cases: ModuleType, trained: FasterRCNN) -> None:
        model = cases.detector(num_proposals=30, num_detections=2, score_threshold=0.01, **cases.BAR_ANCHORS)
        model.load_state_dict(trained.state_dict())
        data = cases.scenes(NUM_BOXES)
        with torch.no_grad():
            expected = torchvision_twin(model.eval()).eval()(list(data.images))
            found = model.detect(data.images)
        assert found.labels.shape == (len(NUM_BOXES), 2)
        assert any(len(theirs["labels"]) == 2 for theirs in expected), "something was cut"
        for image, theirs in enumerate(expected):
            own = found.labels[image][found.labels[image] >= 0]
            assert torch.equal(own + 1, theirs["labels"])
