"""A Vision Transformer from scratch, in plain torch, to be read from top to bottom.

    image (B, C, H, W)
      cut into squares of P pixels       (B, N, C*P*P)      N patches, read like a page; they may overlap
      project to the width               (B, N, D)
      add a vector for each position     (B, N, D)          attention alone cannot tell where a patch was
      blocks, each: mix tokens with each other (attention), then think about each token alone (MLP)
      read out, then normalise           (B, D)             the mean of all tokens, or an extra class token
      linear                             (B, K)

Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words".  Pre-norm blocks, as there.  Mean pooling and no
class token by default: Beyer et al. 2022, "Better plain ViT baselines for ImageNet-1k"; it is better here, and faster.
No biases in the blocks by default: half of them follow a norm, which has a shift; the others are not missed (lab log).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eyechart.base.errors import UsageError
from eyechart.models.classifier import Classifier, load_trunk
from eyechart.models.preprocess import Preprocess
from eyechart.schema import Preprocessing, Recipe


def grid_of(height: int, width: int, patch_pixels: int, patch_step: int) -> tuple[int, int]:
    """How many rows and columns of patches an image has; UsageError if the last do not end where the image does."""
    places = [divmod(side - patch_pixels, max(1, patch_step)) for side in (height, width)]
    if min(patch_pixels, patch_step) < 1 or any(number < 0 or rest for number, rest in places):
        raise UsageError(
            f"vit cuts images into squares of {patch_pixels} pixels, one every {patch_step}, and got images of "
            f"{height}x{width}; expected {patch_pixels} pixels a side and a multiple of {patch_step} more. "
            f"Choose another --img-size, or patch_pixels and patch_step in the recipe."
        )
    return places[0][0] + 1, places[1][0] + 1


def to_patches(images: Tensor, patch_pixels: int, patch_step: int | None = None) -> Tensor:
    """Cut images (B, C, H, W) into flat squares (B, N, C*P*P), row by row; see `grid_of` for the sizes that fit."""
    b, c, h, w = images.shape
    p, step = patch_pixels, patch_step or patch_pixels
    rows, columns = grid_of(int(h), int(w), p, step)  # tensors, while torch.jit traces
    if step == p:
        squares = images.reshape(b, c, rows, p, columns, p).permute(0, 2, 4, 1, 3, 5)
    else:
        squares = images.unfold(2, p, step).unfold(3, p, step).permute(0, 2, 3, 1, 4, 5)
    return squares.reshape(b, rows * columns, c * p * p)  # (B, N, C*P*P)


class Attention(nn.Module):
    """Multi-head self-attention: every token asks all tokens, and takes a weighted mean of what they offer.

    (B, N, D) -> (B, N, D), head beside head; mixing the heads is the block's part.  Written out instead of calling a
    fused kernel: with a few dozen tokens two small batched products are no slower on a CPU than the fused backward pass
    (docs/lab-log.md), and the weights can be looked at.
    """

    def __init__(self, width: int, num_heads: int, *, bias: bool = False):
        super().__init__()
        if min(width, num_heads) < 1 or width % num_heads:
            raise UsageError(f"vit got token_width {width}, num_heads {num_heads}; expected a multiple of the heads.")
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
    """Images (B, C, H, W) -> logits (B, K).

    patch_step: pixels from one patch to the next; None: patch_pixels, side by side.  Less: patches overlap.
    patches: "linear" or "convolution", which is the same function computed in another way.
    positions: "learned", or "sinusoidal" (fixed).
    class_token: what is read out is a token of its own instead of the mean of the patches.
    num_registers: tokens that are no patch and that nobody reads, for the network to write on (Darcet et al. 2024).
    bias: whether the linear layers of the blocks have one.
    """

    def __init__(
        self,
        in_channels: int,
        height: int,
        width: int,
        num_classes: int,
        *,
        patch_pixels: int = 7,
        patch_step: int | None = None,
        token_width: int = 64,
        num_blocks: int = 4,
        num_heads: int = 2,
        mlp_ratio: int = 4,
        patches: str = "linear",
        positions: str = "learned",
        class_token: bool = False,
        num_registers: int = 0,
        bias: bool = False,
    ):
        super().__init__()
        _check("patches", patches, ("linear", "convolution"))
        _check("positions", positions, ("learned", "sinusoidal"))
        self.patch_pixels, self.patch_step = patch_pixels, patch_step or patch_pixels
        self.grid = grid_of(height, width, self.patch_pixels, self.patch_step)  # rows and columns of patches
        num_patches, num_extra = self.grid[0] * self.grid[1], class_token + num_registers
        if patches == "convolution":
            self.embed: nn.Module = nn.Conv2d(in_channels, token_width, patch_pixels, self.patch_step)
        else:
            self.embed = nn.Linear(in_channels * patch_pixels**2, token_width)
        self.class_token = nn.Parameter(torch.zeros(1, 1, token_width)) if class_token else None
        self.registers = nn.Parameter(torch.randn(1, num_registers, token_width) * 0.02) if num_registers else None
        if positions == "learned":
            self.positions = nn.Parameter(torch.randn(1, num_extra + num_patches, token_width) * 0.02)
        else:
            fixed = torch.cat([torch.zeros(num_extra, token_width), sinusoids(*self.grid, token_width)])
            self.register_buffer("positions", fixed[None], persistent=False)
        mlp_width = mlp_ratio * token_width
        self.blocks = nn.ModuleList(Block(token_width, num_heads, mlp_width, bias=bias) for _ in range(num_blocks))
        self.norm = nn.LayerNorm(token_width)
        self.head = nn.Linear(token_width, num_classes)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self._embedded(images)
        for block in self.blocks:
            tokens = block(tokens)
        logits: Tensor = self.head(self.norm(self._read_out(tokens)))
        return logits

    def attention_maps(self, images: Tensor) -> Tensor:
        """The attention weights of every block: (blocks, B, heads, N, N); for looking, not for training."""
        tokens, maps = self._embedded(images), []
        for block in self.blocks:
            maps.append(block.attention.weights(block.attention_norm(tokens)))  # type: ignore[operator, union-attr]
            tokens = block(tokens)
        return torch.stack(maps)

    def _embedded(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, N, D): class token, registers, patches, those that there are."""
        if isinstance(self.embed, nn.Conv2d):
            tokens = self.embed(images).flatten(2).transpose(1, 2)
        else:
            tokens = self.embed(to_patches(images, self.patch_pixels, self.patch_step))
        b = tokens.shape[0]  # not len(), which exporters take for a number that never changes
        extra = [each.expand(b, -1, -1) for each in (self.class_token, self.registers) if each is not None]
        tokens = torch.cat([*extra, tokens], dim=1) if extra else tokens
        embedded: Tensor = tokens + self.positions
        return embedded

    def _read_out(self, tokens: Tensor) -> Tensor:
        """(B, N, D) -> (B, D)."""
        if self.class_token is not None:
            return tokens[:, 0]
        return (tokens if self.registers is None else tokens[:, self.registers.shape[1] :]).mean(dim=1)


def sinusoids(rows: int, columns: int, width: int) -> Tensor:
    """Fixed positions (rows * columns, D): sines and cosines of the row, then of the column, D/4 wavelengths each.

    Source: Vaswani et al. 2017, for each of two axes.  Raises UsageError where D is no multiple of 4.
    """
    if width % 4:
        raise UsageError(f"vit's sinusoidal positions want a token_width that is a multiple of 4 and got {width}.")
    frequencies = 10_000.0 ** -(torch.arange(width // 4) / (width // 4))
    along = [torch.arange(size)[:, None] * frequencies for size in (rows, columns)]  # each (size, D/4)
    down, across = (torch.cat([angles.sin(), angles.cos()], dim=1) for angles in along)  # each (size, D/2)
    return torch.cat([down.repeat_interleave(columns, dim=0), across.repeat(rows, 1)], dim=1)


def _check(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"vit's option {option} is {value!r}; expected {' or '.join(map(repr, known))}.")


def _initialise(module: nn.Module) -> None:
    """Xavier for linear layers, of which patches as a convolution are one, zero biases: as the paper's code does."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(module.weight.flatten(1))
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
    tokens = (network.positions, network.class_token, network.registers)
    first = [*network.embed.parameters(), *(each for each in tokens if isinstance(each, nn.Parameter))]
    blocks = [list(block.parameters()) for block in network.blocks]
    return [first, *blocks[:-1], [*blocks[-1], *network.norm.parameters()]]
