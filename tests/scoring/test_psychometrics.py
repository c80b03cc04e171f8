"""Psychometric functions: known ones are found again, an oracle agrees, and what does not fit is told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eyechart.scoring.psychometrics import Curve, deviance, fit, misfit_p, redrawn

ROWS = np.concatenate([[-np.inf], 0.1 * np.arange(1, 11)])
GUESS, ITEMS = 0.1, 100


def observer(threshold: float, width: float, lapse: float) -> Curve:
    return Curve(np.array([threshold]), np.array([width]), np.array([lapse]), GUESS)


@pytest.mark.parametrize(
    ("threshold", "width", "lapse"), [(0.5, 0.06, 0.01), (0.3, 0.03, 0.02), (0.75, 0.1, 0.0), (0.5, 0.15, 0.03)]
)
def test_known_thresholds_are_found_in_their_intervals_and_without_bias(
    threshold: float, width: float, lapse: float
) -> None:
    """Of 100 simulated readers; the 95 % interval misses at most ten."""
    random = np.random.default_rng(1)
    shares = observer(threshold, width, lapse).at(ROWS)[0]
    hits, found = 0, []
    for _ in range(100):
        right = random.random((1, len(ROWS), ITEMS)) < shares[None, :, None]
        low, high = np.percentile(fit(ROWS, redrawn(right, 100)[:, 0], ITEMS, GUESS).threshold, [2.5, 97.5])
        hits += low <= threshold <= high
        found.append(float(fit(ROWS, right.mean(axis=2), ITEMS, GUESS).threshold[0]))
    assert hits >= 90
    assert abs(np.mean(found) - threshold) < 3 * np.std(found) / math.sqrt(len(found)) + 0.002


@pytest.mark.slow
def test_psignifit_finds_the_same() -> None:
    psignifit = pytest.importorskip("psignifit")
    right = np.random.default_rng(0).binomial(ITEMS, observer(0.5, 0.06, 0.02).at(ROWS)[0])
    # It knows rising curves alone, and no row without distortion but one that is very easy.
    levels = -np.concatenate([[-0.6], ROWS[1:]])
    data = np.stack([levels, right, np.full(len(ROWS), ITEMS)], axis=1)
    oracle = psignifit.psignifit(data, experiment_type="nAFC", experiment_choices=10, sigmoid="logistic")
    own = fit(ROWS, right[None] / ITEMS, ITEMS, GUESS)
    assert -own.threshold[0] == pytest.approx(oracle.parameter_estimate["threshold"], abs=0.003)
    assert own.lapse[0] == pytest.approx(oracle.parameter_estimate["lambda"], abs=0.01)
    # Its width is from 5 to 95 % of the logistic.
    assert 2 * math.log(19) * own.width[0] == pytest.approx(oracle.parameter_estimate["width"], rel=0.1)


def test_the_threshold_is_half_way_between_guess_and_best() -> None:
    curve = observer(0.5, 0.05, 0.04)
    assert curve.at(np.array([0.5]))[0, 0] == pytest.approx((GUESS + 1 - 0.04) / 2)
    at = curve.level_of(0.75)
    assert curve.at(at)[0, 0] == pytest.approx(0.75)
    assert curve.level_of(0.97)[0] == -np.inf, "its best is 96 %"


def test_many_are_fitted_as_each_alone() -> None:
    random = np.random.default_rng(2)
    shares = random.binomial(ITEMS, observer(0.5, 0.08, 0.01).at(ROWS).repeat(7, axis=0)) / ITEMS
    together = fit(ROWS, shares, ITEMS, GUESS)
    for place in range(7):
        alone = fit(ROWS, shares[place : place + 1], ITEMS, GUESS)
        assert alone.threshold[0] == pytest.approx(together.threshold[place], abs=1e-9)


@pytest.mark.parametrize("shares", [np.ones(11), np.full(11, 0.1), np.array([1.0, *[0.1] * 10])])
def test_who_reads_all_or_nothing_has_a_threshold_too(shares: np.ndarray) -> None:
    found = fit(ROWS, shares[None], ITEMS, GUESS)
    assert np.isfinite(found.threshold).all()
    assert (found.threshold[0] > ROWS[-1]) == bool(shares[-1] == 1)
    assert 0 <= found.lapse[0] <= 0.5


def test_what_does_not_fit_is_told() -> None:
    shares = observer(0.5, 0.06, 0.01).at(ROWS)[0]
    assert misfit_p(ROWS, np.round(ITEMS * shares) / ITEMS, ITEMS, GUESS) > 0.5
    jagged = np.where(np.arange(11) % 2, 0.9, 0.5)
    assert misfit_p(ROWS, jagged, ITEMS, GUESS) < 0.01


def test_a_perfect_fit_has_no_deviance() -> None:
    curve = observer(0.5, 0.06, 0.01)
    assert deviance(curve, ROWS, curve.at(ROWS), ITEMS)[0] == pytest.approx(0, abs=1e-9)


def test_draws_are_of_items_with_all_their_rows_and_the_same_for_all() -> None:
    right = np.zeros((1, 3, 10), bool)
    right[0, :, :5] = True  # five items are read in every row
    shares = redrawn(right, 50)
    assert (shares == shares[:, :, :1]).all(), "an item is drawn with all its rows"
    assert shares.std() > 0
    assert (shares == redrawn(right, 50)).all()
