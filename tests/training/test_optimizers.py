"""Parameter groups: who learns how fast, and from when on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eyechart.catalog.recipes import RECIPES
from eyechart.training.optimizers import build_optimizer, open_groups, set_learning_rate

CPU = torch.device("cpu")
RECIPE = RECIPES["vgg16"].model_copy(update={"trunk_rate": 0.5, "layer_decay": 0.8, "weight_decay": 0.01})


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5), nn.Linear(5, 6), nn.Linear(6, 2))


def rates(model: nn.Sequential, optimizer: torch.optim.Optimizer) -> list[float]:
    """The learning rate of each layer's weight."""
    by_id = {id(parameter): group["lr"] for group in optimizer.param_groups for parameter in group["params"]}
    return [by_id[id(layer.weight)] for layer in model]


def test_a_stage_learns_more_slowly_than_the_one_behind_it() -> None:
    model = network()
    optimizer = build_optimizer(model, RECIPE, [list(layer.parameters()) for layer in model[:3]], CPU)
    set_learning_rate(optimizer, 0.1)
    assert rates(model, optimizer) == pytest.approx([0.1 * 0.5 * 0.64, 0.1 * 0.5 * 0.8, 0.1 * 0.5, 0.1])
    decays = {
        parameter.ndim: group["weight_decay"] for group in optimizer.param_groups for parameter in group["params"]
    }
    assert decays == {2: 0.01, 1: 0.0}


def test_without_a_trunk_all_learn_alike() -> None:
    model = network()
    optimizer = build_optimizer(model, RECIPE, [], CPU)
    set_learning_rate(optimizer, 0.1)
    assert rates(model, optimizer) == [0.1] * 4
    assert len(optimizer.param_groups) == 2, "with weight decay and without"


def test_a_gradual_recipe_opens_from_the_back() -> None:
    model = network()
    recipe = RECIPE.model_copy(update={"gradual": True})
    optimizer = build_optimizer(model, recipe, [list(layer.parameters()) for layer in model[:3]], CPU)
    opened = {}
    for share in (0.0, 0.2, 0.4, 0.5, 0.9):
        open_groups(optimizer, share)
        opened[share] = [layer.weight.requires_grad for layer in model]
        assert [layer.bias.requires_grad for layer in model] == opened[share]
    assert opened == {
        0.0: [False, False, False, True],
        0.2: [False, False, True, True],
        0.4: [False, True, True, True],
        0.5: [True] * 4,
        0.9: [True] * 4,
    }


def test_what_is_closed_does_not_move() -> None:
    model = network()
    recipe = RECIPE.model_copy(update={"gradual": True})
    optimizer = build_optimizer(model, recipe, [list(layer.parameters()) for layer in model[:3]], CPU)
    before = [layer.weight.detach().clone() for layer in model]
    open_groups(optimizer, 0.0)
    set_learning_rate(optimizer, 0.1)
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    assert [torch.equal(layer.weight, old) for layer, old in zip(model, before, strict=True)] == [True] * 3 + [False]
