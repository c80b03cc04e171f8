"""What turns a network that gives logits into a contender."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from eyechart.models.preprocess import Preprocess
from eyechart.schema.contracts import Answer, Batch


class Classifier(nn.Module):
    """Preprocessing, a network (B, C, H, W) -> logits (B, K), and the cross-entropy that trains it.

    A network may have `frozen_stages` (a Module, run without gradients, always in eval mode) in front of the rest:
    `network(images) == network.open_stages(network.frozen_stages(images))`.  What the frozen stages give can then be
    computed once for each image and kept: see `features` and `loss_from_features`.
    """

    needs_boxes = False

    def __init__(self, preprocess: Preprocess, network: nn.Module, label_smoothing: float = 0.0):
        super().__init__()
        self.preprocess = preprocess
        self.network = network
        self.label_smoothing = label_smoothing

    def loss(self, batch: Batch) -> Tensor:
        return self._loss_of(self.network(self.preprocess(batch.images)), batch.labels)

    def answer(self, images: Tensor) -> Answer:
        logits = self.network(self.preprocess(images))  # (B, K)
        # Probabilities are always float32, also when the network computes in bfloat16.
        return Answer(logits.float().softmax(dim=1))

    def class_probabilities(self, images: Tensor) -> Tensor:
        return self.answer(images).probabilities

    def features(self, images: Tensor) -> Tensor:
        """What the frozen stages give for a batch of images: the same for every epoch, so worth keeping."""
        frozen: Tensor = self.network.frozen_stages(self.preprocess(images))  # type: ignore[operator]
        return frozen

    def loss_from_features(self, features: Tensor, labels: Tensor) -> Tensor:
        """The same loss as `loss`, from kept features (B, ...) and labels (B,)."""
        return self._loss_of(self.network.open_stages(features), labels)  # type: ignore[operator]

    def _loss_of(self, logits: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits.float(), labels, label_smoothing=self.label_smoothing)
