"""What a recipe freezes is watched: weights, and norms that go on counting."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eyechart.catalog.recipes import recipe_of
from eyechart.models.catalog import build_model, plan_preprocessing
from eyechart.runner.standing import moved, standing
from eyechart.schema import DatasetCard, WeightsOrigin
from eyechart.schema.contracts import Batch, StartingWeights

CARD = DatasetCard(
    name="toy", title="", source="", licence="", content_sha256="", classes=("a", "b"), num_channels=1, height=28,
    width=28, num_train=1, num_test=1,
)  # fmt: skip


def half_frozen() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 4, 2), nn.BatchNorm1d(2))
    model[:2].requires_grad_(False)
    return model


def a_step(model: nn.Module) -> None:
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.1)
    model(torch.randn(8, 1, 4, 4)).square().mean().backward()
    optimizer.step()


def test_a_norm_that_goes_on_counting_is_seen() -> None:
    model = half_frozen()
    before = standing(model)
    assert set(before) == {
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"
    }  # fmt: skip
    a_step(model.train())
    assert moved(before, model) == ("1.running_mean", "1.running_var", "1.num_batches_tracked")


def test_what_stands_still_is_silent_and_what_learns_is_not_asked() -> None:
    model = half_frozen()
    before = standing(model)
    model.train()
    model[:2].eval()
    a_step(model)
    assert moved(before, model) == ()


def test_a_weight_that_somebody_changed_all_the_same() -> None:
    model = half_frozen()
    before = standing(model)
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] += 1e-6
    assert moved(before, model) == ("0.weight",)


@pytest.mark.parametrize("name", ["torchvision:resnet18:none:head", "alexnet:none:head", "vgg16:none:last"])
def test_ours_stand_still_in_training_mode_and_would_be_seen_otherwise(name: str) -> None:
    recipe = recipe_of(name, {"input_pixels": 64})
    nothing = StartingWeights(WeightsOrigin(name="none", description=""), {})
    model = build_model(recipe, plan_preprocessing(recipe, CARD, (0.1,), (0.3,), nothing), 2)
    before = standing(model)
    assert before
    batch = Batch(torch.rand(4, 1, 28, 28), torch.tensor([0, 1, 0, 1]))
    model.train()
    model.loss(batch).backward()
    assert moved(before, model) == ()
    norms = [each for each in model.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
    frozen = [each for each in norms if not any(weight.requires_grad for weight in each.parameters())]
    for norm in frozen:
        norm.train()(torch.rand(2, norm.num_features, 3, 3))
    assert bool(moved(before, model)) == bool(frozen), "resnet18 has norms in what is frozen, the others none"
