"""Every contender, one line each, and how a network is made from its recipe.

To add one: write models/<name>.py with `build(recipe, preprocessing, num_classes)`, add a line here, a recipe in
recipes.py and a row in tests/models/test_catalog.py; that test names what is missing.  Networks of torchvision and timm
are there already, behind one line: ZOO.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

from eyechart.base.errors import UsageError
from eyechart.catalog.zoo import is_of_zoo
from eyechart.schema import DatasetCard, Preprocessing, Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from eyechart.schema.contracts import StartingWeights


LARGEST_MARGIN = 1 / 6  # share of a side that a centre crop may take off


class Architecture(NamedTuple):
    module: str  # where its `build` is
    input_channels: int | None = None  # None: those of the images
    least_pixels: int = 8  # smallest input side that it accepts


ARCHITECTURES = {
    "cnn": Architecture("eyechart.models.cnn"),
    "vit": Architecture("eyechart.models.vit"),
    "vgg16": Architecture("eyechart.models.pretrained", input_channels=3, least_pixels=28),
    "alexnet": Architecture("eyechart.models.pretrained", input_channels=3, least_pixels=28),
    "fasterrcnn": Architecture("eyechart.models.faster_rcnn"),
    "tutorial_vit": Architecture("eyechart.models.tutorial_vit"),
}
ZOO = Architecture("eyechart.models.zoo", input_channels=3)


def architecture_for(recipe: Recipe) -> Architecture:
    """The line of a recipe's architecture."""
    return ZOO if is_of_zoo(recipe.contender) else ARCHITECTURES[recipe.contender]


def plan_preprocessing(
    recipe: Recipe,
    card: DatasetCard,
    pixel_mean: Sequence[float],
    pixel_std: Sequence[float],
    starting: StartingWeights,
) -> Preprocessing:
    """What the network's first step will do: sizes from the recipe, mean and std from the starting weights.

    `pixel_mean` and `pixel_std` (0..1, one a channel) are used when the network starts from nothing.
    Raises UsageError when the input would be too small.
    """
    architecture = architecture_for(recipe)
    channels = 3 if recipe.options.get("trunk") else architecture.input_channels or card.num_channels
    height, width = input_size(recipe, card.height, card.width)
    crops = recipe.fit == "centre-crop" and height <= card.height and width <= card.width
    if min(height, width) < architecture.least_pixels:
        raise UsageError(
            f"{recipe.contender} got an input of {height}x{width} pixels; expected at least "
            f"{architecture.least_pixels} a side. Choose a larger --img-size for a folder, or --input-size."
        )
    # A standard deviation of 0 (all images of one colour) must not become a division by zero.
    mean = _for_channels(starting.mean or pixel_mean, channels)
    std = tuple(max(value, 1e-3) for value in _for_channels(starting.std or pixel_std, channels))
    if not recipe.normalise and starting.mean is None:  # what is pretrained knows the pixels that it was trained on
        mean, std = (0.0,) * channels, (1.0,) * channels
    return Preprocessing(
        image_channels=card.num_channels,
        image_height=card.height,
        image_width=card.width,
        input_channels=channels,  # type: ignore[arg-type]
        input_height=height,
        input_width=width,
        fit="centre-crop" if crops else "resize",
        mean=mean,
        std=std,
        picture_rule=card.picture_rule,
    )


def input_size(recipe: Recipe, height: int, width: int) -> tuple[int, int]:
    """The size in pixels at which a network sees images of `height` x `width`.

    Small images are brought to the recipe's `input_pixels`, larger ones stay as they are: shrinking would throw away
    what a crop or a stride needs.  A crop takes off a margin (MNIST's is empty), never more than LARGEST_MARGIN.
    Where images are cut into patches, the size is the nearest that they cover, by two patches or more a side.
    """
    if recipe.input_pixels:
        least = recipe.input_pixels / (1 - LARGEST_MARGIN) if recipe.fit == "centre-crop" else recipe.input_pixels
        if max(height, width) <= least:
            height = width = recipe.input_pixels
    patch = recipe.options.get("patch_pixels")
    step = recipe.options.get("patch_step", patch)
    if isinstance(patch, int) and isinstance(step, int) and step > 0:
        height, width = (patch + step * max(1, round((side - patch) / step)) for side in (height, width))
    return height, width


def build_model(recipe: Recipe, preprocessing: Preprocessing, num_classes: int) -> nn.Module:
    """A network with random weights drawn from torch's global generator; UsageError for options it does not have."""
    module = importlib.import_module(architecture_for(recipe).module)
    try:
        model: nn.Module = module.build(recipe, preprocessing, num_classes)
    except TypeError as error:
        raise UsageError(f"The recipe's options for {recipe.contender} do not fit: {error}.") from error
    return model


def load_starting_tensors(model: nn.Module, recipe: Recipe, tensors: dict[str, Tensor]) -> None:
    """Put pretrained tensors into the model; nothing to do when there are none.

    Raises WeightsError for what lacks or does not fit, layer by layer.
    """
    if tensors:
        module = importlib.import_module(architecture_for(recipe).module)
        module.load_starting_tensors(model, tensors)


def trunk_stages(model: nn.Module, recipe: Recipe) -> list[list[nn.Parameter]]:
    """The trainable parameters that came pretrained, stage by stage; empty for contenders without a trunk."""
    module = importlib.import_module(architecture_for(recipe).module)
    found: list[list[nn.Parameter]] = module.trunk_stages(model) if hasattr(module, "trunk_stages") else []
    return found


def _for_channels(values: Sequence[float], channels: int) -> tuple[float, ...]:
    """Statistics of grey images, repeated for a network that expects colour; of colour, averaged for a grey one."""
    if len(values) == channels:
        return tuple(values)
    return tuple(values) * channels if len(values) == 1 else (sum(values) / len(values),)
