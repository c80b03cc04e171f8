"""The temperature: the true one is found with many images, and few images move it hardly at all from 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import norm

from eyechart.schema import Temperature
from eyechart.scoring.temperature import PRIOR_SD, cooled, fit


def drawn(num_items: int, true: float, *, spread: float = 1.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from softmax(logits), and what a model says that is too sure by the temperature `true`."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, spread, (num_items, 7))
    honest = softmax(logits, axis=1)
    labels = (honest.cumsum(axis=1) < random.random((num_items, 1))).sum(axis=1)
    return labels, softmax(true * logits, axis=1).astype(np.float32)


def loss(labels: np.ndarray, probabilities: np.ndarray, temperature: float = 1.0) -> float:
    scaled = cooled(probabilities, temperature)
    return float(-np.log(scaled[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("true", [0.6, 1.0, 2.5])
def test_many_images_find_the_true_temperature(true: float) -> None:
    found = fit(*drawn(20_000, true, seed=1))
    assert found.value == pytest.approx(true, rel=0.03)
    assert (found.num_items, found.reason) == (20_000, "fitted")


@pytest.mark.parametrize(("num_items", "true"), [(5, 1.0), (40, 2.0), (700, 0.7)])
def test_it_is_the_most_probable_one_under_the_prior(num_items: int, true: float) -> None:
    """Likelihood and normal prior written down with scipy, and minimised by it."""
    labels, probabilities = drawn(num_items, true, seed=2)
    logits = np.log(probabilities.astype(np.float64))

    def cost(x: float) -> float:
        answers = log_softmax(logits / math.exp(x), axis=1)[np.arange(num_items), labels]
        return float(-answers.sum() - norm.logpdf(x, scale=PRIOR_SD))

    expected = minimize_scalar(cost, bounds=(-3, 3), method="bounded", options={"xatol": 1e-8}).x
    assert math.log(fit(labels, probabilities).value) == pytest.approx(expected, abs=1e-5)


def test_three_right_answers_are_no_reason_to_be_sure() -> None:
    """Alone, the likelihood would take T to 0."""
    for sure in (0.6, 0.9, 0.999):
        probabilities = np.array([[sure, 1 - sure], [sure, 1 - sure], [1 - sure, sure]])
        found = fit(np.array([0, 0, 1]), probabilities)
        assert 0.85 < found.value < 1, sure
        assert (found.num_items, found.reason) == (3, "held")


def test_one_wrong_answer_of_three_does_not_make_it_doubt_everything() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    found = fit(np.array([0, 0, 1]), probabilities)
    assert 1 < found.value < 1.3
    assert found.reason == "held"


def test_nothing_to_go_by() -> None:
    none = fit(np.zeros(0, np.int64), np.zeros((0, 3), np.float32))
    assert none == Temperature(value=none.value, num_items=0, reason="held")
    assert none.value == pytest.approx(1.0, abs=1e-6)
    same = fit(np.array([0, 1, 2]), np.full((3, 3), 1 / 3))  # equal logits have no temperature
    assert same == Temperature(value=same.value, num_items=3, reason="held")
    assert same.value == pytest.approx(1.0, abs=1e-6)


def test_certain_and_wrong_is_finite() -> None:
    labels, probabilities = np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    assert 1 < fit(labels, probabilities).value < 20
    everything = np.tile(probabilities, (500, 1)), np.tile(labels, 500)
    found = fit(everything[1], everything[0])
    assert cooled(everything[0], found.value).max() < 0.75, "half right: hardly sure at all"


@pytest.mark.parametrize("true", [0.7, 1.0, 1.5, 2.5])
@pytest.mark.parametrize("spread", [1.5, 12.0])
def test_few_images_do_not_harm_and_many_forget_the_prior(true: float, spread: float) -> None:
    """The simulation of docs/decisions.md in small: mean loss on other images, over 60 small validation parts."""
    labels, probabilities = drawn(4000, true, spread=spread, seed=3)
    untouched = loss(labels, probabilities)
    best = loss(labels, probabilities, fit(labels, probabilities).value)
    few = [
        loss(labels, probabilities, fit(*drawn(10, true, spread=spread, seed=seed)).value) for seed in range(100, 160)
    ]
    assert np.mean(few) - best < max(0.025, untouched - best), "no worse than T = 1, but for a hair where 1 is right"
    some = [
        loss(labels, probabilities, fit(*drawn(300, true, spread=spread, seed=seed)).value) for seed in range(200, 220)
    ]
    assert np.mean(some) - best < 0.006


def test_scaling_changes_no_answer_and_one_changes_nothing() -> None:
    _, probabilities = drawn(100, 1.0)
    assert cooled(probabilities, 1.0) == pytest.approx(probabilities, abs=1e-6)
    expected: Any = softmax(np.log(probabilities.astype(np.float64)) / 3.0, axis=1)
    assert cooled(probabilities, 3.0) == pytest.approx(expected, abs=1e-12)
    assert (cooled(probabilities, 0.05).argmax(axis=1) == probabilities.argmax(axis=1)).all()
