"""Faster R-CNN against torchvision's class with the same weights: losses, gradients and detections are equal."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import nn

from benchmarks.peers.torchvision_detectors import targets_of, twin_of
from eyechart.models.faster_rcnn import FasterRCNN


def torchvision_twin(model: FasterRCNN) -> nn.Module:
    return twin_of(model, model.num_classes).detector


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
        expected = twin(list(data.images), targets_of(data))
        assert data.boxes is not None
        assert data.box_labels is not None
        truth = model.frame.truth(data.boxes, data.box_labels)
        maps = model.feature_maps(data.images)
        scores = model.proposal_network(maps)
        first, of_first = model.proposal_network.loss(*scores, truth, None)
        second, of_second = model.region_head.loss(maps[0], model.proposal_network.propose(*scores), truth, None)
        torch.testing.assert_close(first, expected["loss_objectness"] + expected["loss_rpn_box_reg"])
        torch.testing.assert_close(second, expected["loss_classifier"] + expected["loss_box_reg"])
        names = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")
        for own, name in zip([*of_first, *of_second], names, strict=True):
            torch.testing.assert_close(own, expected[name])
        torch.testing.assert_close(model.loss(data), sum(expected.values()))

    def test_gradients_are_equal(self, cases: ModuleType, model: FasterRCNN) -> None:
        data = cases.scenes(NUM_BOXES)
        twin = torchvision_twin(model).train()
        expected = torch.autograd.grad(
            sum(twin(list(data.images), targets_of(data)).values()), list(twin.backbone.parameters())
        )
        found = torch.autograd.grad(model.loss(data), list(model.backbone.parameters()))
        for own, other in zip(found, expected, strict=True):
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
