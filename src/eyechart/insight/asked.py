"""A trained contender that can be asked why: how sure it is of an answer, with a way back to the pixels.

All methods explain one number, the log-odds of the answer, ln p / (1 - p).  It says "this and nothing else", does not
flatten where p is near 1, and means the same for a classifier and a detector.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from eyechart.models.classifier import Classifier
from eyechart.models.faster_rcnn import SCORE_LIMITS, FasterRCNN
from eyechart.models.pretrained import FineTuned
from eyechart.models.region_networks import SHIFT
from eyechart.models.zoo import ZooNetwork

Score = Callable[[Tensor], Tensor]  # images (B, C, H, W) -> log-odds (B,)


class AskedModel:
    """A contender's trained network, in eval mode, whose parameters need no gradients and whose images may.

    Changes the model that it is given: what was frozen for training, and so computed without gradients, no longer is.
    """

    def __init__(self, model: nn.Module, device: torch.device):
        assert isinstance(model, Classifier | FasterRCNN), "a contender is one or the other"
        self.model = model.eval().requires_grad_(False)
        self.device = device
        if isinstance(model, Classifier) and isinstance(model.network, FineTuned):
            model.network.num_frozen_layers = 0
        if isinstance(model, Classifier) and isinstance(model.network, ZooNetwork):
            model.network.all_frozen = False

    @property
    def detector(self) -> FasterRCNN | None:
        return self.model if isinstance(self.model, FasterRCNN) else None

    @property
    def network(self) -> nn.Module | None:
        """A classifier's network, behind its preprocessing."""
        return self.model.network if isinstance(self.model, Classifier) else None

    def probabilities(self, images: Tensor) -> Tensor:
        """(B, K) of images in 0..1, before any temperature; no gradients."""
        with torch.no_grad():
            return self.model.class_probabilities(images)

    def exact(self, answer: int) -> Score:
        """The log-odds of `answer`, as the contender comes to it; no gradients.

        Of a detector it is the rule from boxes to a label (`probabilities_from_boxes`) without its upper limit, beyond
        which nothing would change.
        """

        def score(images: Tensor) -> Tensor:
            with torch.no_grad():
                if isinstance(self.model, Classifier):
                    return log_odds(self._logits(images), answer)
                by_class = _read_out(self.model, images, *_regions(self.model, images))
                return log_odds(_held(by_class, _is_answered(self.model, by_class)), answer)

        return score

    def smooth(self, image: Tensor, answer: int) -> Score:
        """The same for images near `image` (1, C, H, W), with gradients.

        The regions that a detector reads are those that it proposes for `image`, held where they are: where a region
        lies has no gradient.  Nor has whether a class is answered at all, which is what it is for `image`; the one that
        is asked about counts as answered.
        """
        if isinstance(self.model, Classifier):
            return lambda images: log_odds(self._logits(images), answer)
        regions, filled = _regions(self.model, image)
        with torch.no_grad():
            is_answered = _is_answered(self.model, _read_out(self.model, image, regions, filled))
        is_answered[:, answer] = True
        return lambda images: log_odds(_held(_read_out(self.model, images, regions, filled), is_answered), answer)

    def _logits(self, images: Tensor) -> Tensor:
        assert isinstance(self.model, Classifier)
        logits: Tensor = self.model.network(self.model.preprocess(images)).float()
        return logits


def log_odds(logits: Tensor, answer: int) -> Tensor:
    """ln p / (1 - p) of one class (B,), from logits or log-odds by class (B, K)."""
    others = torch.cat([logits[:, :answer], logits[:, answer + 1 :]], dim=1)
    return logits[:, answer] - others.logsumexp(dim=1)


def _regions(detector: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """The regions that the second stage reads at last: boxes (B, N, 4), filled (B, N)."""
    assert isinstance(detector, FasterRCNN)
    head = detector.region_head
    with torch.no_grad():
        maps = detector.feature_maps(images)
        proposals = detector.proposal_network.propose(*detector.proposal_network(maps))
        for _ in range(head.options.refinements):
            _, deltas = head(maps[0], proposals.boxes)
            proposals = head._refined(deltas, proposals)
    return proposals.boxes, proposals.filled


def _read_out(detector: nn.Module, images: Tensor, regions: Tensor, filled: Tensor) -> Tensor:
    """Log-odds of each class (B, K): those of the region that is surest of it."""
    assert isinstance(detector, FasterRCNN)
    maps = detector.feature_maps(images)
    logits, _ = detector.region_head(maps[0], regions.expand(len(images), -1, -1))  # (B, N, 1 + K)
    odds = [logits[..., k] - torch.cat([logits[..., :k], logits[..., k + 1 :]], dim=-1).logsumexp(dim=-1)
            for k in range(SHIFT, logits.shape[-1])]  # fmt: skip
    by_class = torch.stack(odds, dim=-1).masked_fill(~filled.unsqueeze(-1), -torch.inf)  # (B, N, K)
    return by_class.amax(dim=1)


def _is_answered(detector: nn.Module, by_class: Tensor) -> Tensor:
    """Of which classes (B, K) a box is likely enough to be answered."""
    assert isinstance(detector, FasterRCNN)
    return by_class.sigmoid() > detector.region_head.options.score_threshold


def _held(by_class: Tensor, is_answered: Tensor) -> Tensor:
    """Not below the rule's lower limit, which is what a class without a box has."""
    low = math.log(SCORE_LIMITS[0] / (1 - SCORE_LIMITS[0]))
    return by_class.clamp(min=low).masked_fill(~is_answered, low)
