"""The checks tell a map that marks what matters from one that does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from eyechart.insight import checks, methods
from eyechart.insight.asked import AskedModel
from eyechart.insight.checks import check_methods
from eyechart.insight.pixels import Map


class Corner(torch.nn.Module):
    """Says the second class as long as the upper left corner is bright; nothing else matters to it."""

    def class_probabilities(self, images: Tensor) -> Tensor:
        sure = images[..., :4, :4].mean(dim=(1, 2, 3))
        return torch.stack([1 - sure, sure], dim=1)


@pytest.fixture
def corner(ask: Callable[..., AskedModel]) -> AskedModel:
    asked = ask("cnn")
    asked.probabilities = Corner().class_probabilities  # type: ignore[method-assign]
    return asked


def images(number: int = 24) -> np.ndarray:
    random = np.random.default_rng(0)
    pixels = random.integers(60, 255, (number, 1, 28, 21)).astype(np.uint8)
    pixels[:, :, -1] = pixels[:, :, :, -1] = pixels[:, :, 4:, 0] = pixels[:, :, 0, 4:] = 0
    pixels[:, :, :4, :4] = 250
    return pixels


def mapped(corner_value: float) -> Callable[..., Map]:
    def made(method: str, asked: AskedModel, image: Tensor, answer: int) -> Map:
        values = np.random.default_rng(int(1e6 * float(image.sum()))).random((28, 21)).astype(np.float32)
        values[:4, :4] = corner_value
        return Map(values, (28, 21))

    return made


@pytest.mark.parametrize(("corner_value", "is_better"), [(2.0, True), (-1.0, False)])
def test_marking_what_matters_is_seen(
    corner_value: float, is_better: bool, corner: AskedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods, "_asked_by", mapped(corner_value))
    monkeypatch.setattr(checks, "askable", lambda asked, image: ["occlusion"])
    found = check_methods(corner, corner, images())
    (check,) = found.checks
    assert check.alike.mean == pytest.approx(1.0), "the same network twice"
    assert (check.before_random.low > 0) is (check.before_ink.low > 0) is is_better
    assert check.area.mean < 0.1 if is_better else check.area.mean > 0.9
    assert found.random_area == pytest.approx(0.49, abs=0.05), "pixels of the corner go evenly"


def test_ink_first_is_faster_than_random_where_only_ink_matters(ask: Callable[..., AskedModel]) -> None:
    pixels = np.zeros((24, 1, 28, 21), np.uint8)
    pixels[:, :, 8:20, 9:12] = 255
    asked = ask("vit")
    asked.probabilities = lambda images: torch.stack(  # type: ignore[method-assign]
        [1 - images.mean(dim=(1, 2, 3)) / 0.0613, images.mean(dim=(1, 2, 3)) / 0.0613], dim=1
    )
    found = check_methods(asked, ask("vit", options={"num_blocks": 3}), pixels)
    assert found.ink_area < 0.1 < 0.4 < found.random_area


def test_another_seed_of_weights_is_another_map_and_twice_is_the_same(ask: Callable[..., AskedModel]) -> None:
    pixels = images(20)
    first, second = (check_methods(ask("vit"), ask("vit", options={"num_blocks": 2}), pixels) for _ in range(2))
    timeless = [[each.model_copy(update={"seconds": 0.0}) for each in found.checks] for found in (first, second)]
    assert timeless[0] == timeless[1]
    assert (first.random_area, first.ink_area) == (second.random_area, second.ink_area)
    assert all(check.alike.mean < 1 for check in first.checks)
    assert [check.method for check in first.checks] == [
        "occlusion", "integrated gradients", "grad-cam", "attention rollout",
    ]  # fmt: skip
