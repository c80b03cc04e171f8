"""What a Vision Transformer's tokens looked at: each head by itself, and all blocks together (attention rollout).

The attention weights are recomputed from what each block's attention was given (`Attention.weights`), by a hook that is
there only while somebody looks: training pays nothing for it.

Source: Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from eyechart.insight.pixels import Map
from eyechart.insight.place import on_image
from eyechart.models.vit import Attention, ViT

if TYPE_CHECKING:
    from eyechart.insight.asked import AskedModel


def attention_weights(network: nn.Module, images: Tensor) -> Tensor:
    """Who looks at whom in every block: (blocks, B, heads, N, N), rows sum to 1; `images` as the network takes them."""
    found: list[Tensor] = []

    def keep(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, Attention)
        found.append(layer.weights(inputs[0]).detach())

    hooks = [layer.register_forward_hook(keep) for layer in network.modules() if isinstance(layer, Attention)]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(found)


def rollout(weights: Tensor) -> Tensor:
    """How much of each token of the first block reaches each token after the last: (B, N, N), rows sum to 1.

    `weights` (blocks, B, heads, N, N).  Heads count alike, and half of a token goes round each block, as the residual
    connection lets it.
    """
    number = weights.shape[-1]
    itself = torch.eye(number, dtype=weights.dtype, device=weights.device)
    flow = itself.expand(weights.shape[1], -1, -1)
    for block in weights.mean(dim=2):  # (B, N, N)
        flow = (0.5 * block + 0.5 * itself) @ flow
    return flow


def attention_rollout(asked: AskedModel, image: Tensor) -> Map:
    """Rollout from the patches of an image (1, C, H, W) to what the head reads; it does not know of any answer.

    Shares of what is read, as multiples of an even share: above 0 is more than even, below 0 less.
    """
    network, weights, grid = _looked(asked, image)
    flow = rollout(weights)[0]
    extra = 0 if network.registers is None else network.registers.shape[1]  # that nobody reads
    read = flow[0] if network.class_token is not None else flow[extra:].mean(dim=0)  # (N,): the tokens that are read
    return Map(on_image(asked, _even(read, grid), smooth=False), grid)


def head_maps(asked: AskedModel, image: Tensor) -> np.ndarray:
    """How much each patch is looked at by all tokens, float32 (blocks, heads, H, W), as in `attention_rollout`."""
    _, weights, grid = _looked(asked, image)
    received = weights[:, 0].mean(dim=2)  # (blocks, heads, N)
    return np.stack([[on_image(asked, _even(head, grid), smooth=False) for head in block] for block in received])


def _looked(asked: AskedModel, image: Tensor) -> tuple[ViT, Tensor, tuple[int, int]]:
    network = asked.network
    assert isinstance(network, ViT), "methods.py asks nobody else"
    return network, attention_weights(network, asked.model.preprocess(image)), network.grid


def _even(shares: Tensor, grid: tuple[int, int]) -> Tensor:
    """Shares of all tokens (N,) -> of the patches (rows, columns), as multiples of an even share, less 1."""
    patches = shares[len(shares) - grid[0] * grid[1] :]
    return (patches * len(shares) - 1).view(grid)
