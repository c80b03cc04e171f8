"""torchvision's FasterRCNN, twice: of the same shape and weights as our detector, and its ready-made small one.

Both get the batches, the optimizer and the loop of our side; only the detector differs.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torchvision.models import detection
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign

from eyechart.models.faster_rcnn import FasterRCNN
from eyechart.schema.contracts import Batch


class TorchvisionDetector(nn.Module):
    """One of torchvision's detectors as a model that our loop can train."""

    needs_boxes = True

    def __init__(self, detector: nn.Module, num_channels: int):
        super().__init__()
        self.detector = detector
        self.num_channels = num_channels  # grey images are repeated where it expects colour

    def loss(self, batch: Batch) -> Tensor:
        images = batch.images.expand(-1, self.num_channels, -1, -1)
        total: Tensor = sum(self.detector(list(images), targets_of(batch)).values(), torch.zeros(()))
        return total

    def detect_alike(self, images: Tensor) -> list[dict[str, Tensor]]:
        """What it finds on images (B, C, H, W), in its own form."""
        found: list[dict[str, Tensor]] = self.detector(list(images.expand(-1, self.num_channels, -1, -1)))
        return found


def targets_of(batch: Batch) -> list[dict[str, Tensor]]:
    """The truth in torchvision's convention: a dict an image, without empty slots, classes from 1."""
    assert batch.boxes is not None, "a detector trains on boxes"
    assert batch.box_labels is not None, "boxes need labels"
    filled = batch.box_labels >= 0
    return [
        {"boxes": boxes[chosen], "labels": labels[chosen] + 1}
        for boxes, labels, chosen in zip(batch.boxes, batch.box_labels, filled, strict=True)
    ]


def ready_made_mobilenet(num_classes: int) -> TorchvisionDetector:
    """fasterrcnn_mobilenet_v3_large_320_fpn as it comes: it resizes every image to 320 px a side or more."""
    detector = detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, num_classes=num_classes + 1
    )
    return TorchvisionDetector(detector, num_channels=3)


def twin_of(model: FasterRCNN, num_classes: int) -> TorchvisionDetector:
    """torchvision's class with the backbone, anchors, settings and weights of `model`."""
    options, (height, width) = model.region_head.options, model.region_head.input_size
    card = model.preprocess.card
    backbone = copy.deepcopy(model.backbone)
    backbone.out_channels = model.proposal_network.convolution.in_channels  # type: ignore[assignment]
    twin = detection.FasterRCNN(
        backbone,
        min_size=min(height, width),
        max_size=max(height, width),
        size_divisible=1,
        image_mean=list(card.mean),
        image_std=list(card.std),
        rpn_anchor_generator=AnchorGenerator((tuple(options.anchor_sizes),), (tuple(options.anchor_shapes),)),
        rpn_pre_nms_top_n_train=options.num_candidates,
        rpn_pre_nms_top_n_test=options.num_candidates,
        rpn_post_nms_top_n_train=options.num_proposals,
        rpn_post_nms_top_n_test=options.num_proposals,
        rpn_batch_size_per_image=options.proposal_samples,
        rpn_positive_fraction=options.proposal_positives,
        rpn_nms_thresh=options.proposal_overlap,
        box_roi_pool=MultiScaleRoIAlign(["0"], options.pool_cells, sampling_ratio=2),
        box_head=_head_of(model),
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
    return TorchvisionDetector(twin, card.input_channels)


def _head_of(model: FasterRCNN) -> nn.Module:
    """torchvision's two hidden layers with our weights: it flattens depth first, we flatten it last."""
    first, second = model.region_head.hidden[0], model.region_head.hidden[2]
    assert isinstance(first, nn.Linear)
    head = TwoMLPHead(first.in_features, first.out_features)
    cells = model.region_head.options.pool_cells
    weight = first.weight.detach().view(first.out_features, cells, cells, -1)  # (units, rows, columns, depth)
    with torch.no_grad():
        head.fc6.weight.copy_(weight.permute(0, 3, 1, 2).flatten(1))
        head.fc6.bias.copy_(first.bias)
    head.fc7.load_state_dict(second.state_dict())
    return head  # type: ignore[no-any-return]
