"""Contenders with random weights that can be asked, and images to ask them about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from eyechart.catalog.recipes import recipe_of
from eyechart.insight.asked import AskedModel
from eyechart.models.catalog import build_model, plan_preprocessing
from eyechart.schema import DatasetCard, WeightsOrigin
from eyechart.schema.contracts import StartingWeights

NOTHING = StartingWeights(WeightsOrigin(name="none", description=""), {})


@pytest.fixture(scope="session")
def ask() -> Callable[..., AskedModel]:
    """Of a contender's name: its network, always the same random one, for images of 28 x 21 px and three classes."""

    def made(contender: str, height: int = 28, width: int = 21, channels: int = 1, **changes: Any) -> AskedModel:
        card = DatasetCard(
            name="toy", title="", source="", licence="", content_sha256="", classes=("a", "b", "c"),
            num_channels=channels, height=height, width=width, num_train=1, num_test=1,
        )  # fmt: skip
        recipe = recipe_of(contender, changes)
        preprocessing = plan_preprocessing(recipe, card, (0.2,) * channels, (0.3,) * channels, NOTHING)
        torch.manual_seed(0)
        return AskedModel(build_model(recipe, preprocessing, 3), torch.device("cpu"))

    return made


@pytest.fixture
def image() -> torch.Tensor:
    """A plain ground with noise in its middle, (1, 1, 28, 21)."""
    pixels = torch.full((1, 1, 28, 21), 0.25)
    pixels[..., 6:22, 5:16] = torch.rand(16, 11, generator=torch.Generator().manual_seed(0))
    return pixels
