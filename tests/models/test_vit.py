"""The Vision Transformer: patches by hand, attention by its definition, and timm as an outside oracle."""

from __future__ import annotations

import pytest
import torch

from eyechart.base.errors import UsageError
from eyechart.models.vit import Attention, ViT, to_patches


def test_patches_are_squares_read_like_a_page() -> None:
    image = torch.arange(2 * 3 * 4 * 6, dtype=torch.float32).reshape(2, 3, 4, 6)
    patches = to_patches(image, 2)
    assert patches.shape == (2, 6, 12)
    assert torch.equal(patches[1, 4], image[1, :, 2:4, 2:4].reshape(-1)), "second row, second column"


def test_a_size_that_is_no_multiple_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match=r"squares of 7 pixels and got images of 28x20"):
        to_patches(torch.zeros(1, 1, 28, 20), 7)


def test_attention_is_what_its_definition_says() -> None:
    attention = Attention(width=6, num_heads=2)
    tokens = torch.randn(2, 5, 6)
    query, key, value = attention.to_qkv(tokens).split(6, dim=2)
    heads = []
    for head in (slice(0, 3), slice(3, 6)):
        scores = query[..., head] @ key[..., head].transpose(1, 2) / 3**0.5
        heads.append(scores.softmax(dim=-1) @ value[..., head])
    torch.testing.assert_close(attention(tokens), torch.cat(heads, dim=2))


def test_attention_maps_have_a_row_of_weights_for_every_token() -> None:
    vit = ViT(1, 28, 14, 10, num_blocks=3, class_token=True)
    maps = vit.attention_maps(torch.rand(2, 1, 28, 14))
    assert maps.shape == (3, 2, 2, 9, 9)
    torch.testing.assert_close(maps.sum(dim=-1), torch.ones(3, 2, 2, 9))


def test_positions_matter_and_the_order_of_the_batch_does_not() -> None:
    torch.manual_seed(0)
    vit = ViT(1, 14, 14, 3)
    images = torch.rand(2, 1, 14, 14)
    torch.testing.assert_close(vit(images.flip(0)), vit(images).flip(0))
    upside_down = torch.cat([images[..., 7:, :], images[..., :7, :]], dim=2)
    assert not torch.allclose(vit(upside_down), vit(images), atol=1e-4)


@pytest.mark.parametrize("class_token", [True, False])
def test_equals_timm_with_the_same_weights(class_token: bool) -> None:
    timm = pytest.importorskip("timm")
    ours = ViT(1, 28, 28, 10, class_token=class_token, bias=True).eval()
    theirs = timm.models.VisionTransformer(
        img_size=28, patch_size=7, in_chans=1, num_classes=10, embed_dim=64, depth=4, num_heads=2,
        class_token=class_token, global_pool="token" if class_token else "avg", fc_norm=not class_token,
        act_layer=torch.nn.ReLU, norm_layer=torch.nn.LayerNorm,
    ).eval()  # fmt: skip
    state = {
        "patch_embed.proj.weight": ours.embed.weight.reshape(64, 1, 7, 7),
        "patch_embed.proj.bias": ours.embed.bias,
    }
    state |= {"pos_embed": ours.positions} | ({"cls_token": ours.class_token} if class_token else {})
    names = {"attention_norm": "norm1", "attention.to_qkv": "attn.qkv", "mix_heads": "attn.proj",
             "mlp_norm": "norm2", "widen": "mlp.fc1", "narrow": "mlp.fc2"}  # fmt: skip
    for name, value in ours.state_dict().items():
        for mine, timms in names.items():
            if f".{mine}." in name:
                state[name.replace(mine, timms)] = value
        if name.startswith("norm."):  # timm calls it so when it comes after pooling
            state[name if class_token else f"fc_{name}"] = value
        if name.startswith("head."):
            state[name] = value
    theirs.load_state_dict(state)
    # timm's LayerNorms use eps 1e-5 here as torch does; the sums run in another order.
    images = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), atol=2e-5, rtol=1e-4)


def test_without_biases_it_is_the_same_with_biases_of_zero() -> None:
    torch.manual_seed(0)
    lean, full = ViT(1, 28, 28, 10), ViT(1, 28, 28, 10, bias=True)
    missing = full.load_state_dict(lean.state_dict(), strict=False).missing_keys
    assert {name.rpartition(".")[2] for name in missing} == {"bias"}, "a new one's biases are zero"
    images = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(lean(images), full(images))
    gradients = [torch.autograd.grad(vit(images).square().sum(), vit.embed.weight)[0] for vit in (lean, full)]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)
