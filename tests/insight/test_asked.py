"""What is explained: the log-odds of an answer, the same number with gradients and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from eyechart.insight.asked import AskedModel, log_odds
from eyechart.models.faster_rcnn import SCORE_LIMITS

FIVE = ("cnn", "vit", "vgg16:none:head", "alexnet:none:head", "fasterrcnn")
ZOO = "timm:test_resnet:none:head"


def test_log_odds_by_hand() -> None:
    logits = torch.tensor([[0.2, -1.0, 3.0]]).double()
    p = logits.softmax(dim=1)[0, 1]
    assert log_odds(logits, 1).item() == pytest.approx((p / (1 - p)).log().item())


@pytest.mark.parametrize("contender", [*FIVE, ZOO])
def test_with_gradients_it_is_the_same_and_they_reach_the_image(
    contender: str, ask: Callable[..., AskedModel], image: torch.Tensor
) -> None:
    """Also where stages stand still, whose outputs are computed without gradients in training."""
    asked = ask(contender)
    leaf = image.clone().requires_grad_(True)
    for answer in range(3):
        score = asked.smooth(image, answer)(leaf)
        torch.testing.assert_close(score, asked.exact(answer)(image))
        (gradient,) = torch.autograd.grad(score.sum(), leaf)
        assert gradient.shape == image.shape
        assert gradient.abs().max() > 0, "something in the image moves the answer"


@pytest.mark.parametrize("contender", ["cnn", "vit", ZOO])
def test_a_classifiers_is_that_of_its_probabilities(
    contender: str, ask: Callable[..., AskedModel], image: torch.Tensor
) -> None:
    asked = ask(contender)
    p = asked.probabilities(image)[0]
    for answer in range(3):
        assert asked.exact(answer)(image).item() == pytest.approx((p / (1 - p)).log()[answer].item(), abs=1e-4)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.99])
def test_a_detectors_is_its_rule_without_the_upper_limit(
    threshold: float, ask: Callable[..., AskedModel], image: torch.Tensor
) -> None:
    """Where no score is beyond the limits, it is exactly what the rule gives: a class without a likely box has .01."""
    asked = ask("fasterrcnn", options={"score_threshold": threshold})
    assert asked.detector is not None
    scores = asked.detector.detect(image).scores[0]
    assert scores.max() < SCORE_LIMITS[1], "random weights are not sure"
    p = asked.probabilities(image)[0]
    for answer in range(3):
        assert asked.exact(answer)(image).item() == pytest.approx((p / (1 - p)).log()[answer].item(), abs=1e-4)
