"""Our own convolutional network: three stages of convolution and pooling, one linear layer.

    image (B, C, 24, 24)
      stage 1   3x3 convolution to W maps,    2x2 max-pool, batch norm, ReLU     (B,  W, 12, 12)
      stage 2   3x3 convolution to 2W maps,   2x2 max-pool, batch norm, ReLU     (B, 2W,  6,  6)
      stage 3   3x3 convolution to L maps,    2x2 max-pool, batch norm, ReLU     (B,  L,  3,  3)
      head      flatten, linear to K classes, times a constant                   (B, K)

Larger images get more stages of L maps until the map is at most 5 pixels a side.

Why it looks like this
- Pool first, then normalise and activate: max-pooling and ReLU commute, and the later steps touch a quarter of the
  pixels.  Batch norm needs no bias in the convolution before it.
- Nine positions reach the linear layer, not their average: where a stroke is matters for digits.
- Logits are multiplied by a small constant, which keeps the softmax soft while the learning rate is high.

Sources: LeCun et al. 1998 (the plan), Ioffe & Szegedy 2015 (batch norm), He et al. 2015 (initialisation).
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from eyechart.base.errors import UsageError
from eyechart.models.classifier import Classifier, load_trunk
from eyechart.models.preprocess import Preprocess
from eyechart.schema import Preprocessing, Recipe

LARGEST_LAST_MAP = 5  # pixels a side


class Stage(nn.Sequential):
    """Halve the map and change its width: (B, I, H, W) -> (B, O, H//2, W//2)."""

    def __init__(self, in_channels: int, out_channels: int):
        convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        super().__init__(convolution, nn.MaxPool2d(2), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def maps_of_stages(in_channels: int, height: int, width: int, first_maps: int, last_maps: int) -> list[int]:
    """What goes into the first stage, and what comes out of each."""
    maps = [in_channels, first_maps, 2 * first_maps, last_maps]
    while max(height, width) >> (len(maps) - 1) > LARGEST_LAST_MAP:
        maps.append(last_maps)
    return maps


def num_parameters(in_channels: int, height: int, width: int, num_classes: int, first_maps: int, last_maps: int) -> int:
    """Of the network below, which is not made."""
    maps = maps_of_stages(in_channels, height, width, first_maps, last_maps)
    stages = sum(9 * i * o + 2 * o for i, o in pairwise(maps))  # a convolution without bias, a batch norm
    positions = (height >> (len(maps) - 1)) * (width >> (len(maps) - 1))
    return stages + last_maps * positions * num_classes


class CNN(nn.Module):
    """Images (B, C, H, W) -> logits (B, K).

    Raises UsageError when the images are smaller than three halvings allow.
    """

    def __init__(
        self,
        in_channels: int,
        height: int,
        width: int,
        num_classes: int,
        *,
        first_maps: int = 16,
        last_maps: int = 128,
        logit_scale: float = 0.25,
    ):
        super().__init__()
        maps = maps_of_stages(in_channels, height, width, first_maps, last_maps)
        num_stages = len(maps) - 1
        last_height, last_width = height >> num_stages, width >> num_stages
        if min(last_height, last_width) < 1:
            raise UsageError(
                f"cnn halves its input {num_stages} times and got images of {height}x{width} pixels; "
                f"expected at least {2**num_stages} a side. Choose a larger --img-size."
            )
        self.stages = nn.Sequential(*(Stage(i, o) for i, o in pairwise(maps)))
        self.head = nn.Linear(last_maps * last_height * last_width, num_classes, bias=False)
        self.logit_scale = logit_scale

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stages(images)  # (B, L, h, w)
        logits: Tensor = self.head(maps.flatten(1)) * self.logit_scale  # (B, K)
        return logits


def build(recipe: Recipe, preprocessing: Preprocessing, num_classes: int) -> Classifier:
    """The contender `cnn`; recipe.options: first_maps, last_maps, logit_scale."""
    network = CNN(
        preprocessing.input_channels,
        preprocessing.input_height,
        preprocessing.input_width,
        num_classes,
        **recipe.options,  # type: ignore[arg-type]
    )
    return Classifier(Preprocess(preprocessing), network, recipe.label_smoothing)


load_starting_tensors = load_trunk


def trunk_stages(model: Classifier) -> list[list[nn.Parameter]]:
    """Everything but the head, first layers first."""
    return [list(stage.parameters()) for stage in model.network.stages]  # type: ignore[union-attr]
