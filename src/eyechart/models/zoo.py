"""Networks of torchvision and timm, from nothing or fine-tuned: their own layers, and a new linear head.

    images (B, 3, H, W) -> body -> features (B, D) -> head -> logits (B, K)

Stages, for what stands still and for rates that differ, are the body's own children in their order; where one child is
nearly the whole network (`features`, `blocks`, `encoder`), its children are.  resnet18 has five: the first convolution,
and layer1 to layer4.  What stands still is in eval mode as well: its batch norms keep the statistics that they came
with, and its dropout drops nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from eyechart.base.errors import UsageError, WeightsError
from eyechart.catalog.regimes import ALL_FROZEN
from eyechart.models.classifier import Classifier, load_trunk
from eyechart.models.preprocess import Preprocess
from eyechart.models.zoo_bodies import body_and_width, native_side
from eyechart.schema import Preprocessing, Recipe

BODY = "body."  # in front of the zoo's own names
COUNTER = "num_batches_tracked"  # of a batch norm; files from before torch 0.4.1 lack it, and nothing here reads it
FEWEST_STAGES = 3  # fewer, and the largest child is opened
LARGEST_SHARE = 0.9  # of all weight matrices; a child that holds more is opened


@dataclass(frozen=True)
class Stage:
    """A part of the body that is frozen, opened and given its rate as one."""

    modules: list[nn.Module]
    parameters: list[nn.Parameter]

    @property
    def is_open(self) -> bool:
        return self.parameters[0].requires_grad

    def train(self, mode: bool) -> None:
        for module in self.modules:
            module.train(mode)


class ZooNetwork(nn.Module):
    """A body whose leading stages may be frozen, and a linear head."""

    def __init__(self, architecture: str, body: nn.Module, head: nn.Linear, stages: list[Stage], num_frozen: int):
        super().__init__()
        self.architecture = architecture
        self.body = body
        self.head = head
        self.stages = stages
        self.all_frozen = num_frozen == len(stages)
        for stage in stages[:num_frozen]:
            for parameter in stage.parameters:
                parameter.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> logits (B, K)."""
        return self.open_stages(self.frozen_stages(images))

    def frozen_stages(self, images: Tensor) -> Tensor:
        """Where only the head is trained: (B, 3, H, W) -> (B, D), without gradients.  Otherwise the images.

        The forward pass of somebody else's network cannot be cut between two stages.
        """
        if not self.all_frozen:
            return images
        with torch.no_grad():
            return self._features(images)

    def open_stages(self, features: Tensor) -> Tensor:
        """What `frozen_stages` gave -> logits (B, K)."""
        logits: Tensor = self.head(features if self.all_frozen else self._features(features))
        return logits

    def train(self, mode: bool = True) -> ZooNetwork:
        super().train(mode)
        if mode:
            self._hold_still()
        return self

    def _features(self, images: Tensor) -> Tensor:
        if self.training:
            self._hold_still()  # a gradual recipe opens stages between two steps
        features: Tensor = self.body(images.contiguous(memory_format=torch.channels_last))
        return features

    def _hold_still(self) -> None:
        """What is not trained is in eval mode, all that belongs to no stage with it where no stage is open."""
        if self.all_frozen:
            self.body.eval()
            return
        for stage in self.stages:
            if stage.modules[0].training != stage.is_open:
                stage.train(stage.is_open)


def build(recipe: Recipe, preprocessing: Preprocessing, num_classes: int) -> Classifier:
    """The contender with random weights; `load_starting_tensors` puts pretrained ones into its body.

    Raises MissingError where timm is not installed, UsageError for a network that there is not or that cannot be a
    contender, an input that it does not take, and stages that it does not have.
    """
    assert preprocessing.input_channels == 3, "networks of a zoo take colour; Preprocess repeats grey"
    body, width = body_and_width(recipe, (preprocessing.input_height, preprocessing.input_width))
    stages = find_stages(body)
    num_frozen = _num_frozen(recipe, len(stages))
    if recipe.cache_frozen and num_frozen < len(stages):
        raise UsageError(
            f"{recipe.contender} keeps outputs (cache_frozen) of its whole body only, and {len(stages) - num_frozen} "
            f"of its {len(stages)} stages are trained. Expected the regime head, or cache_frozen false."
        )
    network = ZooNetwork(recipe.contender, body, nn.Linear(width, num_classes), stages, num_frozen)
    _check_batch(recipe, network)
    network.to(memory_format=torch.channels_last)
    return Classifier(Preprocess(preprocessing), network, recipe.label_smoothing)


def load_starting_tensors(model: Classifier, tensors: dict[str, Tensor]) -> None:
    """Copy pretrained tensors, under the zoo's names or ours, into all but the head.

    Raises WeightsError, and changes nothing, where some are not there or have another shape; it lists them.
    """
    network = model.network
    assert isinstance(network, ZooNetwork)
    own = network.state_dict()
    theirs = {f"{BODY}{name}": tensor for name, tensor in tensors.items()}
    # Some networks of a zoo have a body of their own, so that the names alone do not tell.
    named = tensors if len(own.keys() & tensors.keys()) > len(own.keys() & theirs.keys()) else theirs
    counters = {name: tensor for name, tensor in own.items() if name.endswith(COUNTER)}
    try:
        load_trunk(model, counters | named)
    except WeightsError as error:
        if not any("pos" in name and tensor.shape != own[name].shape for name, tensor in named.items() if name in own):
            raise
        side = native_side(network.architecture)
        raise WeightsError(
            f"{error} Positions belong to one size of images; the published weights of {network.architecture} are for "
            f"{side} px: add --input-size {side}."
        ) from None


def trunk_stages(model: Classifier) -> list[list[nn.Parameter]]:
    """The stages that are trained, first ones first: those that may get a smaller learning rate than the head."""
    network = model.network
    assert isinstance(network, ZooNetwork)
    return [stage.parameters for stage in network.stages if stage.is_open]


# --------------------------------------------------------------------------------------------- stages


def find_stages(body: nn.Module) -> list[Stage]:
    """The body in stages, in the order in which its children are listed; every parameter is in one of them.

    What has no weight matrix (a norm, an activation, a pooling) belongs to the stage before it; what hangs on no child
    (a class token, position embeddings) to the first.  Single layers in front of the first block are one, the stem.
    """
    groups: list[list[nn.Module]] = [[]]
    for part in _parts(body):
        if _num_matrices(part) and any(map(_num_matrices, groups[-1])):
            groups.append([])
        groups[-1].append(part)
    num_single = next((place for place, each in enumerate(groups) if sum(map(_num_matrices, each)) > 1), 0)
    if 0 < num_single <= len(groups) / 2:  # more of them make a plain row of layers, such as VGG
        groups[:num_single] = [[part for group in groups[:num_single] for part in group]]
    taken: set[nn.Parameter] = set()
    stages = []
    for modules in groups:
        own = [each for module in modules for each in module.parameters() if each not in taken]
        own = list(dict.fromkeys(own))
        taken |= set(own)
        stages.append(Stage(modules, own))
    stages[0].parameters.extend(each for each in body.parameters() if each not in taken)
    return stages


def _parts(body: nn.Module) -> list[nn.Module]:
    parts = list(body.children())
    while True:
        sizes = [_num_matrices(part) for part in parts]
        place = sizes.index(max(sizes))
        has_enough = sum(map(bool, sizes)) >= FEWEST_STAGES and max(sizes) <= LARGEST_SHARE * sum(sizes)
        inner = list(parts[place].children())
        if has_enough or not inner:
            return parts
        parts[place : place + 1] = inner


def _num_matrices(module: nn.Module) -> int:
    return sum(parameter.ndim > 1 for parameter in module.parameters())


def _num_frozen(recipe: Recipe, num_stages: int) -> int:
    if recipe.open_last:
        return max(0, num_stages - recipe.open_last)
    if num_stages <= recipe.frozen_stages < ALL_FROZEN:
        raise UsageError(
            f"{recipe.contender} has {num_stages} stages, and the first {recipe.frozen_stages} are to be frozen, so "
            f"none would be trained. Expected from2 to from{num_stages}, or head."
        )
    return min(recipe.frozen_stages, num_stages)


def _check_batch(recipe: Recipe, network: ZooNetwork) -> None:
    open_parts = [module for stage in network.stages if stage.is_open for module in stage.modules]
    is_evened_out = any(isinstance(each, _BatchNorm) for part in open_parts for each in part.modules())
    if recipe.batch_size == 1 and is_evened_out:
        raise UsageError(
            f"{recipe.contender} evens out its features over the images of a batch, and a batch of 1 image has nothing "
            f"to even out. Expected -b 2 or more."
        )
