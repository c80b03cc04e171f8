"""The tutorial's ViT: with loops and without it is the same network, and each repair does what it says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from eyechart.base.errors import UsageError
from eyechart.models.tutorial_vit import Attention, TutorialViT, cut_patches_in_loops, sinusoids
from eyechart.models.vit import to_patches

REPAIRS = ({}, {"softmax": False}, {"sliced_heads": False, "projection": True, "final_norm": True})


def images(number: int = 3) -> Tensor:
    return torch.rand(number, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def network(*, loops: bool, **options: bool) -> TutorialViT:
    torch.manual_seed(1)
    return TutorialViT(1, 28, 28, 10, loops=loops, **options)


def test_it_has_the_parameters_of_the_tutorial() -> None:
    assert sum(parameter.numel() for parameter in network(loops=True).parameters()) == 1_642


def test_patches_cut_in_loops_are_the_same_patches() -> None:
    pixels = torch.arange(2 * 3 * 8 * 12).view(2, 3, 8, 12)
    assert torch.equal(to_patches(pixels, 4), cut_patches_in_loops(pixels, 4))


@pytest.mark.parametrize("repairs", REPAIRS)
def test_loops_change_the_time_and_nothing_else(repairs: dict[str, bool]) -> None:
    """The same weights, the same answers and gradients, and after some steps of training still the same losses."""
    looped, whole = network(loops=True, **repairs), network(loops=False, **repairs)
    labels = torch.tensor([3, 1, 4])
    losses: list[list[float]] = []
    for model in (looped, whole):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
        losses.append([])
        for _ in range(5):
            loss = cross_entropy(model(images()), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[-1].append(loss.item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert losses[0][-1] != losses[0][0]
    torch.testing.assert_close(looped(images()), whole(images()), atol=1e-4, rtol=0)


def test_as_written_the_loss_has_a_floor() -> None:
    """Probabilities are taken for logits: the surest right answer costs -ln(e / (e + 9)) = 1.461 nats."""
    certain = torch.eye(10)[:1]
    assert float(cross_entropy(certain, torch.tensor([0]))) == pytest.approx(1.4612, abs=1e-4)
    outputs = network(loops=False)(images())
    torch.testing.assert_close(outputs.sum(dim=1), torch.ones(3))
    repaired = network(loops=False, softmax=False)(images())
    torch.testing.assert_close(repaired.softmax(dim=1), outputs)


@pytest.mark.parametrize("sliced_heads", [True, False])
def test_a_sliced_head_sees_its_own_slice_alone(sliced_heads: bool) -> None:
    attention = Attention(8, 2, loops=False, sliced_heads=sliced_heads, projection=False)
    tokens = torch.rand(1, 5, 8, requires_grad=True)
    attention(tokens)[..., :4].sum().backward()
    assert tokens.grad is not None
    assert tokens.grad[..., :4].any()
    assert bool(tokens.grad[..., 4:].any()) != sliced_heads


def test_positions_stand_still_or_learn() -> None:
    assert "positions" not in dict(network(loops=False).named_parameters())
    assert "positions" in dict(network(loops=False, learned_positions=True).named_parameters())
    table = sinusoids(50, 8)
    assert table[0].tolist() == [0, 1] * 4
    assert table[3, 0] == pytest.approx(0.14112, abs=1e-5)  # sin 3
    assert table[3, 3] == pytest.approx(0.95534, abs=1e-5)  # cos (3 / 10)


def test_what_does_not_fit_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="squares of 4 pixels and got images of 30x28; expected multiples of 4"):
        TutorialViT(1, 30, 28, 10)
    with pytest.raises(UsageError, match="tokens of width 9 and 2 heads"):
        TutorialViT(1, 28, 28, 10, token_width=9)
