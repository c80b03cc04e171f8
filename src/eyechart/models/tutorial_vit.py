"""The ViT of a well-known tutorial, as it is written, and every repair of it as an option.

    image (B, C, H, W)
      cut into squares of P pixels                  (B, N, C*P*P)
      project to the width                          (B, N, D)
      put a class token in front                    (B, 1+N, D)
      add a vector for each position                (B, 1+N, D)    sines and cosines, or learned
      blocks, each: attention, then an MLP          (B, 1+N, D)
      read out the class token                      (B, D)         then a norm, or none
      linear                                        (B, K)         then a softmax, which does not belong there, or none

Source: Brian Pulfer, "Vision Transformers from Scratch (PyTorch): A step-by-step guide"; the code here is our own.  By
default the network is his: width 8, two blocks, two heads, 1,642 parameters on MNIST, with Python loops over images, a
softmax in front of the cross-entropy, heads that see their own slice of a token only, no projection that mixes the
heads, no last norm.  catalog/ladder.py repairs one at a time; models/vit.py is where that ends.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from eyechart.base.errors import UsageError
from eyechart.models.classifier import Classifier
from eyechart.models.preprocess import Preprocess
from eyechart.models.vit import to_patches
from eyechart.schema import Preprocessing, Recipe


def cut_patches_in_loops(images: Tensor, patch_pixels: int) -> Tensor:
    """What `to_patches` does, as the tutorial does it: one image, one square at a time."""
    p, (height, width) = patch_pixels, images.shape[2:]
    return torch.stack([
        torch.stack([
            image[:, top : top + p, left : left + p].flatten()
            for top in range(0, height, p)
            for left in range(0, width, p)
        ])
        for image in images
    ])  # fmt: skip


def sinusoids(num_tokens: int, width: int) -> Tensor:
    """(N, D): sines in even places, cosines in odd ones, slower from left to right.  Source: Vaswani et al. 2017."""
    table = torch.empty(num_tokens, width)
    for token in range(num_tokens):
        for place in range(width):
            angle = token / 10_000 ** ((place - place % 2) / width)
            table[token, place] = math.cos(angle) if place % 2 else math.sin(angle)
    return table


class Head(nn.Module):
    """One head: tokens (..., N, I) -> (..., N, H), a weighted mean of what all tokens offer; for one image or many."""

    def __init__(self, in_width: int, head_width: int):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(in_width, head_width) for _ in range(3))
        self.scale = head_width**-0.5

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.query(tokens) * self.scale, self.key(tokens), self.value(tokens)  # each (..., N, H)
        mixed: Tensor = (query @ key.transpose(-2, -1)).softmax(dim=-1) @ value
        return mixed


class Attention(nn.Module):
    """All heads side by side: (B, N, D) -> (B, N, D).

    With `sliced_heads` a head asks, is asked and answers with its own slice of each token alone, so nothing that stands
    in one slice ever meets what stands in another: there are as many thin transformers as heads.
    """

    def __init__(self, width: int, num_heads: int, *, loops: bool, sliced_heads: bool, projection: bool):
        super().__init__()
        self.loops, self.sliced_heads = loops, sliced_heads
        head_width = width // num_heads
        in_width = head_width if sliced_heads else width
        self.heads = nn.ModuleList(Head(in_width, head_width) for _ in range(num_heads))
        self.projection = nn.Linear(width, width) if projection else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        mixed = torch.stack([self._mixed(image) for image in tokens]) if self.loops else self._mixed(tokens)
        projected: Tensor = self.projection(mixed)
        return projected

    def _mixed(self, tokens: Tensor) -> Tensor:
        """(..., N, D) -> (..., N, D)."""
        slices = tokens.chunk(len(self.heads), dim=-1) if self.sliced_heads else [tokens] * len(self.heads)
        return torch.cat([head(own) for head, own in zip(self.heads, slices, strict=True)], dim=-1)


class Block(nn.Module):
    """One layer: attention, then an MLP, each on normalised tokens and added to what was there."""

    def __init__(self, width: int, mlp_ratio: int, attention: Attention):
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = attention
        self.mlp = nn.Sequential(nn.Linear(width, mlp_ratio * width), nn.GELU(), nn.Linear(mlp_ratio * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.attention_norm(tokens))
        out: Tensor = tokens + self.mlp(self.mlp_norm(tokens))
        return out


class TutorialViT(nn.Module):
    """Images (B, C, H, W) -> what goes into the cross-entropy (B, K): probabilities as it is written, else logits.

    Raises UsageError where H or W is not a multiple of patch_pixels, or token_width not one of num_heads.
    """

    positions: Tensor

    def __init__(
        self,
        in_channels: int,
        height: int,
        width: int,
        num_classes: int,
        *,
        patch_pixels: int = 4,
        token_width: int = 8,
        num_blocks: int = 2,
        num_heads: int = 2,
        mlp_ratio: int = 4,
        loops: bool = True,
        softmax: bool = True,
        sliced_heads: bool = True,
        projection: bool = False,
        final_norm: bool = False,
        learned_positions: bool = False,
    ):
        super().__init__()
        _check_fits(height, width, patch_pixels, token_width, num_heads)
        self.patch_pixels, self.loops = patch_pixels, loops
        num_tokens = 1 + (height // patch_pixels) * (width // patch_pixels)
        self.embed = nn.Linear(in_channels * patch_pixels**2, token_width)
        self.class_token = nn.Parameter(torch.rand(1, token_width))
        if learned_positions:
            self.positions = nn.Parameter(torch.randn(num_tokens, token_width) * 0.02)
        else:
            self.register_buffer("positions", sinusoids(num_tokens, token_width), persistent=False)
        self.blocks = nn.ModuleList(
            Block(token_width, mlp_ratio, Attention(token_width, num_heads, loops=loops, sliced_heads=sliced_heads,
                                                    projection=projection))
            for _ in range(num_blocks)
        )  # fmt: skip
        self.norm = nn.LayerNorm(token_width) if final_norm else nn.Identity()
        self.head = nn.Linear(token_width, num_classes)
        self.last = nn.Softmax(dim=-1) if softmax else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        tokens = self._with_class_token(images) + self.positions  # (B, 1+N, D)
        for block in self.blocks:
            tokens = block(tokens)
        out: Tensor = self.last(self.head(self.norm(tokens[:, 0])))
        return out

    def _with_class_token(self, images: Tensor) -> Tensor:
        if self.loops:
            tokens = self.embed(cut_patches_in_loops(images, self.patch_pixels))  # (B, N, D)
            return torch.stack([torch.vstack((self.class_token, of_one)) for of_one in tokens])  # (B, 1+N, D)
        tokens = self.embed(to_patches(images, self.patch_pixels))
        return torch.cat([self.class_token.expand(tokens.shape[0], 1, -1), tokens], dim=1)


def _check_fits(height: int, width: int, patch_pixels: int, token_width: int, num_heads: int) -> None:
    if height % patch_pixels or width % patch_pixels:
        raise UsageError(
            f"tutorial_vit cuts images into squares of {patch_pixels} pixels and got images of {height}x{width}; "
            f"expected multiples of {patch_pixels}. Choose another --img-size, or patch_pixels in the recipe."
        )
    if token_width % num_heads:
        raise UsageError(
            f"tutorial_vit has tokens of width {token_width} and {num_heads} heads; expected a multiple of the number "
            f"of heads. Choose another token_width in the recipe."
        )


def build(recipe: Recipe, preprocessing: Preprocessing, num_classes: int) -> Classifier:
    """The contender `tutorial_vit`; recipe.options: the keyword arguments of TutorialViT.

    The classifier takes what the network gives for logits, whether it is or not: a softmax is then applied twice, in
    training and in judging, as happens to who follows the tutorial.
    """
    network = TutorialViT(
        preprocessing.input_channels,
        preprocessing.input_height,
        preprocessing.input_width,
        num_classes,
        **recipe.options,  # type: ignore[arg-type]
    )
    return Classifier(Preprocess(preprocessing), network, recipe.label_smoothing)


def without_loops(network: nn.Module) -> None:
    """Let whatever loops over images in a network take all at once, with the same outputs; other networks stay."""
    for layer in network.modules():
        if isinstance(layer, TutorialViT | Attention):
            layer.loops = False
