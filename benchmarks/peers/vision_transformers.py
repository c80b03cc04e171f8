"""timm's VisionTransformer and vit-pytorch's SimpleViT, in the shape of our recipe."""

from __future__ import annotations

from typing import NamedTuple

from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from eyechart.models.vit import Block, ViT
from eyechart.runner.contender import Contender

MLP_RATIO = 4
# timm's names of tensors, or parts of them, and ours
OUR_NAMES = {
    "cls_token": "class_token", "pos_embed": "positions", "patch_embed.proj": "embed", "norm1": "attention_norm",
    "norm2": "mlp_norm", "attn.qkv": "attention.to_qkv", "attn.proj": "mix_heads", "mlp.fc1": "widen",
    "mlp.fc2": "narrow",
}  # fmt: skip


class Shape(NamedTuple):
    patch_pixels: int
    width: int
    num_blocks: int
    num_heads: int


def _shape_of(contender: Contender) -> Shape:
    options = contender.job.recipe.options
    return Shape(*(int(options[name]) for name in ("patch_pixels", "token_width", "num_blocks", "num_heads")))


def timm_network(contender: Contender) -> nn.Module:
    """Images (B, C, H, W) -> logits (B, K); timm's network as it comes: class token, GELU, torch's fused attention."""
    shape = _shape_of(contender)
    network: nn.Module = VisionTransformer(
        img_size=contender.preprocessing.input_height,
        patch_size=shape.patch_pixels,
        in_chans=contender.preprocessing.input_channels,
        num_classes=contender.card.num_classes,
        embed_dim=shape.width,
        depth=shape.num_blocks,
        num_heads=shape.num_heads,
        mlp_ratio=MLP_RATIO,
    )
    return network


def simplevit_network(contender: Contender) -> nn.Module:
    """Images (B, C, H, W) -> logits (B, K); heads as wide as ours, where SimpleViT's own default is 64."""
    from vit_pytorch.simple_vit import SimpleViT

    shape = _shape_of(contender)
    network: nn.Module = SimpleViT(
        image_size=contender.preprocessing.input_height,
        patch_size=shape.patch_pixels,
        num_classes=contender.card.num_classes,
        dim=shape.width,
        depth=shape.num_blocks,
        heads=shape.num_heads,
        mlp_dim=MLP_RATIO * shape.width,
        channels=contender.preprocessing.input_channels,
        dim_head=shape.width // shape.num_heads,
    )
    return network


def use_timm_details(network: ViT) -> None:
    """timm's activation and its smaller constant in the norms, in our network."""
    for block in network.blocks:
        assert isinstance(block, Block)
        block.activation = nn.GELU()
    for module in network.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6


def as_our_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """timm's tensors under our names; its convolution over patches is our linear layer."""
    renamed = {}
    for name, tensor in state.items():
        for theirs, ours in OUR_NAMES.items():
            name = name.replace(theirs, ours)
        renamed[name] = tensor.flatten(1) if name == "embed.weight" else tensor
    return renamed
