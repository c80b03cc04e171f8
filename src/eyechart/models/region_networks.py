"""The two stages of Faster R-CNN: where may something be (proposals), and what is it exactly (head).

Both train on samples drawn from a fixed number of slots an image; see region_ops.py.
Source: Ren et al. 2015, Girshick 2015; constants as in torchvision's FasterRCNN.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, smooth_l1_loss

from eyechart.models.backbones import convolution
from eyechart.models.detector_options import STRIDE, DetectorOptions
from eyechart.models.region_ops import (
    IGNORED,
    POSITIVE,
    at_least,
    best_of_levels,
    clip_boxes,
    decode_boxes,
    encode_boxes,
    grown,
    make_anchors,
    match,
    pairwise_iou,
    sample,
    suppress,
    take_boxes,
    voted,
)
from eyechart.models.region_pooling import roi_align
from eyechart.schema.contracts import Detections

# Class ids are 0..K-1 outside.  The head's own class 0 is background, so its class of id k is k + SHIFT.
SHIFT = 1
BETA = 1 / 9  # where the smooth L1 loss turns from square to straight


class Truth(NamedTuple):
    """The true boxes of a batch, in pixels of the network's input."""

    boxes: Tensor  # float32 (B, R, 4); slots that are not filled hold some box with an area
    labels: Tensor  # int64 (B, R), 0..K-1
    filled: Tensor  # bool (B, R)

    def overlaps(self, boxes: Tensor) -> Tensor:
        """IoU of the true boxes and `boxes` (N, 4) or (B, N, 4): (B, R, N), -1 in slots that are not filled."""
        return pairwise_iou(self.boxes, boxes).masked_fill(~self.filled.unsqueeze(-1), -1)


class Proposals(NamedTuple):
    """Where something may be, best first."""

    boxes: Tensor  # float32 (B, N, 4)
    filled: Tensor  # bool (B, N)


class ProposalNetwork(nn.Module):
    """For every anchor: is something there, and how must the anchor move to fit it?"""

    weights = (1.0, 1.0)
    anchors: Tensor

    def __init__(self, depth: int, input_size: tuple[int, int], options: DetectorOptions):
        super().__init__()
        self.options = options
        self.input_size = input_size
        by_level = options.anchors_for(*input_size)
        anchors = []
        stride, (height, width) = STRIDE, (input_size[0] // STRIDE, input_size[1] // STRIDE)
        for of_level in by_level:
            anchors.append(make_anchors((height, width), stride, of_level))
            stride, height, width = 2 * stride, height // 2, width // 2
        self.register_buffer("anchors", torch.cat(anchors), persistent=False)  # (N, 4), made once
        self.level_sizes = [len(of_level) for of_level in anchors]
        num_shapes = len(by_level[0])
        self.convolution = nn.Conv2d(depth, depth, kernel_size=3, padding=1)
        self.objectness = nn.Conv2d(depth, num_shapes, kernel_size=1)
        self.deltas = nn.Conv2d(depth, num_shapes * 4, kernel_size=1)
        for layer in (self.convolution, self.objectness, self.deltas):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Maps (B, D, h, w) -> objectness logits (B, N) and deltas (B, N, 4), in the order of the anchors."""
        answers = [self._of_level(features) for features in maps]
        return torch.cat([each for each, _ in answers], dim=1), torch.cat([each for _, each in answers], dim=1)

    def _of_level(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.convolution(features).relu()
        objectness = self.objectness(hidden).permute(0, 2, 3, 1).flatten(1)  # (B, N)
        deltas = self.deltas(hidden).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 4))  # (B, N, 4)
        return objectness.float(), deltas.float()

    def candidates(self, objectness: Tensor, deltas: Tensor) -> tuple[Tensor, Tensor]:
        """The best anchors of each level, moved: boxes (B, candidates, 4) and their logits, best first."""
        scores, best = best_of_levels(objectness.detach(), self.level_sizes, self.options.num_candidates)
        boxes = decode_boxes(take_boxes(deltas.detach(), best), self.anchors[best], self.weights)
        return clip_boxes(boxes, *self.input_size), scores

    def propose(self, objectness: Tensor, deltas: Tensor) -> Proposals:
        """The best boxes that do not overlap each other much.  Proposals are given, not learned: no gradient."""
        options = self.options
        boxes, scores = self.candidates(objectness, deltas)
        kept = suppress(boxes, at_least(boxes, 1e-3), options.proposal_overlap)
        scores, best = scores.masked_fill(~kept, -torch.inf).topk(min(options.num_proposals, boxes.shape[1]))
        return Proposals(take_boxes(boxes, best), scores > -torch.inf)

    def matched(self, truth: Truth) -> tuple[Tensor, Tensor]:
        """Which true box each anchor belongs to, and POSITIVE | NEGATIVE | IGNORED: int64 (B, N) each."""
        return match(truth.overlaps(self.anchors), high=0.7, low=0.3, best_for_each_box=True)

    def loss(
        self, objectness: Tensor, deltas: Tensor, truth: Truth, generator: torch.Generator | None
    ) -> tuple[Tensor, list[Tensor]]:
        """The loss of this stage, and what it is the sum of: is something there, and where."""
        options = self.options
        matched, kind = self.matched(truth)
        drawn, is_drawn = sample(kind, options.proposal_samples, options.proposal_positives, generator)
        positive = (kind.gather(1, drawn) == POSITIVE) & is_drawn  # (B, samples)
        num_drawn = is_drawn.sum().clamp(min=1)
        logits = objectness.gather(1, drawn)
        surprise = binary_cross_entropy_with_logits(logits, positive.float(), reduction="none")
        boxes = take_boxes(truth.boxes, matched.gather(1, drawn))  # (B, samples, 4)
        targets = encode_boxes(boxes, self.anchors[drawn], self.weights)
        error = smooth_l1_loss(take_boxes(deltas, drawn), targets, beta=BETA, reduction="none")
        sums = [(surprise * is_drawn).sum(), (error * positive.unsqueeze(-1)).sum()]
        return (sums[0] + sums[1]) / num_drawn, [each / num_drawn for each in sums]


class RegionHead(nn.Module):
    """For every proposal: which class, or background, and where exactly?  Two hidden layers on the pooled map."""

    weights = (10.0, 5.0)

    def __init__(
        self,
        depth: int,
        num_classes: int,
        scale: float,
        input_size: tuple[int, int],
        options: DetectorOptions,
        label_smoothing: float,
    ):
        super().__init__()
        self.label_smoothing = label_smoothing
        self.options = options
        self.input_size = input_size
        self.scale = scale  # map cells a pixel
        self.convolutions = nn.Sequential(
            *(layer for _ in range(options.head_convolutions) for layer in convolution(depth, depth))
        )
        norms = [[nn.LayerNorm(options.head_units)] if options.head_norm else [] for _ in range(2)]
        self.hidden = nn.Sequential(
            *[nn.Linear(options.pool_cells**2 * depth, options.head_units), *norms[0], nn.ReLU()],
            *[nn.Linear(options.head_units, options.head_units), *norms[1], nn.ReLU()],
        )
        for layer in self.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        self.classes = nn.Linear(options.head_units, num_classes + SHIFT)
        self.deltas = nn.Linear(options.head_units, 4 * (1 if options.shared_deltas else num_classes + SHIFT))

    def forward(self, features: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, D, h, w), boxes (B, R, 4) -> logits (B, R, 1 + K) and deltas (B, R, 1 + K or 1, 4)."""
        cell = 1 / self.scale if self.options.pool_aligned else 0.0
        # A map's value stands for the middle of its cell; torchvision's detectors take it for the corner.
        window = grown(boxes, self.options.pool_growth, least=cell) - cell / 2
        pooled = roi_align(features, window, self.options.pool_cells, self.scale)  # (B, R, cells, cells, D)
        if len(self.convolutions):
            grids = pooled.flatten(0, 1).permute(0, 3, 1, 2)  # (B * R, D, cells, cells), in channels_last memory
            pooled = self.convolutions(grids).permute(0, 2, 3, 1).unflatten(0, pooled.shape[:2])
        hidden = self.hidden(pooled.flatten(2))
        return self.classes(hidden).float(), self.deltas(hidden).unflatten(-1, (-1, 4)).float()

    def loss(
        self, features: Tensor, proposals: Proposals, truth: Truth, generator: torch.Generator | None
    ) -> tuple[Tensor, list[Tensor]]:
        """The loss of this stage, and what it is the sum of: what is it, and where exactly."""
        options = self.options
        proposals = self._with_refined(features, proposals)
        # The true boxes are proposals too, so that there is something to learn from the first step on.
        boxes = torch.cat([proposals.boxes, truth.boxes], dim=1)
        filled = torch.cat([proposals.filled, truth.filled], dim=1)
        matched, kind = match(truth.overlaps(boxes), high=0.5, low=0.5, best_for_each_box=False)
        kind = kind.masked_fill(~filled, IGNORED)
        drawn, is_drawn = sample(kind, options.region_samples, options.region_positives, generator)
        boxes, matched = take_boxes(boxes, drawn), matched.gather(1, drawn)  # (B, samples, ...)
        positive = (kind.gather(1, drawn) == POSITIVE) & is_drawn
        num_drawn = is_drawn.sum().clamp(min=1)
        labels = torch.where(positive, truth.labels.gather(1, matched) + SHIFT, 0)  # (B, samples)
        logits, deltas = self(features, boxes)
        surprise = cross_entropy(
            logits.flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=self.label_smoothing
        ).view_as(labels)
        which = labels if deltas.shape[2] > 1 else labels * 0
        own = deltas.gather(2, which[..., None, None].expand(-1, -1, 1, 4)).squeeze(2)  # (B, samples, 4)
        targets = encode_boxes(take_boxes(truth.boxes, matched), boxes, self.weights)
        targets = torch.where(positive.unsqueeze(-1), targets, 0.0)  # a slot that is not filled may have no area
        error = smooth_l1_loss(own, targets, beta=BETA, reduction="none")
        sums = [(surprise * is_drawn).sum(), options.box_weight * (error * positive.unsqueeze(-1)).sum()]
        return (sums[0] + sums[1]) / num_drawn, [each / num_drawn for each in sums]

    def _refined(self, deltas: Tensor, proposals: Proposals) -> Proposals:
        """Where the head says that the boxes are, from its deltas (B, R, 1, 4): proposals for another look."""
        boxes = clip_boxes(decode_boxes(deltas.squeeze(2), proposals.boxes, self.weights), *self.input_size)
        return Proposals(boxes, proposals.filled & at_least(boxes, 1.0))

    @torch.no_grad()
    def _with_refined(self, features: Tensor, proposals: Proposals) -> Proposals:
        """Proposals, and after them what each look makes of the ones before: what the head must know to look again."""
        rounds = [proposals]
        for _ in range(self.options.refinements):
            _, deltas = self(features, rounds[-1].boxes)
            rounds.append(self._refined(deltas, rounds[-1]))
        boxes, filled = (torch.cat(parts, dim=1) for parts in zip(*rounds, strict=True))
        return Proposals(boxes, filled)

    def detect(self, features: Tensor, proposals: Proposals) -> Detections:
        """Score every proposal as every class, and keep what is likely and not beaten by its own class."""
        options = self.options
        logits, deltas = self(features, proposals.boxes)
        for _ in range(options.refinements):
            proposals = self._refined(deltas, proposals)
            logits, deltas = self(features, proposals.boxes)
        scores = logits.softmax(dim=-1)[..., SHIFT:].transpose(1, 2)  # (B, K, N)
        boxes = decode_boxes(deltas, proposals.boxes.unsqueeze(2), self.weights)
        boxes = boxes[:, :, SHIFT:] if boxes.shape[2] > 1 else boxes.expand(-1, -1, scores.shape[1], -1)
        boxes = clip_boxes(boxes, *self.input_size).transpose(1, 2)  # (B, K, N, 4)
        scores, order = scores.sort(dim=-1, descending=True)
        boxes = boxes.gather(2, order.unsqueeze(-1).expand(-1, -1, -1, 4))
        likely = (scores > options.score_threshold) & at_least(boxes, 1e-2)
        likely &= proposals.filled.unsqueeze(1).expand_as(likely).gather(2, order)
        kept = suppress(boxes, likely, options.detection_overlap)
        if options.vote_overlap < 1:
            boxes = voted(boxes, scores * likely, options.vote_overlap)
        return self._best(boxes, scores * kept)

    def _best(self, boxes: Tensor, scores: Tensor) -> Detections:
        """The best of all classes: boxes (B, K, N, 4) and scores (B, K, N), 0 for those that are out."""
        num_proposals = scores.shape[2]
        scores, best = scores.flatten(1).topk(min(self.options.num_detections, scores[0].numel()))
        found = scores > 0
        boxes = take_boxes(boxes.flatten(1, 2), best) * found.unsqueeze(-1)
        return Detections(boxes, scores, torch.where(found, best // num_proposals, -1))
