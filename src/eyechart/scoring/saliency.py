"""Is a map of what mattered to be trusted?  Rank correlation, areas under deletion curves, and their intervals.

Sources: Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (random weights); Petsiuk, Das and Saenko 2018, "RISE"
(deletion).
"""

from __future__ import annotations

import numpy as np

from eyechart.schema.explain import Estimated, MethodCheck

NUM_DRAWS = 2000
SEED = 20_181
ALIKE = 0.5  # |Spearman| from which a map looks much the same with random weights: a quarter of its ranks' variance
INTERVAL = (2.5, 97.5)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """|Spearman| of two maps, 0..1.  A map that is the same everywhere has no order: 1 beside another such, else 0."""
    from scipy.stats import rankdata

    ranks = [rankdata(each.ravel()) for each in (first, second)]
    plain = [bool(np.ptp(each) == 0) for each in ranks]
    if any(plain):
        return float(all(plain))
    return min(1.0, float(abs(np.corrcoef(*ranks)[0, 1])))


def deletion_order(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Pixels (H*W,) of a map (H, W) from the highest value down; equal ones in random order."""
    flat = values.ravel()
    order: np.ndarray = np.lexsort((random.random(flat.size), -flat))
    return order


def area_under(curve: np.ndarray) -> float:
    """Under values at equal steps of 0..1 (trapezoids), along the last axis."""
    return float(np.trapezoid(curve, dx=1 / (curve.shape[-1] - 1)))


def estimated(values: np.ndarray) -> Estimated:
    """The mean of (N,) values and its 95 % bootstrap interval over the N images (percentiles)."""
    draws = np.random.default_rng(SEED).integers(0, len(values), (NUM_DRAWS, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), INTERVAL)
    return Estimated(mean=float(values.mean()), low=float(low), high=float(high))


def depends_on_learning(check: MethodCheck) -> bool:
    """Another map with random weights, for sure."""
    return check.alike.high < ALIKE


def marks_what_matters(check: MethodCheck) -> bool:
    """Deleting what it marks lowers the answer's probability before random orders do, for sure."""
    return check.before_random.low > 0


def marks_more_than_ink(check: MethodCheck) -> bool:
    """And before random orders that begin with what differs from the ground."""
    return check.before_ink.low > 0
