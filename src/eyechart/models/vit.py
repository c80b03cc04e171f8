"""A Vision Transformer from scratch, in plain torch, to be read from top to bottom.

    image (B, C, H, W)
      cut into squares of P pixels       (B, N, C*P*P)      N = H/P * W/P patches, read like a page
      project to the width               (B, N, D)
      add a vector for each position     (B, N, D)          attention alone cannot tell where a patch was
      blocks, each: mix tokens with each other (attention), then think about each token alone (MLP)
      read out, then normalise           (B, D)             the mean of all tokens, or an extra class token
      linear                             (B, K)

Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words".  Pre-norm blocks, as there.  Mean pooling and no
class token by default: Beyer et al. 2022, "Better plain ViT baselines for ImageNet-1k"; it is better here, and faster.
No biases in the blocks by default: half of them follow a norm, which has its own shift; the others are not missed
(docs/lab-log.md), and every one costs a pass over the tokens, forward and backward.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eyechart.base.errors import UsageError
from eyechart.models.classifier import Classifier, load_trunk
from eyechart.models.preprocess import Preprocess
from eyechart.schema import Preprocessing, Recipe


def to_patches(images: Tensor, patch_pixels: int) -> Tensor:
    """Cut images (B, C, H, W) into flat squares (B, N, C*P*P), row by row.

    Raises UsageError if H or W is not a multiple of patch_pixels.
    """
    b, c, h, w = images.shape
    p = patch_pixels
    if h % p or w % p:
        raise UsageError(
            f"vit cuts images into squares of {p} pixels and got images of {h}x{w}; expected multiples of {p}. "
            f"Choose another --img-size, or patch_pixels in the recipe."
        )
    grid = images.reshape(b, c, h // p, p, w // p, p)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(b, (h // p) * (w // p), c * p * p)  # (B, N, C*P*P)


class Attention(nn.Module):
    """Multi-head self-attention: every token asks all tokens, and takes a weighted mean of what they offer.

    (B, N, D) -> (B, N, D), head beside head; mixing the heads is the block's part.  Written out instead of calling a
    fused kernel: with a few dozen tokens two small batched products are no slower on a CPU than the fused backward pass
    (docs/lab-log.md), and the weights can be looked at.
    """

    def __init__(self, width: int, num_heads: int, *, bias: bool = False):
        super().__init__()
        assert width % num_heads == 0, f"width {width} must be a multiple of the number of heads {num_heads}"
        self.num_heads = num_heads
        self.scale = (width // num_heads) ** -0.5
        self.to_qkv = nn.Linear(width, 3 * width, bias=bias)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self._split(tokens)  # each (B, heads, N, D/heads)
        mixed = self._weights(query, key) @ value  # (B, heads, N, D/heads)
        return mixed.transpose(1, 2).reshape(tokens.shape)  # (B, N, D)

    def weights(self, tokens: Tensor) -> Tensor:
        """Who looks at whom: (B, heads, N, N), rows sum to 1."""
        query, key, _ = self._split(tokens)
        return self._weights(query, key)

    def _split(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        b, n, d = tokens.shape
        qkv = self.to_qkv(tokens).view(b, n, 3, self.num_heads, d // self.num_heads)
        # One copy of all three here saves the batched products one each, forward and backward.
        query, key, value = qkv.permute(2, 0, 3, 1, 4).contiguous().unbind(0)
        return query, key, value

    def _weights(self, query: Tensor, key: Tensor) -> Tensor:
        weights: Tensor = (query @ key.transpose(-2, -1)).mul_(self.scale).softmax(dim=-1)
        return weights


class Block(nn.Module):
    """One layer: attention, then an MLP, each on normalised tokens and added to what was there."""

    def __init__(self, width: int, num_heads: int, mlp_width: int, *, bias: bool = False):
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, num_heads, bias=bias)
        self.mix_heads = nn.Linear(width, width, bias=bias)
        self.mlp_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, mlp_width, bias=bias)
        self.activation = nn.ReLU(inplace=not bias)  # after adding a bias, in place would copy more than it saves
        self.narrow = nn.Linear(mlp_width, width, bias=bias)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = add_linear(tokens, self.mix_heads, self.attention(self.attention_norm(tokens)))
        return add_linear(tokens, self.narrow, self.activation(self.widen(self.mlp_norm(tokens))))


def add_linear(tokens: Tensor, layer: nn.Linear, features: Tensor) -> Tensor:
    """tokens (B, N, D) + layer(features (B, N, F)); without a bias one product, which starts from the tokens."""
    if layer.bias is not None:
        out: Tensor = tokens + layer(features)
        return out
    return torch.addmm(tokens.flatten(0, 1), features.flatten(0, 1), layer.weight.t()).view_as(tokens)


class ViT(nn.Module):
    """Images (B, C, H, W) -> logits (B, K)."""

    def __init__(
        self,
        in_channels: int,
        height: int,
        width: int,
        num_classes: int,
        *,
        patch_pixels: int = 7,
        token_width: int = 64,
        num_blocks: int = 4,
        num_heads: int = 2,
        mlp_ratio: int = 4,
        class_token: bool = False,
        bias: bool = False,
    ):
        super().__init__()
        self.patch_pixels = patch_pixels
        probe = to_patches(torch.zeros(1, in_channels, height, width), patch_pixels)  # checks the size
        num_tokens, patch_size = probe.shape[1] + class_token, probe.shape[2]
        self.embed = nn.Linear(patch_size, token_width)
        self.class_token = nn.Parameter(torch.zeros(1, 1, token_width)) if class_token else None
        self.positions = nn.Parameter(torch.randn(1, num_tokens, token_width) * 0.02)
        mlp_width = mlp_ratio * token_width
        self.blocks = nn.ModuleList(Block(token_width, num_heads, mlp_width, bias=bias) for _ in range(num_blocks))
        self.norm = nn.LayerNorm(token_width)
        self.head = nn.Linear(token_width, num_classes)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self._embedded(images)
        for block in self.blocks:
            tokens = block(tokens)
        pooled = tokens.mean(dim=1) if self.class_token is None else tokens[:, 0]  # (B, D)
        logits: Tensor = self.head(self.norm(pooled))
        return logits

    def attention_maps(self, images: Tensor) -> Tensor:
        """The attention weights of every block: (blocks, B, heads, N, N); for looking, not for training."""
        tokens, maps = self._embedded(images), []
        for block in self.blocks:
            maps.append(block.attention.weights(block.attention_norm(tokens)))  # type: ignore[operator, union-attr]
            tokens = block(tokens)
        return torch.stack(maps)

    def _embedded(self, images: Tensor) -> Tensor:
        tokens = self.embed(to_patches(images, self.patch_pixels))  # (B, N, D)
        if self.class_token is not None:
            tokens = torch.cat([self.class_token.expand(len(tokens), -1, -1), tokens], dim=1)  # (B, 1+N, D)
        embedded: Tensor = tokens + self.positions
        return embedded


def _initialise(module: nn.Module) -> None:
    """Xavier for linear layers, zero biases: as the paper's code does."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def build(recipe: Recipe, preprocessing: Preprocessing, num_classes: int) -> Classifier:
    """The contender `vit`; recipe.options: the keyword arguments of ViT."""
    network = ViT(
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
    network = model.network
    assert isinstance(network, ViT)
    first = [*network.embed.parameters(), network.positions]
    first += [] if network.class_token is None else [network.class_token]
    blocks = [list(block.parameters()) for block in network.blocks]
    return [first, *blocks[:-1], [*blocks[-1], *network.norm.parameters()]]
