"""The same weights give the same logits in timm's network, in torchvision's and in ours, whoever made them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from eyechart.models.vit import ViT

TOLERANCE = 1e-5  # of a logit
# our names of tensors, or parts of them, and theirs
TIMM = {
    "class_token": "cls_token", "positions": "pos_embed", "embed": "patch_embed.proj", "attention_norm": "norm1",
    "mlp_norm": "norm2", "attention.to_qkv": "attn.qkv", "mix_heads": "attn.proj", "widen": "mlp.fc1",
    "narrow": "mlp.fc2",
}  # fmt: skip
TORCHVISION = {
    "positions": "encoder.pos_embedding", "embed": "conv_proj", "blocks.": "encoder.layers.encoder_layer_",
    "attention_norm": "ln_1", "attention.to_qkv.": "self_attention.in_proj_", "mix_heads": "self_attention.out_proj",
    "mlp_norm": "ln_2", "widen": "mlp.0", "narrow": "mlp.3", "norm.": "encoder.ln.", "head": "heads.head",
}  # fmt: skip


def our_network(channels: int, patch_pixels: int, *, class_token: bool) -> ViT:
    """With what theirs have and ours has not: biases, GELU, a smaller constant in the norms."""
    step = 5 if patch_pixels == 8 else None  # overlapping ones
    vit = ViT(channels, 28, 28, 10, patch_pixels=patch_pixels, patch_step=step, patches="convolution",
              class_token=class_token, bias=True)  # fmt: skip
    for module in vit.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6
    for block in vit.blocks:
        block.activation = nn.GELU()
    return vit.eval()


def timm_network(class_token: bool) -> nn.Module:
    timm = pytest.importorskip("timm")
    network = timm.models.VisionTransformer(
        img_size=20, patch_size=4, in_chans=1, num_classes=10, embed_dim=64, depth=4, num_heads=2,
        class_token=class_token, global_pool="token" if class_token else "avg", fc_norm=not class_token,
    )  # fmt: skip
    network.patch_embed.proj = nn.Conv2d(1, 64, 8, 5)  # 25 patches that overlap, as ours
    network.patch_embed.img_size = (28, 28)
    return network.eval()


def torchvision_network() -> nn.Module:
    from torchvision.models import VisionTransformer

    network = VisionTransformer(
        image_size=28, patch_size=7, num_layers=4, num_heads=2, hidden_dim=64, mlp_dim=256, num_classes=10
    )
    nn.init.normal_(network.heads.head.weight, std=0.1)  # it begins with zeros, which would hide everything else
    return network.eval()


def renamed(state: dict[str, Tensor], names: dict[str, str]) -> dict[str, Tensor]:
    found = {}
    for name, tensor in state.items():
        for old, new in names.items():
            if name.startswith(old) or f".{old}" in name:
                name = name.replace(old, new, 1)
        found[name] = tensor
    return found


def as_theirs(state: dict[str, Tensor], theirs: nn.Module, names: dict[str, str]) -> dict[str, Tensor]:
    """Our tensors under their names; what differs between their own variants is asked of them."""
    found = renamed(state, names)
    wanted = theirs.state_dict()
    if "fc_norm.weight" in wanted:  # timm calls it so when it comes after pooling
        found |= {f"fc_{name}": found.pop(name) for name in ("norm.weight", "norm.bias")}
    return found


def assert_same(ours: ViT, theirs: nn.Module, channels: int) -> None:
    images = torch.rand(5, channels, 28, 28, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected, got = theirs(images), ours(images)
    assert expected.std(dim=0).min() > 10 * TOLERANCE, "they answer something about the images"
    torch.testing.assert_close(got, expected, atol=TOLERANCE, rtol=0)


@pytest.fixture(params=["timm, class token", "timm, mean", "torchvision"])
def pair(request: pytest.FixtureRequest) -> tuple[ViT, nn.Module, dict[str, str], int]:
    torch.manual_seed(1)
    if request.param == "torchvision":
        return our_network(3, 7, class_token=True), torchvision_network(), TORCHVISION, 3
    has_token = "token" in request.param
    return our_network(1, 8, class_token=has_token), timm_network(has_token), TIMM, 1


def test_their_network_with_our_weights(pair: tuple[ViT, nn.Module, dict[str, str], int]) -> None:
    ours, theirs, names, channels = pair
    theirs.load_state_dict(as_theirs(ours.state_dict(), theirs, names))
    assert_same(ours, theirs, channels)


def test_our_network_with_their_weights(pair: tuple[ViT, nn.Module, dict[str, str], int]) -> None:
    ours, theirs, names, channels = pair
    with torch.no_grad():
        for tensor in theirs.state_dict().values():  # as trained weights are: nothing is 0 or 1, biases least of all
            tensor.add_(0.1 * torch.randn(tensor.shape))
    ours_as_theirs = as_theirs({name: torch.tensor(n) for n, name in enumerate(ours.state_dict())}, theirs, names)
    state, order = theirs.state_dict(), list(ours.state_dict())
    assert set(ours_as_theirs) == set(state), "every tensor has its twin"
    ours.load_state_dict({order[int(n)]: state[name] for name, n in ours_as_theirs.items()})
    assert_same(ours, theirs, channels)
