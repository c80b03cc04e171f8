"""What turns a network that gives logits into a contender."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from eyechart.base.errors import WeightsError
from eyechart.models.preprocess import Preprocess
from eyechart.schema.contracts import Answer, Batch

MOST_LISTED = 5  # layers that do not fit, in a message


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


def load_trunk(model: Classifier, tensors: dict[str, Tensor]) -> None:
    """Copy pretrained tensors into all of the network but its head, which stays new.  An empty dict changes nothing.

    Tensors that the network does not have are ignored.  Raises WeightsError, and changes nothing, when some that it has
    are not there or have another shape; it lists them.
    """
    if not tensors:
        return
    wanted = {name: each for name, each in model.network.state_dict().items() if not name.startswith("head.")}
    wrong = []
    for name, tensor in wanted.items():
        found = tuple(tensors[name].shape) if name in tensors else "nothing"
        if found != tuple(tensor.shape):
            wrong.append(f"{name} is {found}, expected {tuple(tensor.shape)}")
    if wrong:
        more = f" (and {len(wrong) - MOST_LISTED} more)" if len(wrong) > MOST_LISTED else ""
        raise WeightsError(
            f"The starting weights do not fit: {'; '.join(wrong[:MOST_LISTED])}{more}. Give weights of the same "
            f"architecture, options and input size, with at least as many stages, or choose none."
        )
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(tensors[name])
