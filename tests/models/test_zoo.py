"""Networks of torchvision and timm: what is trained, what stands still, and what they refuse."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn

from eyechart.base.errors import UsageError, WeightsError
from eyechart.catalog.recipes import recipe_of
from eyechart.models import zoo
from eyechart.models.catalog import build_model, load_starting_tensors, plan_preprocessing, trunk_stages
from eyechart.models.classifier import Classifier
from eyechart.models.zoo import ZooNetwork, find_stages
from eyechart.models.zoo_bodies import native_side, smallest_side
from eyechart.schema import DatasetCard, WeightsOrigin
from eyechart.schema.contracts import Batch, StartingWeights
from eyechart.training.optimizers import build_optimizer, open_groups

NOTHING = StartingWeights(WeightsOrigin(name="none", description=""), {})
RESNET = "timm:test_resnet"  # 0.4 million parameters
CARD = DatasetCard(
    name="toy", title="", source="", licence="", content_sha256="", classes=("a", "b", "c"), num_channels=1, height=28,
    width=28, num_train=1, num_test=1,
)  # fmt: skip


def made(contender: str, card: DatasetCard = CARD, **changes: Any) -> Any:
    """The model of a contender, in train mode."""
    recipe = recipe_of(contender, changes)
    preprocessing = plan_preprocessing(recipe, card, (0.2,), (0.3,), NOTHING)
    torch.manual_seed(0)
    return build_model(recipe, preprocessing, card.num_classes).train()


def batch(size: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(size, 1, 28, 28, generator=generator)
    return Batch(images, torch.arange(size) % 3)


def body_state(model: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.network.body.state_dict().items()}


def train_a_step(model: Any) -> None:
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.1)
    model.loss(batch()).backward()
    optimizer.step()


# --------------------------------------------------------------------------------------------- stages


def test_a_resnet_has_its_stem_and_four_layers() -> None:
    network = made("torchvision:resnet18:none").network
    body = network.body
    groups = [[body.conv1, body.bn1], [body.layer1], [body.layer2], [body.layer3], [body.layer4]]
    expected = [[id(each) for part in group for each in part.parameters()] for group in groups]
    assert [[id(each) for each in stage.parameters] for stage in network.stages] == expected


@pytest.mark.parametrize(
    ("contender", "num_stages"),
    [
        ("torchvision:mobilenet_v3_small:none", 14),  # features, opened, and the linear layer behind them
        ("timm:test_vit:none", 7),  # patches with class token and positions, then blocks
        ("torchvision:swin_t:none", 8),
        ("torchvision:googlenet:none", 10),  # three convolutions in front are its stem, then nine blocks
        ("timm:test_convnext:none", 5),
    ],
)
def test_every_parameter_is_in_one_stage(contender: str, num_stages: int) -> None:
    network = made(contender).network
    held = [id(each) for stage in network.stages for each in stage.parameters]
    assert len(held) == len(set(held))
    assert set(held) == {id(each) for each in network.body.parameters()}
    assert len(network.stages) == num_stages
    parts = [id(each) for stage in network.stages for module in stage.modules for each in module.modules()]
    assert len(parts) == len(set(parts)), "no module is switched by two stages"


def test_a_copy_has_stages_of_its_own() -> None:
    model = made(f"{RESNET}:none")
    twin = copy.deepcopy(model)
    assert {id(p) for stage in twin.network.stages for p in stage.parameters} == {
        id(p) for p in twin.network.body.parameters()
    }


# --------------------------------------------------------------------------------------------- what stands still


def test_a_linear_probe_changes_nothing_but_the_head() -> None:
    """Not even what batch norms count: their statistics are those that came with the weights."""
    model = made(f"{RESNET}:imagenet:head")
    before, head = body_state(model), model.network.head.weight.clone()
    train_a_step(model)
    after = body_state(model)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert any("running_mean" in name for name in before)
    assert not torch.equal(model.network.head.weight, head)
    assert not any(module.training for module in model.network.body.modules())


def test_a_frozen_batch_norm_uses_the_statistics_that_it_came_with() -> None:
    """Two batches, one of them far brighter: an image's features are the same in both, in train mode."""
    model = made(f"{RESNET}:imagenet:head")
    images = batch().images
    bright = torch.cat([images[:1], images[1:] * 0 + 1])
    first, second = model.features(images)[0], model.features(bright)[0]
    torch.testing.assert_close(first, second)
    trained = made(f"{RESNET}:imagenet:full")
    assert not torch.allclose(trained.network.body(trained.preprocess(images))[0],
                              trained.network.body(trained.preprocess(bright))[0], atol=1e-4)  # fmt: skip


def test_only_the_stages_behind_are_trained() -> None:
    model = made(f"{RESNET}:imagenet:from4")
    network = model.network
    before = body_state(model)
    train_a_step(model)
    changed = {name for name, tensor in body_state(model).items() if not torch.equal(tensor, before[name])}
    behind = {"layer3", "layer4"}
    assert {name.split(".")[0] for name in changed} == behind
    assert any("running_mean" in name for name in changed), "what is trained counts its statistics"
    assert [stage.is_open for stage in network.stages] == [False, False, False, True, True]
    assert [len(stage) for stage in zoo.trunk_stages(model)] == [len(stage.parameters) for stage in network.stages[3:]]


def test_dropout_of_what_stands_still_drops_nothing() -> None:
    model = made("torchvision:mobilenet_v3_small:imagenet:head")
    assert any(isinstance(each, nn.Dropout) for each in model.network.body.modules())
    images = batch().images
    assert torch.equal(model.features(images), model.features(images))


def test_last_is_the_last_stage() -> None:
    assert [stage.is_open for stage in made(f"{RESNET}:imagenet:last").network.stages] == [False] * 4 + [True]


def test_kept_outputs_give_the_same_loss() -> None:
    model, data = made(f"{RESNET}:imagenet:head"), batch()
    torch.testing.assert_close(model.loss_from_features(model.features(data.images), data.labels), model.loss(data))
    assert model.features(data.images).shape == (6, model.network.head.in_features)


def test_a_gradual_recipe_opens_batch_norms_with_their_stage() -> None:
    recipe = recipe_of(f"{RESNET}:imagenet:gradual")
    model = made(f"{RESNET}:imagenet:gradual")
    optimizer = build_optimizer(model, recipe, trunk_stages(model, recipe), torch.device("cpu"))
    norms = {"bn1": model.network.body.bn1, "layer4": model.network.body.layer4[0].bn1}
    for share, expected in ((0.0, [False, False]), (0.11, [False, True]), (1.0, [True, True])):
        open_groups(optimizer, share)
        counted = {name: int(norm.num_batches_tracked) for name, norm in norms.items()}
        model.loss(batch())
        assert [int(norm.num_batches_tracked) > counted[name] for name, norm in norms.items()] == expected


def test_layers_below_learn_more_slowly() -> None:
    recipe = recipe_of(f"{RESNET}:imagenet:full")
    model = made(f"{RESNET}:imagenet:full")
    optimizer = build_optimizer(model, recipe, trunk_stages(model, recipe), torch.device("cpu"))
    factors = sorted({group["rate_factor"] for group in optimizer.param_groups})
    assert factors == pytest.approx([0.3 * 0.8**behind for behind in (4, 3, 2, 1, 0)] + [1.0])


# --------------------------------------------------------------------------------------------- weights


def test_weights_under_the_names_of_the_zoo_and_under_ours() -> None:
    theirs = made(f"{RESNET}:none").network.body.state_dict()
    published = {name: torch.full_like(tensor, 0.5) for name, tensor in theirs.items() if "num_batches" not in name}
    published |= {"fc.weight": torch.ones(1000, 96), "fc.bias": torch.ones(1000)}  # of the classifier that goes
    for tensors in (published, {f"body.{name}": tensor for name, tensor in published.items()}):
        model = made(f"{RESNET}:imagenet:head")
        head = model.network.head.weight.clone()
        load_starting_tensors(model, recipe_of(f"{RESNET}:imagenet:head"), tensors)
        assert all(bool((each == 0.5).all()) for each in model.network.body.parameters())
        assert torch.equal(model.network.head.weight, head)


def test_weights_of_a_network_that_has_a_body_of_its_own() -> None:
    inner = nn.Sequential(OrderedDict(body=nn.Linear(4, 4), neck=nn.Linear(4, 4)))
    for prefix in ("", "body."):
        network = ZooNetwork("timm:own_body", copy.deepcopy(inner), nn.Linear(4, 2), [], 0)
        model = Classifier(nn.Identity(), network, 0.0)  # type: ignore[arg-type]
        tensors = {f"{prefix}{name}": torch.full_like(tensor, 0.5) for name, tensor in inner.state_dict().items()}
        zoo.load_starting_tensors(model, tensors)
        assert all(bool((each == 0.5).all()) for each in network.body.parameters())


def test_weights_that_do_not_fit_are_listed() -> None:
    model = made(f"{RESNET}:imagenet")
    tensors = dict(model.network.body.state_dict())
    del tensors["layer1.0.conv1.weight"]
    tensors["bn1.weight"] = torch.ones(3)
    before = body_state(model)
    with pytest.raises(WeightsError, match=r"body\.bn1\.weight is \(3,\).*body\.layer1\.0\.conv1\.weight is nothing"):
        load_starting_tensors(model, recipe_of(RESNET), tensors)
    assert all(torch.equal(before[name], tensor) for name, tensor in body_state(model).items())


@pytest.mark.parametrize(("contender", "side"), [("timm:test_vit", 160), ("torchvision:vit_b_16", 224)])
def test_positions_of_another_size_say_which_size_to_take(contender: str, side: int) -> None:
    model = made(f"{contender}:imagenet")
    tensors = dict(model.network.body.state_dict())
    (name,) = [name for name in tensors if "pos_embed" in name]
    count, width = tensors[name].shape[1:]
    tensors[name] = torch.zeros(1, count + 7, width)
    with pytest.raises(WeightsError, match=rf"{name} is \(1, {count + 7}, {width}\).*add --input-size {side}\."):
        load_starting_tensors(model, recipe_of(contender), tensors)
    assert native_side(contender) == side


# --------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("contender", "changes", "message"),
    [
        ("torchvision:squeezenet1_1:none", {}, r"ends in Conv2d \(classifier\.1\), expected a linear layer"),
        ("torchvision:inception_v3:none", {}, r"does not take an input of 64 x 64 px.*is 75\. Set --input-size 75"),
        ("torchvision:vit_b_16:none", {"input_pixels": 65}, r"65 x 65 px.*Set --input-size 80"),
        ("torchvision:resnet18:none", {"options": {"dropout": 0.5}}, "takes no options, and its recipe has dropout"),
        ("torchvision:resnet18:none", {"batch_size": 1}, "Expected -b 2 or more"),
        ("timm:test_convnext:imagenet:head", {"frozen_stages": 5}, "has 5 stages, .*Expected from2 to from5, or head"),
        ("torchvision:resnet18:imagenet:from3", {"cache_frozen": True, "augmentation": {}}, "3 of its 5 stages are"),
    ],
)
def test_what_cannot_be_is_a_clear_error(contender: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        made(contender, **changes)


def test_a_batch_of_one_suits_a_network_without_batch_norms() -> None:
    assert torch.isfinite(made("timm:test_vit:none", batch_size=1).loss(batch(1)))


def test_a_vision_transformer_of_torchvision_takes_squares_alone() -> None:
    wide = CARD.model_copy(update={"height": 96, "width": 128})
    with pytest.raises(UsageError, match="takes square images, and would get 96 x 128 px"):
        made("torchvision:vit_b_16:none", wide)
    assert made("timm:test_vit:none", wide).network.body.pos_embed.shape[1] == 6 * 8 + 1, "timm's take any shape"


def test_the_smallest_side_is_the_smallest() -> None:
    recipe = recipe_of("torchvision:inception_v3:none")
    assert smallest_side(recipe, 70) == 75, "as torchvision says itself"
    assert smallest_side(recipe_of("torchvision:maxvit_t:none"), 200) == 224


def test_helping_heads_are_left_out() -> None:
    model = made("torchvision:googlenet:none")
    assert not [name for name, _ in model.network.body.named_parameters() if name.startswith("aux")]
    assert isinstance(model.network, ZooNetwork)
    model.loss(batch()).backward()


def test_a_body_of_one_layer_is_one_stage() -> None:
    assert len(find_stages(nn.Sequential(nn.Linear(3, 2)))) == 1


def test_a_plain_row_of_layers_has_no_stem() -> None:
    row = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(5)), nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)))
    assert len(find_stages(row)) == 6
