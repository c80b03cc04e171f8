"""Two contenders on the same seeds and the same test images: how sure is the difference between them?

S seeds, N test images, A contenders.  Values pair up because seed s gives every contender the same split, order and
augmentation, and because all of them answer the same images.

Sources: Dietterich 1998 (McNemar's test for one training run); Bouthillier et al. 2021, "Accounting for Variance in
Machine Learning Benchmarks" (P(A > B)); Agarwal et al. 2021 (bootstrap over runs and tasks); Efron and Tibshirani 1993.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

MOST_EXACT_SEEDS = 16  # up to here all 2**S signs are tried
NUM_DRAWS = 10_000
DRAWS_AT_ONCE = 250  # N numbers each: a few megabytes
TOLERANCE = 1e-12  # sums of the same numbers in another order count as equal


class Interval(NamedTuple):
    low: float
    high: float


def sign_flip_p(differences: np.ndarray, seed: int = 0) -> float:
    """Two-sided p of "no difference": how often random signs make the mean of (S,) differences at least as large.

    All 2**S signs up to MOST_EXACT_SEEDS, so p is never below 2 / 2**S; beyond that 100,000 random ones, the observed
    included.  With one seed it is 1.
    """
    differences = np.asarray(differences, np.float64)
    num_seeds = len(differences)
    assert num_seeds > 0, "no seeds, no test"
    observed = abs(differences.sum())
    if num_seeds <= MOST_EXACT_SEEDS:
        bits = np.arange(2**num_seeds)[:, None] >> np.arange(num_seeds) & 1
        sums = (1 - 2 * bits) @ differences
        return float(np.mean(np.abs(sums) >= observed - TOLERANCE))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(100_000, num_seeds))
    num_larger = int(np.sum(np.abs(signs @ differences) >= observed - TOLERANCE))
    return (num_larger + 1) / (len(signs) + 1)


def mcnemar_p(num_only_first: int, num_only_second: int) -> float:
    """Exact two-sided p of McNemar's test for one pair of runs, from the images that only one of them got right."""
    from scipy.special import bdtr

    assert min(num_only_first, num_only_second) >= 0
    num_discordant = num_only_first + num_only_second
    if num_discordant == 0:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(num_only_first, num_only_second), num_discordant, 0.5)))


class Superiority(NamedTuple):
    """P(A > B): how often A beats B when both are trained with a new seed; ties count half."""

    probability: float
    interval: Interval


def superiority(first: np.ndarray, second: np.ndarray, confidence: float = 0.95, seed: int = 0) -> Superiority:
    """P(first > second) over (S,) paired seeds, with a percentile bootstrap over the seeds.

    Where every seed says the same, resampling cannot vary; the interval is then the exact one of S wins of S.
    """
    wins = np.sign(np.asarray(first, np.float64) - np.asarray(second, np.float64)) / 2 + 0.5  # (S,): 0, 0.5 or 1
    probability = float(wins.mean())
    if np.all(wins == wins[0]) and wins[0] != 0.5:
        tail = ((1 - confidence) / 2) ** (1 / len(wins))
        return Superiority(probability, Interval(tail, 1.0) if wins[0] == 1 else Interval(0.0, 1 - tail))
    draws = np.random.default_rng(seed).integers(len(wins), size=(NUM_DRAWS, len(wins)))
    return Superiority(probability, percentile_interval(wins[draws].mean(axis=1), confidence))


def bootstrap_means(values: np.ndarray, num_draws: int = NUM_DRAWS, seed: int = 0) -> np.ndarray:
    """Two-level bootstrap: the means of `values` (A, S, N) under resampled seeds and resampled images: (draws, A).

    In every draw all contenders get the same seeds and the same images, so differences of columns are paired.  With one
    seed only images are resampled, and the spread says nothing about training anew.
    """
    num_contenders, num_seeds, num_items = values.shape
    flat = np.ascontiguousarray(values.reshape(num_contenders * num_seeds, num_items).T, np.float32)  # (N, A*S)
    random = np.random.default_rng(seed)
    means = np.empty((num_draws, num_contenders))
    for start in range(0, num_draws, DRAWS_AT_ONCE):
        count = min(DRAWS_AT_ONCE, num_draws - start)
        per_run = (_counts(random, count, num_items) @ flat).reshape(count, num_contenders, num_seeds) / num_items
        seeds = _counts(random, count, num_seeds)  # (draws, S): how often each seed was drawn
        means[start : start + count] = np.einsum("das,ds->da", per_run, seeds) / num_seeds
    return means


def _counts(random: np.random.Generator, num_draws: int, size: int) -> np.ndarray:
    """How often each of `size` things is drawn in `size` draws with replacement: float32 (draws, size)."""
    drawn = random.integers(size, size=(num_draws, size)) + np.arange(num_draws)[:, None] * size
    return np.bincount(drawn.ravel(), minlength=num_draws * size).reshape(num_draws, size).astype(np.float32)


def percentile_interval(draws: np.ndarray, confidence: float = 0.95) -> Interval:
    """The middle `confidence` of (draws,)."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def seeds_needed(differences: np.ndarray, power: float = 0.8, alpha: float = 0.05) -> int | None:
    """About how many paired seeds would show a true mean difference as large as the observed one; None if it is 0.

    The normal approximation for a paired t-test, and never fewer than the 6 that an exact paired test needs.
    """
    from scipy.special import ndtri

    differences = np.asarray(differences, np.float64)
    mean = abs(float(differences.mean()))
    if mean == 0 or len(differences) < 2:
        return None
    effect = mean / max(float(differences.std(ddof=1)), 1e-12)
    quantiles = float(ndtri(1 - alpha / 2) + ndtri(power))
    return max(6, math.ceil((quantiles / effect) ** 2))
