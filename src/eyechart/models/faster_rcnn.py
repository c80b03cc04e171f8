"""Faster R-CNN for small images: a detector that can also be scored as a classifier.

    images -> backbone -> map (a cell every 4 pixels) -> proposal network -> proposals -> region head -> scored boxes
                               \\_________________________________________________/

Read this file first, then region_networks.py (the two stages), region_ops.py and region_pooling.py (the geometry).
Images are taken at their own size, with anchors that fit them: torchvision's ready-made detector would blow 28 px up
to 800.  The mathematics is that of torchvision's `FasterRCNN`, loss for loss and box for box, by test; what differs is
that every step works on the whole batch instead of looping over images.

Source: Ren et al. 2015, "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eyechart.base.errors import WeightsError
from eyechart.models.backbones import Pyramid, make_backbone
from eyechart.models.detector_options import STRIDE, DetectorOptions, read_options
from eyechart.models.preprocess import Preprocess
from eyechart.models.region_networks import SHIFT, ProposalNetwork, RegionHead, Truth
from eyechart.models.region_ops import POSITIVE, at_least, clip_boxes
from eyechart.models.stages import STAGE_ENDS
from eyechart.schema import Preprocessing, Recipe
from eyechart.schema.contracts import Answer, Batch, ContenderModel, Detections, Inside

SCORE_LIMITS = (0.01, 0.999)  # what no box and a perfect box say of a class: no odds, and no loss, are infinite


def build(recipe: Recipe, preprocessing: Preprocessing, num_classes: int) -> ContenderModel:
    """Raises UsageError for options that are unknown or cannot be."""
    model = FasterRCNN(preprocessing, num_classes, read_options(recipe), recipe.label_smoothing)
    if recipe.frozen_stages and isinstance(trunk := finest_of(model)[0], nn.Sequential):
        ends = STAGE_ENDS["vgg16"]
        trunk[: ends[min(recipe.frozen_stages, len(ends)) - 1]].requires_grad_(False)
    return model.to(memory_format=torch.channels_last)


def load_starting_tensors(model: FasterRCNN, tensors: dict[str, Tensor]) -> None:
    """Put the first stages of a classifier in the place of the backbone's own; WeightsError where they do not fit."""
    finest = finest_of(model)
    own = finest.state_dict()
    if isinstance(finest[0], nn.Sequential):  # convolutions with torchvision's names, of which the first are wanted
        first = "features."
        named = {f"0.{name.removeprefix(first)}": tensor for name, tensor in tensors.items() if name.startswith(first)}
        lacking = [name for name in finest[0].state_dict() if f"0.{name}" not in named]
        if lacking:
            raise WeightsError(
                f"The starting weights do not fit: features.{lacking[0]} is not there. "
                f"Give hed or imagenet, or a recipe without trunk."
            )
        tensors = {name: tensor for name, tensor in named.items() if name in own}
    for name, tensor in tensors.items():
        if own[name].shape != tensor.shape:
            raise WeightsError(
                f"The starting weights do not fit: {name} is {tuple(tensor.shape)}, expected {tuple(own[name].shape)}. "
                f"Give a run on images of as many channels, and a recipe with width = {len(tensors['0.weight'])}."
            )
    finest.load_state_dict(own | tensors)


def trunk_stages(model: FasterRCNN) -> list[list[nn.Parameter]]:
    """What may have come from a classifier and is trained, as one: the first two stages of a cnn, or VGG16's three."""
    finest = finest_of(model)
    layers = finest[:1] if isinstance(finest[0], nn.Sequential) else finest[:8]
    return [[parameter for parameter in layers.parameters() if parameter.requires_grad]]


def finest_of(model: FasterRCNN) -> nn.Sequential:
    finest = model.backbone.finest if isinstance(model.backbone, Pyramid) else model.backbone
    assert isinstance(finest, nn.Sequential)
    return finest


class FasterRCNN(nn.Module):
    """Batches carry boxes, answers carry detections; boxes are in pixels of the dataset's images."""

    needs_boxes = True
    loss_names = ("objectness", "proposal boxes", "classes", "boxes")

    def __init__(
        self, preprocessing: Preprocessing, num_classes: int, options: DetectorOptions, label_smoothing: float = 0.0
    ):
        super().__init__()
        self.num_classes = num_classes
        self.preprocess = Preprocess(preprocessing)
        self.frame = BoxFrame(preprocessing)
        self.whole_pixels = options.whole_pixels
        self.backbone, depth = make_backbone(preprocessing.input_channels, options)
        size = (preprocessing.input_height, preprocessing.input_width)
        self.proposal_network = ProposalNetwork(depth, size, options)
        self.region_head = RegionHead(depth, num_classes, 1 / STRIDE, size, options, label_smoothing)

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) -> a map (B, D, h, w) for each level, the finest first."""
        images = self.preprocess(images).contiguous(memory_format=torch.channels_last)
        features = self.backbone(images)
        return features if isinstance(features, list) else [features]

    def loss(self, batch: Batch) -> Tensor:
        return self.losses(batch)[0]

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Is something there + where + what + where exactly, torchvision's losses; and these four, without gradient."""
        truth = self.frame.truth(*check_targets(batch, self.num_classes))
        maps = self.feature_maps(batch.images)
        objectness, deltas = self.proposal_network(maps)
        proposals = self.proposal_network.propose(objectness, deltas)
        draws = self._draws(batch.images.device)
        first, of_first = self.proposal_network.loss(objectness, deltas, truth, draws)
        second, of_second = self.region_head.loss(maps[0], proposals, truth, draws)
        return first + second, torch.stack([*of_first, *of_second]).detach()

    def detect(self, images: Tensor) -> Detections:
        """The boxes of each image, best first."""
        maps = self.feature_maps(images)
        proposals = self.proposal_network.propose(*self.proposal_network(maps))
        found: Detections = self.region_head.detect(maps[0], proposals)
        boxes = self.frame.to_image(found.boxes, found.labels >= 0)
        return found._replace(boxes=boxes.round() if self.whole_pixels else boxes)

    def look_inside(self, image: Tensor, boxes: Tensor) -> Inside:
        """What leads to the answer for one image (C, H, W) with true boxes (R, 4), step by step."""
        maps = self.feature_maps(image[None])
        answers = self.proposal_network(maps)
        candidates, logits = self.proposal_network.candidates(*answers)
        proposals = self.proposal_network.propose(*answers)
        truth = self.frame.truth(boxes[None], torch.zeros(1, len(boxes), dtype=torch.int64, device=boxes.device))
        _, kind = self.proposal_network.matched(truth)
        kept = proposals.filled[0]
        scores, _ = self.region_head(maps[0], proposals.boxes)
        found = self.detect(image[None])
        is_box = found.labels[0] >= 0
        return Inside(
            anchors=self._on_image(self.proposal_network.anchors[kind[0] == POSITIVE]),
            candidates=self._on_image(candidates[0]),
            candidate_scores=logits[0].sigmoid(),
            proposals=self._on_image(proposals.boxes[0, kept]),
            region_scores=scores[0, kept].softmax(dim=-1)[:, SHIFT:],
            found=found.boxes[0, is_box],
            found_scores=found.scores[0, is_box],
            found_labels=found.labels[0, is_box],
        )

    def _on_image(self, boxes: Tensor) -> Tensor:
        """Boxes (N, 4) of the network's input, in pixels of the image."""
        return self.frame.to_image(boxes, torch.ones(len(boxes), dtype=torch.bool, device=boxes.device))

    def answer(self, images: Tensor) -> Answer:
        detections = self.detect(images)
        return Answer(probabilities_from_boxes(detections, self.num_classes), detections)

    def class_probabilities(self, images: Tensor) -> Tensor:
        return self.answer(images).probabilities

    def _draws(self, device: torch.device) -> torch.Generator | None:
        """Where samples are drawn from: torch's own generator, or, when judging, the same draws every time.

        So measuring the validation loss twice gives one answer, and measuring it never changes the training.
        """
        return None if self.training else torch.Generator(device).manual_seed(0)


def check_targets(batch: Batch, num_classes: int) -> tuple[Tensor, Tensor]:
    """The boxes (B, R, 4) and labels (B, R) of a batch; ValueError for what torchvision's detectors refuse as well.

    Values are looked at on the CPU alone: on an accelerator the look would wait for it at every step.
    """
    boxes, labels = batch.boxes, batch.box_labels
    if boxes is None or labels is None:
        raise ValueError("A detector trains on boxes: the batch has none. Give boxes (B, R, 4) and box_labels (B, R).")
    size = len(batch.images)
    if boxes.shape != (size, boxes.shape[1] if boxes.ndim > 1 else 0, 4) or labels.shape != boxes.shape[:2]:
        raise ValueError(
            f"Boxes {tuple(boxes.shape)} with labels {tuple(labels.shape)} were given for {size} images; "
            f"expected ({size}, R, 4) and ({size}, R)."
        )
    if boxes.device.type == "cpu" and not torch.compiler.is_compiling():
        has_area = (boxes[..., 2:] > boxes[..., :2]).all(dim=-1) & boxes.isfinite().all(dim=-1)
        wrong = ((labels >= 0) & ~has_area) | (labels >= num_classes)
        if wrong.any():
            image, slot = wrong.nonzero()[0].tolist()
            raise ValueError(
                f"Image {image} of the batch has the box {boxes[image, slot].tolist()} with label "
                f"{int(labels[image, slot])}; expected left < right, top < bottom, and a label of 0 to "
                f"{num_classes - 1}. Leave out boxes without an area; -1 marks a slot that is not filled."
            )
    return boxes, labels


def probabilities_from_boxes(detections: Detections, num_classes: int) -> Tensor:
    """The rule from boxes to a label: float32 (B, K), rows sum to 1.

    s_k is the best score of any box of class k, held within SCORE_LIMITS, so a class without a box has the lowest.
    Read as the probability that class k is in the image, each class by itself, the odds that it is k and no other are
    s_k / (1 - s_k), times what all classes share.  So p_k = odds_k / (sum of all odds).  An image in which nothing is
    found has 1 / K for each class; where runs are judged each of them in turn is the answer (inference/predictor.py).
    (Against sharing 1 - sum(s_k) evenly: lab log, 22 % lower loss.)
    """
    # Not len(): in a graph that is exported, that would be the number of the example's images.
    best = detections.scores.new_zeros(detections.scores.shape[0], num_classes)
    # Slots that are not filled have score 0 and change nothing, whatever class they are counted for.
    best = best.scatter_reduce(1, detections.labels.clamp(min=0), detections.scores, reduce="amax").clamp(*SCORE_LIMITS)
    odds = best / (1 - best)
    return odds / odds.sum(dim=1, keepdim=True)


class BoxFrame(nn.Module):
    """The one place where boxes go from pixels of the image to pixels of the network's input, and back."""

    scale: Tensor
    offset: Tensor
    somewhere: Tensor

    def __init__(self, card: Preprocessing):
        super().__init__()
        self.image_size = (card.image_height, card.image_width)
        self.input_size = (card.input_height, card.input_width)
        crops = card.fit == "centre-crop"
        scale = (1.0, 1.0) if crops else (card.input_width / card.image_width, card.input_height / card.image_height)
        left = (card.image_width - card.input_width) // 2 if crops else 0
        top = (card.image_height - card.input_height) // 2 if crops else 0
        # Not persistent: they follow from the preprocessing, which is saved.
        self.register_buffer("scale", torch.tensor([*scale, *scale]), persistent=False)
        self.register_buffer("offset", torch.tensor([left, top, left, top], dtype=torch.float32), persistent=False)
        # What stands in slots without a box: anything that has an area.
        self.register_buffer("somewhere", torch.tensor([0.0, 0.0, 1.0, 1.0]), persistent=False)

    def truth(self, boxes: Tensor, labels: Tensor) -> Truth:
        """True boxes (B, R, 4) as the network sees them; those of which it sees nothing are dropped."""
        if labels.shape[1] == 0:  # a batch without any box: one slot that is not filled keeps all shapes alike
            boxes, labels = boxes.new_zeros(len(boxes), 1, 4), labels.new_full((len(labels), 1), -1)
        boxes = clip_boxes((boxes.float() - self.offset) * self.scale, *self.input_size)
        filled = (labels >= 0) & at_least(boxes, 1e-3)
        boxes = torch.where(filled.unsqueeze(-1), boxes, self.somewhere)
        return Truth(boxes, labels.clamp(min=0), filled)

    def to_image(self, boxes: Tensor, filled: Tensor) -> Tensor:
        """Found boxes (B, R, 4) in pixels of the image; zeros where `filled` (B, R) is False."""
        boxes = clip_boxes(boxes / self.scale + self.offset, *self.image_size)
        return boxes * filled.unsqueeze(-1)
