"""Images that were scaled to nothing are seen before the first step, by every contender; dark ones raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from eyechart.catalog.recipes import RECIPES, recipe_of
from eyechart.data.batches import to_floats
from eyechart.data.splits import pixel_statistics
from eyechart.models.catalog import build_model, plan_preprocessing
from eyechart.runner import contender as contenders
from eyechart.runner.fed import NUM_IMAGES, look, warning
from eyechart.schema import FedPixels, RunJob, WeightsOrigin
from eyechart.schema.contracts import Dataset, LabelledImages, StartingWeights
from eyechart.scoring.fed import LEAST_STD, scaled_to_nothing
from eyechart.study.plan import jobs_of, plan_study
from eyechart.training.feeds import Tools

EVERYBODY = (*RECIPES, "tutorial_vit", "torchvision:resnet18")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def divided_twice(images: Tensor) -> Tensor:
    return to_floats(images) / 255


def tools(scale: Callable[[Tensor], Tensor]) -> Tools:
    known = contenders.TOOLS
    return Tools(known.epoch_order, scale, known.augment, known.ink_boxes, known.mix)


def fed_to(
    name: str, part: LabelledImages, mnist: Dataset, scale: Callable[[Tensor], Tensor] = to_floats, *,
    pretrained: bool = False,
) -> FedPixels:  # fmt: skip
    """What a contender would be fed; `pretrained`: under the normalisation of photographs."""
    recipe = recipe_of(name, {"frozen_stages": 0, "cache_frozen": False})
    starting = StartingWeights(WeightsOrigin(name="none", description=""), {}, *(IMAGENET if pretrained else ()))
    frame = plan_preprocessing(recipe, mnist.card, *pixel_statistics(part.images[:]), starting)
    model = build_model(recipe, frame, mnist.card.num_classes)
    return look(model, part, torch.device("cpu"), tools(scale))


@pytest.fixture(scope="module")
def some(mnist: Dataset) -> LabelledImages:
    return mnist.train.subset(np.arange(200))


def darker(part: LabelledImages, divisor: int) -> LabelledImages:
    return LabelledImages((part.images[:] // divisor).astype(np.uint8), part.labels)


@pytest.mark.parametrize("name", EVERYBODY)
def test_every_contender_is_fed_pictures_or_an_alarm_is_raised(name: str, some: LabelledImages, mnist: Dataset) -> None:
    right, wrong = fed_to(name, some, mnist), fed_to(name, some, mnist, divided_twice)
    assert right.num_images == NUM_IMAGES
    assert warning(name, right) == ""
    assert 0.2 < right.std < 2
    assert wrong.std < LEAST_STD
    assert f"varies by {wrong.std:.4f} only" in warning(name, wrong)


@pytest.mark.parametrize("name", ["cnn", "vgg16", "fasterrcnn"])
@pytest.mark.parametrize("pretrained", [False, True])
def test_dark_images_raise_no_alarm(name: str, pretrained: bool, some: LabelledImages, mnist: Dataset) -> None:
    """Down to sixteen levels of grey, and with a few bright images among black ones."""
    few = LabelledImages(some.images[:] * (np.arange(200) % 20 == 0)[:, None, None, None].astype(np.uint8), some.labels)
    for part in (darker(some, 16), few):
        assert warning(name, fed_to(name, part, mnist, pretrained=pretrained)) == ""


def test_files_that_hold_zeros_and_ones_are_seen_where_photographs_are_expected(
    some: LabelledImages, mnist: Dataset
) -> None:
    """A picture of 0..1 saved as whole numbers: a network that starts from nothing is normalised by it, and sees it."""
    ones = LabelledImages((some.images[:] > 127).astype(np.uint8), some.labels)
    assert warning("vgg16", fed_to("vgg16", ones, mnist, pretrained=True))
    assert warning("vgg16", fed_to("vgg16", ones, mnist)) == ""


def test_images_of_one_colour_are_another_alarms_business() -> None:
    assert scaled_to_nothing(FedPixels(num_images=64, mean=0.5, std=0.0)) is None
    assert scaled_to_nothing(FedPixels(num_images=64, mean=0.5, std=LEAST_STD)) is None


def test_what_is_prepared_for_a_run_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the way that a run takes, before its first step."""
    record = plan_study("cnn", "mnist", "smoke", num_threads=1)
    job: RunJob = jobs_of(record, tmp_path, offline=True)[0]
    device = torch.device("cpu")
    assert warning("cnn", contenders.prepare(job, device, lambda sentence: None).fed) == ""
    monkeypatch.setattr(contenders, "TOOLS", tools(divided_twice))
    said = warning("cnn", contenders.prepare(job, device, lambda sentence: None).fed)
    assert said.startswith("alarm: cnn: what the network is fed varies by 0.00")
