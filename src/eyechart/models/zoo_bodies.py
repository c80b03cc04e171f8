"""A network of torchvision or timm without its own classifier, for an input of some size.

    images (B, 3, H, W) -> features (B, D)

torchvision: the last layer, where it is an nn.Linear, becomes nn.Identity; heads that only help training are left out.
timm: num_classes=0 does the same.  Networks whose position embeddings or windows belong to one image size are made for
this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from eyechart.base.errors import UsageError
from eyechart.catalog.zoo import known_network, timm_card, zoo_module

if TYPE_CHECKING:
    from eyechart.schema import Recipe

# Heads beside the last one, which train together with it; without init_weights, torchvision warns that it takes long.
HELPING_HEADS: dict[str, dict[str, Any]] = {
    name: {"aux_logits": False, "init_weights": True} for name in ("googlenet", "inception_v3")
}
LARGEST_SIDE = 640  # pixels that are tried for a message
SIDES = (7, 8)  # every patch and window is a multiple of one of them
CANNOT = (RuntimeError, ValueError, AssertionError, IndexError)  # what networks raise for a size that they do not take

Size = tuple[int, int]  # height, width


def body_and_width(recipe: Recipe, size: Size) -> tuple[nn.Module, int]:
    """The network that a recipe names, with random weights, and D.

    Raises MissingError where timm is not installed, UsageError for what is no classifier with a linear last layer, for
    a size that it does not take, and for options.
    """
    known_network(recipe.contender)
    if recipe.options:  # some of these networks swallow any argument, and change nothing
        raise UsageError(
            f"{recipe.contender} takes no options, and its recipe has {', '.join(recipe.options)}. Take them out, or "
            f"name another network of the zoo."
        )
    _check_is_square(recipe, size)
    try:
        body = _made(recipe, size)
        shape = _output_shape(body, size)
    except CANNOT as error:
        raise UsageError(_wrong_size(recipe, size, error)) from None
    if len(shape) != 2:
        raise UsageError(
            f"{recipe.contender} gives {tuple(shape)} for an image, expected one vector (1, D): there is nothing that "
            f"a linear head could read. Choose a network that was made to name what an image shows."
        )
    return body, shape[1]


def native_side(architecture: str) -> int:
    """The side of the images that the published weights of a network were made for."""
    zoo, network = known_network(architecture)
    if zoo == "timm":
        return int(timm_card(network).input_size[-1])
    return int(zoo_module(zoo).models.get_model_weights(network).DEFAULT.transforms().crop_size[0])


# --------------------------------------------------------------------------------------------- making one


def _made(recipe: Recipe, size: Size) -> nn.Module:
    zoo, network = known_network(recipe.contender)
    fixed = _sized(recipe.contender, size)
    if zoo == "timm":
        body: nn.Module = zoo_module(zoo).create_model(network, pretrained=False, num_classes=0, **fixed)
        return body
    helping = HELPING_HEADS.get(network, {})
    return _without_classifier(
        zoo_module(zoo).models.get_model(network, weights=None, **helping, **fixed), recipe.contender
    )


def _sized(architecture: str, size: Size) -> dict[str, Any]:
    """What a network is told of the size of its images; nothing where it takes any."""
    zoo, network = known_network(architecture)
    if zoo == "timm":
        return {"img_size": size} if timm_card(network).fixed_input_size else {}
    if network.startswith("vit_"):
        return {"image_size": size[0]}
    return {"input_size": size} if network.startswith("maxvit") else {}


def _check_is_square(recipe: Recipe, size: Size) -> None:
    if "image_size" in _sized(recipe.contender, size) and size[0] != size[1]:
        raise UsageError(
            f"{recipe.contender} takes square images, and would get {size[0]} x {size[1]} px. Expected --input-size "
            f"and a side of {max(size)} or more, to which they are brought."
        )


def _without_classifier(body: nn.Module, architecture: str) -> nn.Module:
    layers = [(name, each) for name, each in body.named_modules() if [*each.parameters(recurse=False)]]
    name, last = layers[-1]
    if not isinstance(last, nn.Linear):
        raise UsageError(
            f"{architecture} ends in {type(last).__name__} ({name}), expected a linear layer, in whose place a new one "
            f"could stand. Choose another network, such as torchvision:resnet18."
        )
    parent, _, child = name.rpartition(".")
    setattr(body.get_submodule(parent), child, nn.Identity())
    return body


# --------------------------------------------------------------------------------------------- sizes


def _output_shape(body: nn.Module, size: Size) -> torch.Size:
    """Of one image, asked in eval mode; what it is asked on is where the body is."""
    device = next(body.parameters()).device
    was_training = body.training
    with torch.no_grad():
        output = body.eval()(torch.zeros(1, 3, *size, device=device))
    body.train(was_training)
    return output.shape if isinstance(output, torch.Tensor) else torch.Size()


def _wrong_size(recipe: Recipe, size: Size, error: Exception) -> str:
    smallest = smallest_side(recipe, max(size))
    reason = " ".join(str(error).split())
    cure = f"Set --input-size {smallest}" if smallest else f"Its weights were made for {native_side(recipe.contender)}"
    expected = f"the smallest side from there up that it takes is {smallest}" if smallest else "expected another size"
    return f"{recipe.contender} does not take an input of {size[0]} x {size[1]} px ({reason}); {expected}. {cure}."


def smallest_side(recipe: Recipe, least: int) -> int | None:
    """Pixels of the smallest square input of `least` px or more that a network takes; None: none was found.

    Nothing is computed: networks are asked about shapes alone (torch's meta device).
    """
    is_fixed = bool(_sized(recipe.contender, (least, least)))
    body = None if is_fixed else _made(recipe, (least, least)).to("meta")
    for side in range(least, LARGEST_SIDE + 1):
        if is_fixed and all(side % each for each in SIDES):
            continue
        try:
            with torch.device("meta"):
                _output_shape(body or _made(recipe, (side, side)), (side, side))
        except CANNOT:
            continue
        return side
    return None
