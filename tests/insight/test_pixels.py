"""Occlusion and integrated gradients: by hand where that goes, by their axioms where it does not."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from eyechart.base.errors import MissingError
from eyechart.data.boxes import background_of
from eyechart.insight.asked import AskedModel
from eyechart.insight.pixels import captum_attr, integrated_gradients, occlusion

FIVE = ("cnn", "vit", "vgg16:none:head", "alexnet:none:head", "fasterrcnn")


@pytest.mark.parametrize("contender", FIVE)
def test_integrated_gradients_are_complete(
    contender: str, ask: Callable[..., AskedModel], image: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sum is the difference between the image and the plain ground."""
    monkeypatch.setattr("eyechart.insight.pixels.STEPS", 256)
    asked = ask(contender)
    found = integrated_gradients(asked, image, 1)
    score = asked.smooth(image, 1)
    with torch.no_grad():
        difference = (score(image) - score(background_of(image).expand_as(image))).item()
    assert found.values.sum() == pytest.approx(difference, abs=0.02 * max(abs(difference), 0.05) + 1e-3)
    assert found.miss == pytest.approx(found.values.sum() - difference, abs=1e-3)
    assert found.values.shape == (28, 21)


def test_steps_are_doubled_where_the_sum_misses(
    ask: Callable[..., AskedModel], image: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask("fasterrcnn")
    monkeypatch.setattr("eyechart.insight.pixels.STEPS", 2)
    monkeypatch.setattr("eyechart.insight.pixels.MOST_STEPS", 2)
    coarse = integrated_gradients(asked, image, 1)
    monkeypatch.setattr("eyechart.insight.pixels.MOST_STEPS", 256)
    fine = integrated_gradients(asked, image, 1)
    assert coarse.miss is not None
    assert fine.miss is not None
    allowed = max(0.02, 0.05 * abs(float(fine.values.sum()) - fine.miss))
    assert abs(coarse.miss) > allowed >= abs(fine.miss)


def test_the_ground_gets_nothing(ask: Callable[..., AskedModel], image: torch.Tensor) -> None:
    """Pixels of the baseline's own colour have not moved on the way."""
    values = integrated_gradients(ask("vit"), image, 0).values
    assert not values[:6].any()
    assert values[6:22, 5:16].any()


def test_occlusion_by_hand(ask: Callable[..., AskedModel], image: torch.Tensor) -> None:
    """A pixel's value is the mean fall over the windows that cover it: 5 x 4 pixels, in steps of 2."""
    asked = ask("cnn")
    found = occlusion(asked, image, 2)
    score = asked.exact(2)
    rows, columns = [*range(0, 23, 2), 24], [*range(0, 17, 2), 18]
    assert found.cells == (len(rows), len(columns)) == (13, 10)
    falls, covered = np.zeros((28, 21)), np.zeros((28, 21))
    for top in rows:
        for left in columns:
            painted = image.clone()
            painted[..., top : top + 5, left : left + 4] = 0.25
            window = np.s_[top : top + 5, left : left + 4]
            falls[window] += (score(image) - score(painted)).item()
            covered[window] += 1
    np.testing.assert_allclose(found.values, falls / covered, atol=1e-5)


def test_colour_counts_once(ask: Callable[..., AskedModel], image: torch.Tensor) -> None:
    asked = ask("cnn", channels=3)
    colour = image.repeat(1, 3, 1, 1)
    score = asked.exact(0)
    painted = colour.clone()
    painted[..., :5, :4] = background_of(colour)
    fall = (score(colour) - score(painted)).item()
    assert occlusion(asked, colour, 0).values[0, 0] == pytest.approx(fall, abs=1e-5), "one window covers the corner"


@pytest.mark.parametrize("method", [occlusion, integrated_gradients])
def test_twice_the_same_bits(
    method: Callable[..., object], ask: Callable[..., AskedModel], image: torch.Tensor
) -> None:
    first, second = (method(ask("fasterrcnn"), image, 1) for _ in range(2))
    assert (first.values == second.values).all()  # type: ignore[attr-defined]


def test_without_captum_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(MissingError, match=r'pip install "eyechart\[explain\]"'):
        captum_attr()
