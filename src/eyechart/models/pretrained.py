"""VGG16 and AlexNet, fine-tuned: torchvision's convolutions, as many stages as the input allows, and a new head.

    images (B, 3, H, W) -> frozen stages -> open stages -> flatten -> head -> logits (B, K)

The trunk keeps torchvision's layers and names (`features.0.weight`, ...), so that its weights fit as they come.  The
two large fully connected layers are left out: they hold nine tenths of the parameters and need 224 px, and
handwritten digits do not need 4,096 hidden units.

Sources: Simonyan and Zisserman 2015 (VGG16, configuration D); Krizhevsky 2014 (AlexNet, one-tower version);
He et al. 2015 (initialisation, without which VGG16 stays at a loss of ln K when it starts from nothing).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eyechart.base.errors import UsageError
from eyechart.catalog.regimes import NUM_STAGES
from eyechart.models.classifier import Classifier, load_trunk
from eyechart.models.preprocess import Preprocess
from eyechart.models.pretrained_options import PretrainedOptions, checked_options
from eyechart.models.stages import STAGE_ENDS, count_stages, trunk_without_memory
from eyechart.schema import Preprocessing, Recipe

load_starting_tensors = load_trunk  # into the stages that the network keeps; those beyond are ignored


class FineTuned(nn.Module):
    """A trunk of convolutions whose leading layers may be frozen, and a head."""

    def __init__(self, features: nn.Sequential, num_frozen_layers: int, head: nn.Sequential):
        super().__init__()
        self.features = features
        self.head = head
        self.num_frozen_layers = num_frozen_layers
        self.features[:num_frozen_layers].requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> logits (B, K)."""
        return self.open_stages(self.frozen_stages(images))

    def frozen_stages(self, images: Tensor) -> Tensor:
        """What never changes: (B, 3, H, W) -> (B, D, h, w), without gradients.  Nothing frozen: the images."""
        if self.num_frozen_layers == 0:
            return images
        with torch.no_grad():
            return _run(self.features[: self.num_frozen_layers], images)

    def open_stages(self, features: Tensor) -> Tensor:
        """What is trained: (B, D, h, w) -> logits (B, K)."""
        maps = _run(self.features[self.num_frozen_layers :], features)  # (B, D, h, w)
        logits: Tensor = self.head(maps)
        return logits


def build(recipe: Recipe, preprocessing: Preprocessing, num_classes: int) -> Classifier:
    """The contender with random weights; `load_starting_tensors` puts pretrained ones into its trunk.

    Raises UsageError for unknown options, and for an input that is too small for the stages that were asked for.
    """
    assert preprocessing.input_channels == 3, "VGG16 and AlexNet take colour; Preprocess repeats grey"
    options = checked_options(recipe)
    size = (preprocessing.input_height, preprocessing.input_width)
    trunk = trunk_without_memory(recipe.contender)
    num_stages = count_stages(recipe, trunk, size, options.last_stage)
    ends = (0, *STAGE_ENDS[recipe.contender])
    features = trunk[: ends[num_stages]]
    shape = features(torch.empty(1, 3, *size, device="meta")).shape  # (1, D, h, w)
    num_features = shape[1] if options.pool == "average" else shape[1:].numel()
    head = _head(num_features, num_classes, options)
    features = features.to_empty(device="cpu")
    _initialise(features)
    # More frozen ones than there are: only the head is trained.
    num_frozen = max(0, num_stages - recipe.open_last) if recipe.open_last else min(recipe.frozen_stages, num_stages)
    if num_frozen == num_stages and recipe.frozen_stages < NUM_STAGES[recipe.contender] and not options.last_stage:
        raise UsageError(
            f"{recipe.contender}: an input of {size[0]} x {size[1]} px leaves {num_stages} stages, and the first "
            f"{recipe.frozen_stages} are frozen, so none would be trained. Expected a larger input, fewer frozen "
            f"stages, or the regime head."
        )
    network = FineTuned(features, ends[num_frozen], head)
    network.to(memory_format=torch.channels_last)
    return Classifier(Preprocess(preprocessing), network, recipe.label_smoothing)


def trunk_stages(model: Classifier) -> list[list[nn.Parameter]]:
    """The convolutions that are trained, stage by stage: those that may get a smaller learning rate than the head."""
    network = model.network
    assert isinstance(network, FineTuned)
    stages: list[list[nn.Parameter]] = [[]]
    for layer in network.features:
        stages[-1] += [parameter for parameter in layer.parameters() if parameter.requires_grad]
        if isinstance(layer, nn.MaxPool2d):  # where torchvision's stages end
            stages.append([])
    return [stage for stage in stages if stage]


# --------------------------------------------------------------------------------------------- parts


def _run(layers: nn.Sequential, images: Tensor) -> Tensor:
    # channels_last is several times faster on a CPU, most of all in the first layers.
    maps: Tensor = layers(images.contiguous(memory_format=torch.channels_last))
    return maps


def _head(num_features: int, num_classes: int, options: PretrainedOptions) -> nn.Sequential:
    layers: list[nn.Module] = [nn.AdaptiveAvgPool2d(1)] if options.pool == "average" else []
    layers += [nn.Flatten()]
    if options.batch_norm:
        layers += [nn.BatchNorm1d(num_features)]
    if options.dropout:
        layers += [nn.Dropout(options.dropout)]
    if options.head_width:
        layers += [nn.Linear(num_features, options.head_width), nn.ReLU()]
        if options.dropout:
            layers += [nn.Dropout(options.dropout)]
    layers += [nn.Linear(options.head_width or num_features, num_classes)]
    return nn.Sequential(*layers)


def _initialise(features: nn.Sequential) -> None:
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
