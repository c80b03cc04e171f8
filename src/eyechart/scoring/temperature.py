"""Temperature scaling: one number T that divides the logits, fitted on validation, never on test [Guo et al. 2017].

T above 1 says that the model was too sure, below 1 not sure enough; it changes no answer.  The likelihood alone takes
T to 0 when all of a few images are right, which is no knowledge of the model.  So ln T has a normal prior around 0
with a standard deviation of PRIOR_SD: one image hardly moves T, a few hundred forget the prior.  docs/decisions.md has
the simulation that this spread was chosen by.

Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger. On Calibration of Modern Neural Networks. ICML 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from eyechart.schema import PROBABILITY_FLOOR, Temperature

PRIOR_SD = 0.35  # of ln T: two of three models need a T between 0.70 and 1.42
LEAST_SHARE = 0.5  # of the images in what decides; below, the prior says more than they do
WIDEST = 3.0  # |ln T| that is looked at: 0.05 to 20
GRID_STEPS, GOLDEN_STEPS = 24, 32  # coarse, then fine: ln T to 1e-6
GOLDEN = (math.sqrt(5) - 1) / 2
CURVATURE_STEP = 1e-3  # of ln T


def fit(labels: np.ndarray, probabilities: np.ndarray) -> Temperature:
    """The temperature of a model that gave probabilities (N, K) to validation images with labels int (N,).

    N may be small, 0 included, and all may be right, or all wrong.  Probabilities count as not below PROBABILITY_FLOOR.
    """
    assert len(labels) == len(probabilities), "one row of probabilities for each label"
    logits = _logits(probabilities)
    of_truth = logits[np.arange(len(labels)), labels]

    def images_loss(log_temperature: float) -> float:
        """Their negative log-likelihood in nats, summed: it outweighs the prior as images get more."""
        scale = math.exp(-log_temperature)
        return float((_log_sum_exp(logits * scale) - of_truth * scale).sum())

    found = _minimum(lambda x: images_loss(x) + 0.5 * (x / PRIOR_SD) ** 2)
    around = [images_loss(found + step) for step in (-CURVATURE_STEP, 0.0, CURVATURE_STEP)]
    known = max(0.0, (around[0] - 2 * around[1] + around[2]) / CURVATURE_STEP**2)  # observed information about ln T
    share = known / (known + PRIOR_SD**-2)
    reason: Literal["fitted", "held"] = "fitted" if share >= LEAST_SHARE else "held"
    return Temperature(value=math.exp(found), num_items=len(labels), reason=reason)


def cooled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log p / T), float64 (N, K): what dividing the logits by T gives, with p not below PROBABILITY_FLOOR.

    A temperature of 1 leaves them as they are.
    """
    if temperature == 1:
        return probabilities
    scaled = _logits(probabilities) / temperature
    answers: np.ndarray = np.exp(scaled - _log_sum_exp(scaled)[:, None])
    return answers


def loss_after(temperature: float, labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of -ln p(true class) in nats of probabilities (N, K) after a temperature, with p not below the floor."""
    of_truth = cooled(probabilities, temperature)[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(of_truth, PROBABILITY_FLOOR, 1.0)).mean())


def _logits(probabilities: np.ndarray) -> np.ndarray:
    logits: np.ndarray = np.log(np.clip(probabilities.astype(np.float64), PROBABILITY_FLOOR, 1.0))
    return logits


def _log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """(N, K) -> (N,), without overflow."""
    most = logits.max(axis=1)
    summed: np.ndarray = most + np.log(np.exp(logits - most[:, None]).sum(axis=1))
    return summed


def _minimum(cost: Callable[[float], float]) -> float:
    """Where `cost` is least between -WIDEST and WIDEST: the best of a grid, then golden section around it."""
    grid = np.linspace(-WIDEST, WIDEST, GRID_STEPS + 1)
    best, step = float(grid[np.argmin([cost(x) for x in grid.tolist()])]), 2 * WIDEST / GRID_STEPS
    low, high = best - step, best + step
    for _ in range(GOLDEN_STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if cost(left) < cost(right):
            high = right
        else:
            low = left
    return (low + high) / 2
