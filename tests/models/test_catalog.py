"""One contract for every contender.  A new one needs a row in PARAMETERS; the first test names what is missing."""

from __future__ import annotations

import importlib
import pathlib

import pytest
import torch

import eyechart.models
from eyechart.base.errors import UsageError
from eyechart.catalog.ladder import TUTORIAL
from eyechart.catalog.palette import CONTENDER_STYLE, GLYPHS
from eyechart.catalog.recipes import RECIPES, recipe_of
from eyechart.catalog.zoo import ZOOS, parts_of
from eyechart.models.catalog import ARCHITECTURES, ZOO, build_model, input_size, plan_preprocessing
from eyechart.schema import DatasetCard, WeightsOrigin
from eyechart.schema.contracts import Batch, StartingWeights

# Exact parameter counts on MNIST, starting from nothing: a change of architecture must be meant.
PARAMETERS = {
    "cnn": 147_168,
    "vit": 204_170,
    "vgg16": 14_849_610,
    "alexnet": 2_538_570,
    "fasterrcnn": 292_771,
    "tutorial_vit:augmentation": 205_066,  # the last rung; as it is written: test_tutorial_vit.py
    # Of the two zoos: what torchvision and timm say of the network, less their classifier, and ten times (D + 1).
    "torchvision:resnet18": 11_181_642,
    "timm:test_vit": 301_514,
}

NOTHING = StartingWeights(WeightsOrigin(name="none", description=""), {})
WHOLE = {"frozen_stages": 0, "cache_frozen": False}


def card(channels: int = 1, height: int = 28, width: int = 28, num_classes: int = 10) -> DatasetCard:
    return DatasetCard(
        name="toy", title="", source="", licence="", content_sha256="", classes=tuple(map(str, range(num_classes))),
        num_channels=channels, height=height, width=width, num_train=1, num_test=1,
    )  # fmt: skip


def contender(name: str, dataset: DatasetCard) -> torch.nn.Module:
    recipe = recipe_of(name, WHOLE)
    channels = dataset.num_channels
    preprocessing = plan_preprocessing(recipe, dataset, (0.2,) * channels, (0.3,) * channels, NOTHING)
    torch.manual_seed(0)
    return build_model(recipe, preprocessing, dataset.num_classes)


def batch(dataset: DatasetCard, size: int = 8) -> Batch:
    """Bright rectangles on black: one a class, where the box is known."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(size, dataset.num_channels, dataset.height, dataset.width, generator=generator) * 0.1
    labels = torch.arange(size) % dataset.num_classes
    boxes = torch.empty(size, 1, 4)
    for index in range(size):
        left, top = 2 + index % 5, 3 + index % 7
        images[index, :, top : top + 14, left : left + 6 + index % 6] = 0.9
        boxes[index, 0] = torch.tensor([left, top, left + 6 + index % 6, top + 14])
    return Batch(images, labels, boxes, labels[:, None])


def test_nothing_was_forgotten() -> None:
    """Every architecture has a file, a catalog line, a recipe, a row here and a colour."""
    folder = pathlib.Path(eyechart.models.__file__).parent
    with_build = {path.stem for path in folder.glob("*.py") if "\ndef build(" in path.read_text()}
    listed = {architecture.module.rpartition(".")[2] for architecture in (*ARCHITECTURES.values(), ZOO)}
    assert with_build == listed, "a models/ file with build() and a line in catalog.ARCHITECTURES belong together"
    for name in ARCHITECTURES:
        assert name in RECIPES or name == TUTORIAL, f"{name} has no recipe in recipes.py"
        in_rows = {parts_of(row)[0] for row in PARAMETERS}
        assert name in in_rows, f"{name} has no row in PARAMETERS of tests/models/test_catalog.py"
        assert name in CONTENDER_STYLE, f"{name} has no colour in palette.py"
        assert CONTENDER_STYLE[name].marker in GLYPHS, f"{name}'s marker has no sign in palette.GLYPHS"
    assert {zoo for zoo in ZOOS if any(name.startswith(f"{zoo}:") for name in PARAMETERS)} == set(ZOOS)
    assert {*RECIPES, TUTORIAL} == set(ARCHITECTURES), "a recipe for something that is not in the catalog"
    for name, recipe in RECIPES.items():
        assert recipe.contender == name
        assert recipe.source, f"the recipe of {name} does not say where its numbers come from"
        assert recipe.expect, f"the recipe of {name} does not say what to expect"


@pytest.mark.parametrize("name", PARAMETERS)
class TestEveryContender:
    def test_parameter_count(self, name: str) -> None:
        assert sum(p.numel() for p in contender(name, card()).parameters()) == PARAMETERS[name]

    @pytest.mark.parametrize(("channels", "height", "width", "num_classes"), [(1, 28, 28, 10), (3, 42, 35, 4)])
    def test_shapes(self, name: str, channels: int, height: int, width: int, num_classes: int) -> None:
        dataset = card(channels, height, width, num_classes)
        model = contender(name, dataset)
        loss = model.loss(batch(dataset, 2))
        assert loss.shape == ()
        assert torch.isfinite(loss)
        with torch.no_grad():
            answer = model.eval().answer(torch.rand(2, channels, height, width))
        assert answer.probabilities.shape == (2, num_classes)
        torch.testing.assert_close(answer.probabilities.sum(dim=1), torch.ones(2))
        assert (answer.detections is not None) == model.needs_boxes

    def test_every_parameter_learns(self, name: str) -> None:
        model = contender(name, card())
        model.loss(batch(card(), 16)).backward()
        without = [
            key for key, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
        ]
        assert not without, f"no gradient reaches {without}"

    def test_loss_falls_on_eight_images(self, name: str) -> None:
        model, data = contender(name, card()), batch(card())
        optimizer = torch.optim.AdamW(model.parameters(), lr=4e-4)
        losses = []
        for _ in range(14):
            torch.manual_seed(1)  # dropout and a detector's sampling draw the same numbers
            loss = model.loss(data)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert min(losses[-3:]) < 0.8 * losses[0], f"{losses[0]:.3f} only fell to {min(losses[-3:]):.3f}"

    def test_same_seed_same_result(self, name: str) -> None:
        first, second = contender(name, card()), contender(name, card())
        for model in (first, second):
            torch.manual_seed(2)
            model.loss(batch(card())).backward()
        for one, other in zip(first.parameters(), second.parameters(), strict=True):
            assert torch.equal(one, other)
            assert one.grad is None or torch.equal(one.grad, other.grad)


def test_options_that_do_not_exist_are_a_clear_error() -> None:
    recipe = RECIPES["vit"].model_copy(update={"options": {"num_layers": 3}})
    preprocessing = plan_preprocessing(recipe, card(), (0.2,), (0.3,), NOTHING)
    with pytest.raises(UsageError, match="num_layers"):
        build_model(recipe, preprocessing, 10)


def test_an_input_that_is_too_small_is_a_clear_error() -> None:
    recipe = RECIPES["vgg16"].model_copy(update={"input_pixels": None})
    small = card().model_copy(update={"height": 24, "width": 24})
    with pytest.raises(UsageError, match="got an input of 24x24 pixels; expected at least 28"):
        plan_preprocessing(recipe, small, (0.2,), (0.3,), NOTHING)


def test_importing_the_catalog_imports_no_architecture() -> None:
    module = importlib.import_module("eyechart.models.catalog")
    assert not hasattr(module, "torch")


@pytest.mark.parametrize(
    ("name", "height", "width", "expected"),
    [
        ("cnn", 28, 28, (24, 24)),  # MNIST's margin is empty
        ("cnn", 64, 48, (64, 48)),  # a photo's is not
        ("cnn", 8, 8, (24, 24)),
        ("vit", 28, 28, (28, 28)),
        ("vit", 64, 64, (63, 63)),  # the nearest that patches of 8 pixels cover, one every 5
        ("vit", 8, 8, (13, 13)),
        ("vgg16", 28, 28, (32, 32)),
        ("vgg16", 64, 48, (64, 48)),
        ("fasterrcnn", 50, 40, (50, 40)),
    ],
)
def test_input_sizes(name: str, height: int, width: int, expected: tuple[int, int]) -> None:
    assert input_size(RECIPES[name], height, width) == expected
