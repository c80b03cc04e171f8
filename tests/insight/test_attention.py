"""Attention weights are those that the blocks use; rollout by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from eyechart.insight.asked import AskedModel
from eyechart.insight.attention import attention_rollout, attention_weights, head_maps, rollout
from eyechart.models.vit import Attention, ViT


@pytest.mark.parametrize("class_token", [False, True])
def test_rows_sum_to_one_and_times_the_values_give_what_the_block_gives(class_token: bool) -> None:
    torch.manual_seed(0)
    vit = ViT(1, 28, 21, 3, num_blocks=3, class_token=class_token).eval()
    images = torch.rand(2, 1, 28, 21)
    weights = attention_weights(vit, images)
    num_tokens = 12 + class_token
    assert weights.shape == (3, 2, 2, num_tokens, num_tokens)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 2, 2, num_tokens))
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    layers = [layer for layer in vit.modules() if isinstance(layer, Attention)]
    for layer in layers:
        layer.register_forward_hook(lambda layer, inputs, output: seen.append((inputs[0], output)))
    with torch.no_grad():
        vit(images)
        for layer, of_block, (given, output) in zip(layers, weights, seen, strict=True):
            value = layer.to_qkv(given)[..., 128:].view(2, num_tokens, 2, 32).transpose(1, 2)  # (B, heads, N, D/heads)
            again = (of_block @ value).transpose(1, 2).reshape(output.shape)
            torch.testing.assert_close(again, output, atol=1e-6, rtol=0)


def test_hooks_are_gone_afterwards() -> None:
    vit = ViT(1, 14, 14, 3)
    attention_weights(vit, torch.rand(1, 1, 14, 14))
    assert not any(layer._forward_hooks for layer in vit.modules())


def test_rollout_by_hand() -> None:
    """Two blocks of two tokens.  Heads: [[1, 0], [1, 0]] and [[1, 0], [0, 1]] in the first, all even in the second.

    First: mean [[1, 0], [.5, .5]], with the residual [[1, 0], [.25, .75]].  Second: [[.75, .25], [.25, .75]].
    """
    first = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    second = torch.full((2, 2, 2), 0.5)
    flow = rollout(torch.stack([first, second])[:, None])
    expected = [[0.75 * 1 + 0.25 * 0.25, 0.25 * 0.75], [0.25 * 1 + 0.75 * 0.25, 0.75 * 0.75]]
    torch.testing.assert_close(flow, torch.tensor([expected]))


def test_registers_are_not_read(ask: Callable[..., AskedModel], image: torch.Tensor) -> None:
    """The head reads the mean of the patches: what flows into the registers reaches no answer."""
    asked = ask("vit", options={"num_registers": 4})
    network = asked.network
    assert isinstance(network, ViT)
    flow = rollout(attention_weights(network, asked.model.preprocess(image)))[0]
    rows, columns = network.grid
    expected = (flow[4:].mean(dim=0)[4:] * len(flow) - 1).view(rows, columns)
    found = attention_rollout(asked, image)
    assert found.values.max() == pytest.approx(expected.max().item(), abs=1e-5)


@pytest.mark.parametrize("class_token", [False, True])
def test_maps_are_multiples_of_an_even_share(
    class_token: bool, ask: Callable[..., AskedModel], image: torch.Tensor
) -> None:
    asked = ask("vit", options={"class_token": class_token})
    found = attention_rollout(asked, image)
    heads = head_maps(asked, image)
    assert found.cells == (4, 3)
    assert found.values.shape == (28, 21)
    assert heads.shape == (4, 2, 28, 21)
    for values in (found.values, *heads.reshape(-1, 28, 21)):
        tiles = values.reshape(4, 7, 3, 7)
        assert (tiles == tiles[:, :1, :, :1]).all(), "a patch is a tile"
        share = float((values[::7, ::7] + 1).sum()) / (12 + class_token)
        assert share == pytest.approx(1.0, abs=1e-5) if not class_token else share < 1, "what the class token keeps"
    assert np.ptp(found.values) > 0
