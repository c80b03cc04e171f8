"""Pairs of contenders on the same seeds and the same test images: tests of the difference between two.

S seeds, P pairs.  Values pair up because seed s gives every contender the same split, order and augmentation, and
because all of them answer the same images.  All pairs are tested at once: a thousand take as long as scipy's one.

Sources: Dietterich 1998 (McNemar's test for one training run); Bouthillier et al. 2021, "Accounting for Variance in
Machine Learning Benchmarks" (P(A > B)); Fisher 1935 and scipy.stats.permutation_test (random signs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.comparison.uncertainty import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_EXACT_SEEDS = 16  # up to here all 2**S signs are tried
NUM_RANDOM_SIGNS = 100_000  # beyond
SIGNS_AT_ONCE = 512  # their sums for a thousand pairs stay near the core: 2.5 times as fast as 2048
SAME = 1e-9  # relative: sums of the same numbers in another order count as equal


def mean_difference(differences: np.ndarray) -> float:
    """Of paired seeds (S,); exactly 0 where nothing but rounding keeps their sum from it."""
    mean = float(np.mean(differences))
    return 0.0 if abs(mean) <= SAME * float(np.abs(differences).max()) else mean


def sign_flip_p(differences: np.ndarray) -> np.ndarray:
    """Two-sided p (P,) of "no difference", from differences (P, S): how often random signs give as large a mean.

    All 2**S signs up to MOST_EXACT_SEEDS, so that p is never below 2 / 2**S; beyond that NUM_RANDOM_SIGNS random ones,
    and the observed one, so that p is never 0.  With one seed it is 1.
    """
    differences = np.asarray(differences, np.float64)
    needed = np.abs(differences.sum(axis=1)) - SAME * np.abs(differences).sum(axis=1)
    return _share_of_signs(differences, lambda sums: np.abs(sums) >= needed)


def lead_p(differences: np.ndarray) -> np.ndarray:
    """The same toward one side, times two: p (P,) where differences (P, S) have a sum above 0, elsewhere 1 or more.

    It never grows where a difference grows: signs give as large a sum where what they turn sums to 0 or less.
    """
    differences = np.asarray(differences, np.float64)
    needed = differences.sum(axis=1) - SAME * np.abs(differences).sum(axis=1)
    # Each pattern of signs stands for the one with all signs turned as well.
    return _share_of_signs(differences, lambda sums: (sums >= needed).astype(np.int8) + (-sums >= needed))


def _share_of_signs(differences: np.ndarray, count: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(P,): what `count` finds in the sums (signs, P) of random signs, as a share of them; see sign_flip_p."""
    num_pairs, num_seeds = differences.shape
    assert num_seeds > 0, "no seeds, no test"
    num_as_large = np.zeros(num_pairs, np.int64)
    num_signs = 0
    for signs in _exact_signs(num_seeds) if num_seeds <= MOST_EXACT_SEEDS else _random_signs(num_seeds):
        num_as_large += count(signs @ differences.T).sum(axis=0)
        num_signs += len(signs)
    if num_seeds <= MOST_EXACT_SEEDS:
        return num_as_large / num_signs
    return (num_as_large + 1) / (num_signs + 1)


def _exact_signs(num_seeds: int) -> list[np.ndarray]:
    """Half of all signs, the first one always plus: the other half gives the same sums with the other sign."""
    codes = np.arange(2 ** (num_seeds - 1))
    parts = np.array_split(codes, max(1, len(codes) // SIGNS_AT_ONCE))
    return [1.0 - 2.0 * (part[:, None] >> np.arange(num_seeds) & 1) for part in parts]


def _random_signs(num_seeds: int) -> list[np.ndarray]:
    signs = np.random.default_rng(0).integers(0, 2, (NUM_RANDOM_SIGNS, num_seeds)) * 2.0 - 1.0
    return np.array_split(signs, NUM_RANDOM_SIGNS // SIGNS_AT_ONCE)


def mcnemar_p(num_only_first: np.ndarray, num_only_second: np.ndarray) -> np.ndarray:
    """Exact two-sided p of McNemar's test, elementwise, from how many items only one of the two runs got right."""
    from scipy.special import bdtr  # the binomial's distribution function; scipy.stats would take a second to import

    fewer = np.minimum(num_only_first, num_only_second).astype(np.float64)
    num_discordant = np.asarray(num_only_first) + np.asarray(num_only_second)
    p_values: np.ndarray = np.where(num_discordant > 0, np.minimum(1.0, 2 * bdtr(fewer, num_discordant, 0.5)), 1.0)
    return p_values


def only_first_right(right: np.ndarray) -> np.ndarray:
    """int64 (A, A): items that the row's contender got right and the column's did not, from bool (A, N)."""
    ones = right.astype(np.float32)  # whole numbers below 2**24 are exact
    counts: np.ndarray = (ones @ (1 - ones).T).round().astype(np.int64)
    return counts


class Superiority(NamedTuple):
    """P(A > B): how often A beats B when both are trained with a new seed; ties count half."""

    probability: float
    low: float
    high: float


def superiority(differences: np.ndarray, confidence: float = 0.95) -> Superiority:
    """P(first > second) from the differences (S,) of paired seeds, with Wilson's interval.

    Not the bootstrap: where all S seeds agree it can only say "1 to 1", and with six to ten seeds its ends are steps of
    a few shares; Wilson's interval keeps near its promise from a handful of trials on.  Ties make it slightly too wide.
    """
    wins = float(np.sum(np.sign(differences) / 2 + 0.5))
    low, high = wilson_interval(wins, len(differences), confidence)
    return Superiority(wins / len(differences), low, high)
