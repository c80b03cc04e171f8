"""From rows that get harder to one number: the level at which a reader is half-way between guessing and its best.

    p(u) = guess + (1 - guess - lapse) / (1 + exp((u - threshold) / width))

u is how hard a row is (a logarithm where steps are equal in it), and a row without distortion, at u = -infinity, pins
the lapse.  Threshold, width and lapse are fitted together by maximum a posteriori, with priors that only hold them near
the rows: threshold within them and a little beyond, width of the size of their range, lapse small.  Many data sets are
fitted at once, because the intervals come from items that are drawn anew with all their rows.

Sources: Wichmann and Hill 2001, "The psychometric function I and II" (lapses, bootstrap, deviance); Schütt, Harmeling,
Macke and Wichmann 2016 (the priors of psignifit); Efron 1987 for what percentiles mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NUM_DRAWS = 1000
SEED = 20_021
MOST_STEPS, SMALL_STEP = 30, 1e-4
LARGEST_MOVE = 0.7  # of a parameter in one step
MOST_LAPSE = 0.5  # of what is above guessing: a reader that cannot read the first row is not one that lapses
LAPSE_A, LAPSE_B = 1.0, 10.0  # the Beta prior of the lapse: usually below .1
WIDTH_SD = 1.0  # of the logarithm of the width, about a tenth of the range
BEYOND = 0.5  # of the range, standard deviation by which a threshold may lie beyond the rows
LEAST_PROBABILITY = 1e-9


class Curve(NamedTuple):
    """A fitted psychometric function; arrays where many were fitted."""

    threshold: np.ndarray  # (B,) u at which p is half-way between guess and 1 - lapse
    width: np.ndarray  # (B,) of the logistic
    lapse: np.ndarray  # (B,)
    guess: float

    def at(self, hardness: np.ndarray) -> np.ndarray:
        """(B, L): the probability to read right; -infinity is the row without distortion."""
        height = (1 - self.guess - self.lapse)[:, None]
        found: np.ndarray = self.guess + height * _falling(self.threshold, self.width, hardness)
        return found

    def level_of(self, share: float) -> np.ndarray:
        """(B,) u at which `share` is read right; -infinity where even the best row is read worse."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = (1 - self.guess - self.lapse) / (share - self.guess) - 1
            found = self.threshold + self.width * np.log(rest)
        return np.where(rest > 0, found, -np.inf)


def fit(hardness: np.ndarray, shares: np.ndarray, num_items: int, guess: float) -> Curve:
    """Fit B data sets at once: shares right (B, L) of `num_items` in each of L rows, the first at -infinity."""
    rows = hardness[np.isfinite(hardness)]
    centre, span = float((rows[0] + rows[-1]) / 2), float(rows[-1] - rows[0])
    found = _started(hardness, shares, guess, span)
    moving = np.arange(len(shares))
    for _ in range(MOST_STEPS):
        step = _step(found[moving], hardness, shares[moving], num_items, guess, centre, span)
        found[moving] += step
        moving = moving[np.abs(step).max(axis=1) >= SMALL_STEP]
        if not len(moving):
            break
    return Curve(found[:, 0], np.exp(found[:, 1]), _squashed(found[:, 2], guess), guess)


def deviance(curve: Curve, hardness: np.ndarray, shares: np.ndarray, num_items: int) -> np.ndarray:
    """(B,): twice what the likelihood lacks to that of the shares; about as many as rows less 3 where it fits."""
    expected = np.clip(curve.at(hardness), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    with np.errstate(divide="ignore", invalid="ignore"):
        right = np.where(shares > 0, shares * np.log(shares / expected), 0.0)
        wrong = np.where(shares < 1, (1 - shares) * np.log((1 - shares) / (1 - expected)), 0.0)
    total: np.ndarray = 2 * num_items * (right + wrong).sum(axis=1)
    return total


def misfit_p(hardness: np.ndarray, shares: np.ndarray, num_items: int, guess: float) -> float:
    """How often a reader who is exactly such a curve would lie as far from it: small where the curve does not fit."""
    curve = fit(hardness, shares[None], num_items, guess)
    random = np.random.default_rng(SEED)
    simulated = random.binomial(num_items, np.clip(curve.at(hardness), 0, 1).repeat(NUM_DRAWS, axis=0)) / num_items
    own = deviance(curve, hardness, shares[None], num_items)[0]
    others = deviance(fit(hardness, simulated, num_items, guess), hardness, simulated, num_items)
    return float((1 + np.sum(others >= own)) / (1 + NUM_DRAWS))


def redrawn(right: np.ndarray, num_draws: int | None = None) -> np.ndarray:
    """(draws, S, L): shares right when items, each with all its rows, are drawn anew; right is bool (S, L, N).

    The same draws for the same N, so that what two readers get from them is paired.
    """
    number = right.shape[2]
    random = np.random.default_rng([SEED, number])
    draws = range(num_draws or NUM_DRAWS)
    counts = np.stack([np.bincount(random.integers(number, size=number), minlength=number) for _ in draws])
    shares: np.ndarray = np.einsum("dn,sln->dsl", counts.astype(np.float32), right.astype(np.float32)) / number
    return shares


# --------------------------------------------------------------------------------------------- fitting


def _falling(threshold: np.ndarray, width: np.ndarray, hardness: np.ndarray) -> np.ndarray:
    """(B, L): from 1 to 0."""
    inside = np.clip((hardness[None] - threshold[:, None]) / width[:, None], -60, 60)
    falling: np.ndarray = 1 / (1 + np.exp(inside))
    return falling


def _squashed(value: np.ndarray, guess: float) -> np.ndarray:
    """A lapse, between 0 and half of what is above guessing."""
    squashed: np.ndarray = MOST_LAPSE * (1 - guess) / (1 + np.exp(-value))
    return squashed


def _by_squashed(lapse: np.ndarray, guess: float) -> np.ndarray:
    """The derivative of a lapse by what is squashed."""
    slope: np.ndarray = lapse * (1 - lapse / (MOST_LAPSE * (1 - guess)))
    return slope


def _started(hardness: np.ndarray, shares: np.ndarray, guess: float, span: float) -> np.ndarray:
    """Threshold, logarithm of the width and the lapse before squashing, (B, 3), from where shares cross the half."""
    best = shares.max(axis=1, keepdims=True)
    is_read = (shares > (guess + best) / 2) & np.isfinite(hardness)
    rows = hardness[np.isfinite(hardness)]
    number = np.clip(is_read.sum(axis=1) - 1, 0, len(rows) - 1)
    most = MOST_LAPSE * (1 - guess)
    lapse = np.clip(1 - shares[:, 0], 0.01 * most, 0.8 * most)
    return np.stack([rows[number], np.full(len(shares), np.log(span / 10)), -np.log(most / lapse - 1)], axis=1)


def _step(
    found: np.ndarray, hardness: np.ndarray, shares: np.ndarray, num_items: int, guess: float, centre: float,
    span: float,
) -> np.ndarray:  # fmt: skip
    """A step of Fisher's scoring, (B, 3), no longer than LARGEST_MOVE (of a threshold: that share of the range)."""
    threshold, width, lapse = found[:, 0], np.exp(found[:, 1]), _squashed(found[:, 2], guess)
    falling = _falling(threshold, width, hardness)
    height = (1 - guess - lapse)[:, None]
    p = np.clip(guess + height * falling, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    slope = height * falling * (1 - falling)
    with np.errstate(invalid="ignore"):
        inside = np.where(np.isfinite(hardness)[None], (hardness[None] - threshold[:, None]) / width[:, None], 0.0)
    by_lapse = _by_squashed(lapse, guess)[:, None]
    jacobian = np.stack([slope / width[:, None], slope * inside, -falling * by_lapse], axis=2)  # (B, L, 3)
    weight = num_items / (p * (1 - p))
    turned = jacobian.transpose(0, 2, 1)  # (B, 3, L)
    gradient = (turned @ (weight * (shares - p))[..., None])[..., 0]
    information = turned @ (weight[..., None] * jacobian)
    prior_gradient, prior_information = _priors(found, lapse, guess, centre, span)
    step = np.linalg.solve(information + prior_information, (gradient + prior_gradient)[..., None])[..., 0]
    limit = np.array([LARGEST_MOVE * span, LARGEST_MOVE, LARGEST_MOVE])
    return np.clip(step, -limit, limit)


def _priors(
    found: np.ndarray, lapse: np.ndarray, guess: float, centre: float, span: float
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (B, 3) and information (B, 3, 3) of what is known before any row is read."""
    place_sd = span * (0.5 + BEYOND)
    gradient = np.empty_like(found)
    gradient[:, 0] = (centre - found[:, 0]) / place_sd**2
    gradient[:, 1] = (np.log(span / 10) - found[:, 1]) / WIDTH_SD**2
    by_lapse = _by_squashed(lapse, guess)
    gradient[:, 2] = ((LAPSE_A - 1) / lapse - (LAPSE_B - 1) / (1 - lapse)) * by_lapse
    information = np.zeros((len(found), 3, 3))
    information[:, 0, 0], information[:, 1, 1] = 1 / place_sd**2, 1 / WIDTH_SD**2
    information[:, 2, 2] = (LAPSE_B - 1) / (1 - lapse) ** 2 * by_lapse**2 + 1e-3  # never flat
    return gradient, information
