"""Grad-CAM: the last map of features that still knows where, weighted by what each feature does for the answer.

    convolutions   captum's LayerGradCam on the last map of LEAST_CELLS x LEAST_CELLS or more
    features last  the same on maps whose features come last, as those of Swin Transformers do
    tokens         the same on what the last block is given, laid out as the grid that the patches come from

What the last block *gives* would be too late: with a class token, nothing that happens to a patch after the last
attention reaches the answer.

Source: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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


# A layer's output (1, D, rows, columns) or (1, rows, columns, D), or its input (1, N, D).
Layout = Literal["features first", "features last", "tokens"]


@dataclass(frozen=True)
class LastMap:
    """Where a network last knows where something is."""

    name: str
    layer: nn.Module
    grid: tuple[int, int]
    layout: Layout


def find_last_map(asked: AskedModel, image: Tensor) -> LastMap | None:
    """The layer that Grad-CAM looks at, for an image (1, C, H, W); None where the network has none.

    Networks of a zoo are found by what their layers give: maps (1, D, rows, columns), or blocks of tokens under the
    names that our ViT, timm's and torchvision's have.
    """
    if asked.detector is not None:
        finest = finest_of(asked.detector)
        found = _seen(asked, image, {"backbone": finest})
        return LastMap("backbone", finest, (found[-1][2][2], found[-1][2][3]), "features first")
    network = asked.network
    assert network is not None
    tokens = _last_block(asked, network, image)
    if tokens is not None:
        return tokens
    for name, layer, shape in reversed(_seen(asked, image, dict(network.named_modules()))):
        found_map = _as_map(asked, name, layer, shape) if name and len(shape) == 4 else None
        if found_map is not None:
            return found_map
    return None


def grad_cam(asked: AskedModel, image: Tensor, answer: int) -> Map:
    """What speaks for `answer` on an image (1, C, H, W), 0 or more; the contender must have a last map."""
    where = find_last_map(asked, image)
    assert where is not None, "methods.py asks nobody else"
    image = image.detach().requires_grad_(True)  # parameters want no gradients, so something else must
    if where.layout != "features first":
        cells = _of_cells(asked, where, image, answer)
        return Map(on_image(asked, cells, smooth=where.layout != "tokens"), where.grid)
    cam = captum_attr().LayerGradCam(asked.smooth(image, answer), where.layer)
    cells = cam.attribute(image, relu_attributions=True).detach()[0, 0]
    return Map(on_image(asked, cells, smooth=True), where.grid)


def _of_cells(asked: AskedModel, where: LastMap, image: Tensor, answer: int) -> Tensor:
    """(rows, columns): captum would take cells for features."""
    seen: list[Tensor] = []
    if where.layout == "tokens":
        hook = where.layer.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    else:
        hook = where.layer.register_forward_hook(lambda layer, inputs, output: seen.append(output))
    try:
        score = asked.smooth(image, answer)(image).sum()
    finally:
        hook.remove()
    (features,) = seen
    (gradient,) = torch.autograd.grad(score, features)
    num_cells = where.grid[0] * where.grid[1]  # tokens in front of them are no patches
    cells, slopes = (each.flatten(1, -2)[0, -num_cells:] for each in (features, gradient))  # (cells, D)
    return (cells @ slopes.mean(dim=0)).relu().view(where.grid).detach()


def _as_map(asked: AskedModel, name: str, layer: nn.Module, shape: tuple[int, ...]) -> LastMap | None:
    """The layer, if its output of four axes is a map of the image's proportions with enough cells."""
    card = asked.model.preprocess.card
    proportions = card.input_height / card.input_width
    layouts: tuple[tuple[Layout, tuple[int, int]], ...] = (
        ("features first", (shape[2], shape[3])), ("features last", (shape[1], shape[2])),
    )  # fmt: skip
    for layout, (rows, columns) in layouts:
        if min(rows, columns) >= LEAST_CELLS and abs(rows - columns * proportions) < max(1.0, proportions):
            return LastMap(name, layer, (rows, columns), layout)
    return None


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
        if isinstance(network, ViT):
            grid, least = network.grid, 2
        else:
            num_extra = getattr(getattr(network, "body", None), "num_prefix_tokens", None)
            grid, least = token_grid(seen[2][1], card.input_height / card.input_width, num_extra), LEAST_CELLS
        if min(grid) >= least:
            return LastMap(f"{name}.{len(blocks) - 1}", last, grid, "tokens")
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
