"""Orders and floats."""

from __future__ import annotations

import torch

from eyechart.data.batches import epoch_order, to_floats


def test_an_order_is_a_permutation():
    order = epoch_order(1000, seed=0, epoch=0)
    assert order.dtype == torch.int64
    assert torch.equal(order.sort().values, torch.arange(1000))


def test_an_order_depends_on_seed_and_epoch_alone():
    first = epoch_order(1000, seed=3, epoch=5)
    torch.manual_seed(99)
    torch.rand(10)
    assert torch.equal(epoch_order(1000, seed=3, epoch=5), first)
    assert not torch.equal(epoch_order(1000, seed=3, epoch=6), first)
    assert not torch.equal(epoch_order(1000, seed=4, epoch=5), first)
    assert not torch.equal(epoch_order(1000, seed=5, epoch=3), first)


def test_an_order_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    epoch_order(10, 0, 0)
    assert torch.equal(torch.rand(3), expected)


def test_floats_by_hand():
    pixels = torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8)
    floats = to_floats(pixels)
    assert floats.dtype == torch.float32
    assert torch.equal(floats, torch.tensor([[[[0.0, 0.2, 1.0]]]]))
    assert pixels.tolist() == [[[[0, 51, 255]]]]
