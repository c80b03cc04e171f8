"""The Vision Transformer: patches by hand, attention by its definition; test_vit_parity.py asks outside oracles."""

from __future__ import annotations

import pytest
import torch

from eyechart.base.errors import UsageError
from eyechart.models.vit import Attention, ViT, sinusoids, to_patches


def test_patches_are_squares_read_like_a_page() -> None:
    image = torch.arange(2 * 3 * 4 * 6, dtype=torch.float32).reshape(2, 3, 4, 6)
    patches = to_patches(image, 2)
    assert patches.shape == (2, 6, 12)
    assert torch.equal(patches[1, 4], image[1, :, 2:4, 2:4].reshape(-1)), "second row, second column"


def test_a_size_that_is_no_multiple_is_a_clear_error() -> None:
    for options, told in (
        ({"num_heads": 3}, "token_width 64, num_heads 3; expected a multiple"),
        ({"num_heads": 0}, "num_heads 0"),
        ({"token_width": 0}, "token_width 0"),
        ({"patch_pixels": 0}, "squares of 0 pixels"),
    ):
        with pytest.raises(UsageError, match=told):
            ViT(1, 28, 28, 10, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"squares of 7 pixels, one every 7, and got images of 28x20"):
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


def test_overlapping_patches_begin_one_step_apart() -> None:
    image = torch.arange(2 * 3 * 8 * 11, dtype=torch.float32).reshape(2, 3, 8, 11)
    patches = to_patches(image, 5, 3)
    assert patches.shape == (2, 2 * 3, 3 * 5 * 5)
    assert torch.equal(patches[1, 4], image[1, :, 3:8, 3:8].reshape(-1)), "second row, second column"


def test_patches_as_a_convolution_are_the_same_function_from_the_same_start() -> None:
    pair = []
    for patches in ("linear", "convolution"):
        torch.manual_seed(0)
        pair.append(ViT(3, 28, 28, 10, patch_pixels=8, patch_step=5, patches=patches))
    linear, convolution = pair
    images = torch.rand(2, 3, 28, 28)
    with torch.no_grad():
        convolution.embed.weight.copy_(linear.embed.weight.view(-1, 3, 8, 8))
        convolution.embed.bias.copy_(linear.embed.bias)
        torch.testing.assert_close(convolution._embedded(images), linear._embedded(images), atol=1e-5, rtol=1e-5)
    own = torch.nn.init.calculate_gain("linear") * (6 / (3 * 64 + 64)) ** 0.5  # Xavier's bound
    assert 0.9 * own < pair[0].embed.weight.abs().max() <= own


def test_sinusoids_tell_every_place_and_are_not_trained() -> None:
    places = sinusoids(4, 6, 16)
    assert places.shape == (24, 16)
    distances = torch.cdist(places, places) + torch.eye(24) * 9
    assert distances.min() > 0.1, "no two places are alike"
    torch.testing.assert_close(places[0], torch.tensor([0.0] * 4 + [1.0] * 4 + [0.0] * 4 + [1.0] * 4))
    vit = ViT(1, 28, 28, 10, positions="sinusoidal", class_token=True)
    assert "positions" not in dict(vit.named_parameters())
    assert torch.equal(vit.positions[0, 1:], sinusoids(4, 4, 64)), "behind the class token"
    assert not vit.positions[0, 0].any()
    with pytest.raises(UsageError, match="a multiple of 4 and got 6"):
        sinusoids(4, 4, 6)


def test_registers_are_seen_by_the_patches_and_read_by_nobody() -> None:
    torch.manual_seed(0)
    vit = ViT(1, 28, 28, 10, num_registers=3)
    images = torch.rand(2, 1, 28, 28)
    assert vit.attention_maps(images).shape[-1] == 16 + 3
    vit(images).square().sum().backward()
    assert vit.registers.grad.abs().sum() > 0, "through what the patches take from them"
    alone = ViT(1, 28, 28, 10, num_registers=3, num_blocks=0)
    before = alone(images)
    with torch.no_grad():
        alone.registers.add_(1)
    assert torch.equal(alone(images), before), "without a block nothing of them is left"


@pytest.mark.parametrize(("option", "known"), [("patches", "'linear' or 'convolution'"), ("positions", "'learned'")])
def test_an_option_that_is_not_there_is_a_clear_error(option: str, known: str) -> None:
    with pytest.raises(UsageError, match=f"vit's option {option} is 'none'; expected {known}"):
        ViT(1, 28, 28, 10, **{option: "none"})


def test_without_biases_it_is_the_same_with_biases_of_zero() -> None:
    torch.manual_seed(0)
    lean, full = ViT(1, 28, 28, 10), ViT(1, 28, 28, 10, bias=True)
    missing = full.load_state_dict(lean.state_dict(), strict=False).missing_keys
    assert {name.rpartition(".")[2] for name in missing} == {"bias"}, "a new one's biases are zero"
    images = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(lean(images), full(images))
    gradients = [torch.autograd.grad(vit(images).square().sum(), vit.embed.weight)[0] for vit in (lean, full)]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)
