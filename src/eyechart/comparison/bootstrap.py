"""The two-level paired bootstrap: how a difference would vary with other seeds and with other test images.

A draw takes N test items and S seeds with replacement, once for all contenders, so that differences stay paired.  The
items of all draws are one matrix product, in chunks: (draws, N) counts times (N, runs) values.

Sources: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice" (bootstrap over
runs and tasks); Owen 2007, "The pigeonhole bootstrap" (resampling rows and columns is not too narrow);
Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 4.4 (expanded percentiles).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

NUM_DRAWS = 10_000
DRAWS_AT_ONCE = 500  # N counts each: 20 MB for 10,000 items
SEED = 20_070


def item_deviations(values: np.ndarray, num_draws: int = NUM_DRAWS) -> np.ndarray:
    """float32 (draws, runs): by how much each run's mean moves when its items are drawn anew; values (runs, N)."""
    num_runs, num_items = values.shape
    centred = np.ascontiguousarray((values - values.mean(axis=1, keepdims=True)).T, np.float32)  # (N, runs)
    random = np.random.default_rng(SEED)
    deviations = np.empty((num_draws, num_runs), np.float32)
    for start in range(0, num_draws, DRAWS_AT_ONCE):
        counts = _counts(random, min(DRAWS_AT_ONCE, num_draws - start), num_items)
        np.matmul(counts, centred, out=deviations[start : start + len(counts)])
    deviations /= num_items
    return deviations


def deviations_of(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same of several metrics, each (runs, N), with the same draws for all of them."""
    if not values:
        return {}
    drawn = item_deviations(np.concatenate(list(values.values())))
    return dict(zip(values, np.split(drawn, len(values), axis=1), strict=True))


@lru_cache(maxsize=4)  # every metric and every group of pairs asks for the same ones
def seed_shares(num_seeds: int, num_draws: int = NUM_DRAWS) -> np.ndarray:
    """float32 (draws, S): the share that each seed has in a draw of S seeds with replacement."""
    shares: np.ndarray = _counts(np.random.default_rng([SEED, num_seeds]), num_draws, num_seeds) / np.float32(num_seeds)
    shares.setflags(write=False)
    return shares


def image_counts(num_images: int, num_draws: int, at_once: int = 100) -> Iterator[np.ndarray]:
    """float32 (at most `at_once`, N) until there are `num_draws` rows: how often each image is in a draw of N of them.

    The same rows for the same N, so that what two detectors get from them is paired.
    """
    random = np.random.default_rng([SEED, num_images])
    for start in range(0, num_draws, at_once):
        yield _counts(random, min(at_once, num_draws - start), num_images)


def _counts(random: np.random.Generator, num_draws: int, size: int) -> np.ndarray:
    """float32 (draws, size): how often each of `size` things is drawn in `size` draws with replacement."""
    counts = np.empty((num_draws, size), np.float32)
    kind = np.uint16 if size <= 2**16 else np.uint32
    for row in counts:
        row[:] = np.bincount(random.integers(size, size=size, dtype=kind), minlength=size)
    return counts


def tail(confidence: float, num_seeds: int) -> float:
    """The share of draws beyond each end of an interval, made smaller for few seeds.

    A bootstrap over S seeds is too narrow twice: its variance is (S - 1)/S of the right one, and it knows nothing of
    Student's tails.  This share makes it as wide as Student's t-interval where seeds alone matter and are normal.
    """
    from scipy.special import ndtr, stdtrit

    alpha = 1 - confidence
    if num_seeds < 2:  # only items are drawn: thousands
        return alpha / 2
    quantile = stdtrit(num_seeds - 1, 1 - alpha / 2) * math.sqrt(num_seeds / (num_seeds - 1))
    return float(ndtr(-quantile))


def gone_p(leads: np.ndarray, num_items: int) -> float:
    """p of a lead, by draws of it (draws,): twice the share of those in which it is gone.

    Where it is gone in none, their number says no more than 2/draws, above which many pairs could never get after
    Holm: Student's tail with as many degrees of freedom as items, less one, goes on from there.
    """
    from scipy.special import stdtr

    gone, least = float(np.mean(leads <= 0)), 2 / len(leads)
    spread = float(leads.std())
    if gone > 0 or num_items < 2 or spread == 0:
        return min(1.0, max(2 * gone, least))
    return min(least, float(2 * stdtr(num_items - 1, -leads.mean() / spread)))


def percentile_ends(draws: np.ndarray, shares: list[float]) -> np.ndarray:
    """(2 * shares, P): low, high, low, high ...: below and above which these shares of the draws (P, draws) lie."""
    levels = [level for share in shares for level in (share, 1 - share)]
    ends: np.ndarray = np.quantile(draws, levels, axis=1)
    return ends
