"""A training of a few seconds: a toy network on toy images, in the real loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from eyechart.base.clock import Clock
from eyechart.catalog.presets import rules_of
from eyechart.catalog.recipes import RECIPES
from eyechart.data import augment, batches, boxes, mixing
from eyechart.files.storage import digest_arrays
from eyechart.models.classifier import Classifier
from eyechart.models.preprocess import Preprocess
from eyechart.schema import Augmentation, Budget, Preprocessing, Recipe
from eyechart.schema.contracts import LabelledImages
from eyechart.training import feeds, loop
from eyechart.training.budget import make_plan

TOOLS = feeds.Tools(batches.epoch_order, batches.to_floats, augment.augment_with_boxes, boxes.ink_boxes, mixing.mix)
CPU = torch.device("cpu")
RECIPE = RECIPES["cnn"].model_copy(
    update={"batch_size": 8, "learning_rate": 0.05, "augmentation": Augmentation(shift_pixels=1)}
)


class Toy(torch.nn.Module):
    """Two stages, the first of which may be frozen; dropout, so that the step's random numbers matter."""

    def __init__(self, frozen: bool = False):
        super().__init__()
        self.first = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, stride=2), torch.nn.ReLU())
        self.second = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.2), torch.nn.LazyLinear(3))
        self.first.requires_grad_(not frozen)

    def frozen_stages(self, images: torch.Tensor) -> torch.Tensor:
        return self.first(images)

    def open_stages(self, features: torch.Tensor) -> torch.Tensor:
        return self.second(features)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.open_stages(self.frozen_stages(images))


def toy_part() -> LabelledImages:
    random = np.random.default_rng(0)
    labels = np.arange(64) % 3
    images = random.integers(0, 60, (64, 1, 12, 10), dtype=np.uint8)
    images[np.arange(64), 0, 3 + 2 * labels, :] = 255
    return LabelledImages(images, labels.astype(np.int64))


def toy_model(frozen: bool = False) -> Classifier:
    torch.manual_seed(0)
    card = Preprocessing(
        image_channels=1, image_height=12, image_width=10, input_channels=1, input_height=12, input_width=10,
        mean=(0.2,), std=(0.3,),
    )  # fmt: skip
    model = Classifier(Preprocess(card), Toy(frozen))
    model.class_probabilities(torch.zeros(1, 1, 12, 10))  # gives the lazy layer its shape
    return model


def toy_fit(path: Path | None = None, *, recipe: Recipe = RECIPE, steps: int = 30, stop_after: int = 0,
            cached: bool = False, model: Classifier | None = None, seed: int = 0,
            with_trunk: bool = False) -> loop.Fit:  # fmt: skip
    model = model or toy_model(frozen=cached)
    part = toy_part()
    rules = rules_of("smoke", "toy", budget=Budget(unit="steps", amount=steps), num_evaluations=3)
    plan = make_plan(recipe, rules, len(part), None)
    feed_class = feeds.CachedFeed if cached else feeds.ImageFeed
    asked = iter(range(1, 10_000))

    def validate() -> loop.Validation:
        model.eval()
        with torch.no_grad():
            return loop.Validation(float(model.loss(feeds.as_batch(model, part, slice(None), CPU, TOOLS))), 0.5, None)

    return loop.Fit(
        model=model, feed=feed_class(model, part, recipe, plan, seed, CPU, TOOLS), recipe=recipe, plan=plan,
        trunk=[list(model.network.first.parameters())] if with_trunk else [],
        device=CPU, clock=Clock(), validate=validate, run="toy-s0", fingerprint="f", path=path,
        stop_signal=lambda: 2 if stop_after and next(asked) > stop_after else None,
    )  # fmt: skip


def digest(model: torch.nn.Module) -> str:
    return digest_arrays({name: value.numpy() for name, value in model.state_dict().items()})
