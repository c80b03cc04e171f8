"""Grad-CAM: the last map of features that still knows where, weighted by what each feature does for the answer.

    convolutions   captum's LayerGradCam on the last map of LEAST_CELLS x LEAST_CELLS or more
    tokens         the same on what the last block is given, laid out as the grid that the patches come from

What the last block *gives* would be too late: with a class token, nothing that happens to a patch after the last
attention reaches the answer.

Source: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from eyechart.insight.pixels import Map, captum_attr
from eyechart.insight.place import on_image, token_grid
from eyechart.models.faster_rcnn import finest_of
from eyechart.models.vit import ViT

if TYPE_CHECKING:
    from eyechart.insight.asked import AskedModel

LEAST_CELLS = 3  # a side; a map of 2 x 2 says little about where
LAST_BLOCK = ("blocks", "body.blocks", "body.encoder.layers")  # of our ViT, timm's and torchvision's


@dataclass(frozen=True)
class LastMap:
    """Where a network last knows where something is."""

    name: str
    layer: nn.Module
    grid: tuple[int, int]
    is_tokens: bool  # the layer's input (1, N, D) is looked at; otherwise its output (1, D, rows, columns)


def find_last_map(asked: AskedModel, image: Tensor) -> LastMap | None:
    """The layer that Grad-CAM looks at, for an image (1, C, H, W); None where the network has none.

    Networks of a zoo are found by what their layers give: maps (1, D, rows, columns), or blocks of tokens under the
    names that our ViT, timm's and torchvision's have.
    """
    if asked.detector is not None:
        finest = finest_of(asked.detector)
        found = _seen(asked, image, {"backbone": finest})
        return LastMap("backbone", finest, (found[-1][2][2], found[-1][2][3]), False)
    network = asked.network
    assert network is not None
    tokens = _last_block(asked, network, image)
    if tokens is not None:
        return tokens
    for name, layer, shape in reversed(_seen(asked, image, dict(network.named_modules()))):
        if name and len(shape) == 4 and min(shape[2:]) >= LEAST_CELLS:
            return LastMap(name, layer, (shape[2], shape[3]), False)
    return None


def grad_cam(asked: AskedModel, image: Tensor, answer: int) -> Map:
    """What speaks for `answer` on an image (1, C, H, W), 0 or more; the contender must have a last map."""
    where = find_last_map(asked, image)
    assert where is not None, "methods.py asks nobody else"
    image = image.detach().requires_grad_(True)  # parameters want no gradients, so something else must
    if where.is_tokens:
        return Map(on_image(asked, _of_tokens(asked, where, image, answer), smooth=False), where.grid)
    cam = captum_attr().LayerGradCam(asked.smooth(image, answer), where.layer)
    cells: Tensor = cam.attribute(image, relu_attributions=True).detach()[0, 0]
    return Map(on_image(asked, cells, smooth=True), where.grid)


def _of_tokens(asked: AskedModel, where: LastMap, image: Tensor, answer: int) -> Tensor:
    """(rows, columns): captum would take tokens for channels."""
    given: list[Tensor] = []
    hook = where.layer.register_forward_pre_hook(lambda layer, inputs: given.append(inputs[0]))
    try:
        score = asked.smooth(image, answer)(image).sum()
    finally:
        hook.remove()
    (tokens,) = given  # (1, N, D)
    (gradient,) = torch.autograd.grad(score, tokens)
    patches = slice(tokens.shape[1] - where.grid[0] * where.grid[1], None)
    weights = gradient[0, patches].mean(dim=0)  # (D,)
    return (tokens[0, patches] @ weights).relu().view(where.grid).detach()


def _last_block(asked: AskedModel, network: nn.Module, image: Tensor) -> LastMap | None:
    names = dict(network.named_modules())
    for name in LAST_BLOCK:
        blocks = names.get(name)
        if not isinstance(blocks, nn.Sequential | nn.ModuleList) or not len(blocks):
            continue
        last = blocks[-1]
        (seen,) = _seen(asked, image, {name: last}) or (None,)
        if seen is None or len(seen[2]) != 3:
            continue
        card = asked.model.preprocess.card
        body = getattr(network, "body", None)
        grid = token_grid(seen[2][1], card.input_height / card.input_width, getattr(body, "num_prefix_tokens", None))
        if min(grid) >= LEAST_CELLS or (isinstance(network, ViT) and min(grid) > 1):
            return LastMap(f"{name}.{len(blocks) - 1}", last, grid, True)
    return None


def _seen(
    asked: AskedModel, image: Tensor, layers: dict[str, nn.Module]
) -> list[tuple[str, nn.Module, tuple[int, ...]]]:
    """Name, layer and the shape of what it gives, in the order in which they end."""
    found: list[tuple[str, nn.Module, tuple[int, ...]]] = []

    def keeper(name: str) -> object:
        def keep(layer: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor):
                found.append((name, layer, tuple(output.shape)))

        return keep

    hooks = [layer.register_forward_hook(keeper(name)) for name, layer in layers.items()]  # type: ignore[arg-type]
    try:
        asked.probabilities(image)
    finally:
        for hook in hooks:
            hook.remove()
    return found
