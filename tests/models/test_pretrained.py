from __future__ import annotations

from itertools import chain

import pytest
import torch
import torchvision
from torch import Tensor

from eyechart.base.errors import UsageError, WeightsError
from eyechart.models.classifier import Classifier
from eyechart.models.pretrained import FineTuned, build, load_starting_tensors, trunk_stages
from eyechart.schema import Preprocessing, Recipe, Scalar
from eyechart.schema.contracts import Batch

HEIGHT, WIDTH = 28, 20


def preprocessing(side: int = 72, channels: int = 1) -> Preprocessing:
    return Preprocessing(
        image_channels=3 if channels == 3 else 1,
        image_height=HEIGHT,
        image_width=WIDTH,
        input_channels=3,
        input_height=side,
        input_width=side - 8,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )


def model(
    contender: str = "alexnet",
    *,
    side: int = 72,
    channels: int = 1,
    frozen: int = 0,
    open_last: int = 0,
    **options: Scalar,
) -> Classifier:
    torch.manual_seed(0)
    recipe = Recipe(
        contender=contender,
        title=contender,
        epochs=1,
        batch_size=2,
        optimizer="sgd",
        learning_rate=0.1,
        frozen_stages=frozen,
        open_last=open_last,
        options=options,
        source="a test",
        expect="nothing",
    )
    return build(recipe, preprocessing(side, channels), 10)


def batch(channels: int = 1, size: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(size, channels, HEIGHT, WIDTH, generator=generator)
    return Batch(images, torch.arange(size) % 10)


CASES = [("vgg16", 40, 0), ("vgg16", 40, 3), ("vgg16", 40, 5), ("alexnet", 72, 0), ("alexnet", 72, 2)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("contender", "side", "frozen"), CASES)
def test_answers_are_probabilities(contender: str, side: int, frozen: int, channels: int) -> None:
    net = model(contender, side=side, channels=channels, frozen=frozen).eval()
    with torch.inference_mode():
        probabilities = net.class_probabilities(batch(channels).images)
    assert probabilities.shape == (2, 10)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("contender", "side", "frozen"), CASES)
def test_open_parameters_get_gradients_and_frozen_ones_none(
    contender: str, side: int, frozen: int, channels: int
) -> None:
    net = model(contender, side=side, channels=channels, frozen=frozen, batch_norm=True, dropout=0.1)
    loss = net.loss(batch(channels))
    loss.backward()
    assert loss.isfinite()
    num_frozen = sum(not parameter.requires_grad for parameter in net.parameters())
    assert num_frozen == 2 * {("vgg16", 3): 7, ("vgg16", 5): 13, ("alexnet", 2): 2}.get((contender, frozen), 0)
    for name, parameter in net.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
        assert parameter.grad is None or bool(parameter.grad.isfinite().all()), name


@pytest.mark.parametrize(("contender", "side", "frozen"), CASES)
def test_kept_features_give_the_same_loss_and_gradients(contender: str, side: int, frozen: int) -> None:
    net = model(contender, side=side, frozen=frozen, batch_norm=True)
    examples = batch()
    plain = net.loss(examples)
    plain.backward()
    gradients = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    net.zero_grad()
    features = net.features(examples.images)
    assert not features.requires_grad
    kept = torch.from_numpy(features.numpy().copy())  # as a cache on disk gives them back
    from_features = net.loss_from_features(kept, examples.labels)
    from_features.backward()
    assert abs(plain.item() - from_features.item()) < 1e-6
    for ours, theirs in zip((p.grad for p in net.parameters() if p.grad is not None), gradients, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert torch.equal(kept, features)  # no in-place layer may write into the cache


def test_nothing_frozen_means_that_features_are_the_images() -> None:
    net = model()
    images = batch().images
    assert torch.equal(net.features(images), net.preprocess(images))


@pytest.mark.parametrize(
    ("contender", "options", "trunk", "head"),
    [
        # Simonyan and Zisserman's thirteen layers; 72 x 64 px leave 2 x 2 maps of 512
        ("vgg16", {}, 14_714_688, (2048 * 256 + 256) + (256 * 10 + 10)),
        # four stages: 4 x 4 maps of 512
        ("vgg16", {"last_stage": 4, "head_width": 0}, 7_635_264, 8192 * 10 + 10),
        # torchvision's 61,100,840 parameters less the classifier's; one pixel of 256 is left
        ("alexnet", {}, 2_469_696, (256 * 256 + 256) + (256 * 10 + 10)),
        ("alexnet", {"batch_norm": True, "pool": "average", "last_stage": 2}, 330_688, 2 * 192 + 49_408 + 2_570),
        ("alexnet", {"last_stage": 1, "head_width": 8}, 23_296, (64 * 8 * 7 * 8 + 8) + (8 * 10 + 10)),
    ],
)
def test_exact_parameter_counts(contender: str, options: dict[str, Scalar], trunk: int, head: int) -> None:
    net = model(contender, **options)
    assert sum(parameter.numel() for parameter in chain.from_iterable(trunk_stages(net))) == trunk
    assert sum(parameter.numel() for parameter in net.parameters()) == trunk + head


@pytest.mark.parametrize(("contender", "frozen"), [("vgg16", 2), ("alexnet", 1)])
def test_trunk_stages_are_the_open_convolutions(contender: str, frozen: int) -> None:
    net = model(contender, frozen=frozen)
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    trunk = [names[id(parameter)] for parameter in chain.from_iterable(trunk_stages(net))]
    first = {"vgg16": "network.features.10.weight", "alexnet": "network.features.3.weight"}[contender]
    assert trunk[0] == first
    assert not any("head" in name for name in trunk)
    assert len(trunk_stages(net)) == {"vgg16": 3, "alexnet": 2}[contender]


@pytest.mark.parametrize(("contender", "stages"), [("vgg16", 5), ("alexnet", 3)])
def test_only_the_last_of_the_stages_that_fit_is_open(contender: str, stages: int) -> None:
    net = model(contender, open_last=1)
    assert len(trunk_stages(net)) == 1
    assert len(trunk_stages(model(contender, open_last=2))) == 2
    assert len(trunk_stages(model(contender, open_last=9))) == stages, "all of them"
    smaller = model("vgg16", side=24, open_last=1)
    names = [name for name, parameter in smaller.named_parameters() if parameter.requires_grad and "features" in name]
    assert names[0] == "network.features.17.weight", "24 px leave four stages, of which the fourth is open"


@pytest.mark.parametrize(("contender", "side"), [("vgg16", 32), ("alexnet", 72)])
def test_the_trunk_equals_torchvisions_with_the_same_weights(contender: str, side: int) -> None:
    peer = torchvision.models.get_model(contender, weights=None).features.eval()
    tensors = {f"features.{name}": tensor.clone() for name, tensor in peer.state_dict().items()}
    net = model(contender, side=side, last_stage=2, head_width=0)
    head_before = net.network.head[-1].weight.clone()  # type: ignore[union-attr, index]
    load_starting_tensors(net, tensors)
    assert isinstance(net.network, FineTuned)
    images = torch.randn(2, 3, side, side - 8)
    num_layers = len(net.network.features)
    with torch.inference_mode():
        torch.testing.assert_close(net.network.features(images), peer[:num_layers](images))
    assert torch.equal(net.network.head[-1].weight, head_before)  # the head stays new


def test_starting_tensors_that_do_not_fit() -> None:
    net = model(last_stage=2)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    tensors = {name.removeprefix("network."): torch.ones_like(tensor) for name, tensor in before.items()}
    with pytest.raises(WeightsError, match=r"features\.3\.bias is \(1,\), expected \(192,\)"):
        load_starting_tensors(net, tensors | {"features.3.bias": torch.ones(1)})
    del tensors["features.3.weight"]
    with pytest.raises(WeightsError, match=r"features\.3\.weight is nothing, expected"):
        load_starting_tensors(net, tensors)
    load_starting_tensors(net, {})
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())  # nothing half-loaded


@pytest.mark.parametrize(
    ("contender", "side", "options", "message"),
    [
        ("vgg16", 24, {"last_stage": 5}, "24 x 16 px is too small for 5 of its stages. Expected 32 px"),
        ("alexnet", 16, {}, "16 x 8 px is too small for 1 of its stages. Expected 15 px"),
        ("alexnet", 72, {"last_stage": 4}, "alexnet has 3 stages; found last_stage = 4. Expected 1 to 3"),
        ("vgg16", 64, {"head_widht": 3}, "option head_widht = 3: Extra inputs are not permitted. Known options: last"),
        ("vgg16", 64, {"dropout": 1.0}, "option dropout = 1.0"),
        ("vgg16", 64, {"pool": "max"}, "option pool = 'max'"),
    ],
)
def test_options_that_cannot_be(contender: str, side: int, options: dict[str, Scalar], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        model(contender, side=side, **options)


def test_stages_that_do_not_fit_are_not_silently_frozen() -> None:
    with pytest.raises(UsageError, match="24 x 16 px leaves 4 stages, and the first 4 are frozen, so none would be"):
        model("vgg16", side=24, frozen=4)
    assert not trunk_stages(model("vgg16", frozen=2, last_stage=2)), "who cuts the trunk there means it"


def test_all_stages_frozen_leave_only_the_head() -> None:
    net = model("vgg16", frozen=99, last_stage=2)
    assert trunk_stages(net) == []
    assert net.features(batch().images).shape == (2, 128, 18, 16)
    assert all("head" in name for name, parameter in net.named_parameters() if parameter.requires_grad)


def test_a_small_input_keeps_the_stages_that_fit() -> None:
    assert len(model("vgg16", side=24).network.features) == 24  # type: ignore[arg-type]
    assert len(model("alexnet", side=40).network.features) == 6  # type: ignore[arg-type]


def test_vgg16_tells_images_apart_before_training() -> None:
    """The layers' own initialisation leaves differences of 1e-6 after thirteen of them: the loss stays at ln 10."""
    trunk = model("vgg16").eval().network.features
    noise = torch.randn(4, 3, 64, 56, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        ours = trunk(noise).std(dim=0).mean()  # type: ignore[operator]
        for layer in trunk.modules():  # type: ignore[union-attr]
            if isinstance(layer, torch.nn.Conv2d):
                layer.reset_parameters()
        theirs = trunk(noise).std(dim=0).mean()  # type: ignore[operator]
    assert theirs < 1e-4 < 1e-3 < ours


@pytest.mark.parametrize(("contender", "side", "frozen"), [("vgg16", 40, 3), ("alexnet", 72, 0)])
def test_the_loss_falls_on_eight_images_and_repeats_exactly(contender: str, side: int, frozen: int) -> None:
    first, last = train_a_little(contender, side, frozen)
    assert last < 0.5 * first
    assert (first, last) == train_a_little(contender, side, frozen)


def train_a_little(contender: str, side: int, frozen: int) -> tuple[float, float]:
    last_stage = {"vgg16": 4, "alexnet": 3}[contender]
    net = model(contender, side=side, frozen=frozen, batch_norm=True, head_width=32, last_stage=last_stage)
    examples: Batch = batch(size=8)
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-3)
    losses: list[Tensor] = []
    for _ in range(8):
        losses.append(net.loss(examples))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return losses[0].item(), losses[-1].item()


@pytest.mark.parametrize("contender", ["vgg16", "alexnet"])
@pytest.mark.parametrize("side", [28, 32, 64, 224])
def test_the_head_adapts_to_the_input(contender: str, side: int) -> None:
    net = model(contender, side=side + 8).eval()  # the fixture's images are eight pixels narrower than high
    with torch.inference_mode():
        assert net.class_probabilities(batch().images[:1]).shape == (1, 10)
