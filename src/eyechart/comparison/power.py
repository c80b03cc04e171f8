"""What a study can show: the smallest difference, and what would be needed for one that was seen and not shown.

The difference d between two contenders varies with the seed (s), with the test items (which ones happen to be in the
test set), and with both (a seed has its own wrong answers).  More seeds lessen the first and the last; only more items
lessen the second.  All of it is a plan for a next study, not a result: "about".

Sources: Guenther 1981 (sample size of the t-test); Searle, Casella and McCulloch 1992, chapter 4 (parts of variance).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eyechart.comparison.paired import mean_difference

ALPHA = 0.05
POWER = 0.8
FEWEST_SEEDS = 6  # fewer can never reach p < .05 in an exact paired test (rule 4)
MOST_SEEDS = 1000  # more is as good as never
LEAST_SUPERIORITY = 0.75  # P(A > B) of a "better" (rule 9)
ROOM = 0.8  # P(A > B) to plan for, so that the share that is seen reaches LEAST_SUPERIORITY


class Parts(NamedTuple):
    """Variance of the difference of one item and one seed, for all pairs: float64 (A, A) each."""

    item: np.ndarray  # of items, whatever the seed
    both: np.ndarray  # of a seed's own answers to an item


class Split(NamedTuple):
    """Variance of the mean difference of a pair, by what would have to be drawn anew."""

    seeds: float
    items: float
    both: float


class Needs(NamedTuple):
    seeds: int | None = None
    items: float | None = None  # where more seeds cannot help


def fewest_seeds(alpha: float = ALPHA) -> int:
    """The fewest seeds with which a sign-flip test can reach p < alpha: its smallest p is 2 / 2**S."""
    return math.floor(1 - math.log2(alpha)) + 1


def variance_parts(values: np.ndarray) -> Parts:
    """Of the differences between all pairs, from values (A, S, N) with two seeds or more.

    Two Gram matrices instead of a pass over the items for every pair; parts below 0 by chance are 0.
    """
    num_contenders, num_seeds, num_items = values.shape
    centred = values - values.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    of_items = _squared_distances(centred.mean(axis=1)) / num_items  # of the means over seeds
    of_all = _squared_distances(centred.reshape(num_contenders, -1)) / (num_items * num_seeds)
    of_seeds = _squared_distances(centred.mean(axis=2)) / num_seeds
    both = (of_all - of_items - of_seeds) * num_seeds / (num_seeds - 1)
    both = np.maximum(both, 0.0)
    return Parts(np.maximum(of_items - both / num_seeds, 0.0), both)


def split_variance(differences: np.ndarray, num_items: int, item: float, both: float) -> Split:
    """Of the mean of these paired differences (S,), each over `num_items`; `item` and `both` are the pair's Parts.

    Two-way random effects: the differences' own variance over seeds is that of seeds and, at 1 / num_items, of both.
    A part below 0 by chance is 0.
    """
    num_seeds = len(differences)
    of_seeds = float(np.var(differences, ddof=1)) - both / num_items
    return Split(max(0.0, of_seeds) / num_seeds, item / num_items, both / (num_seeds * num_items))


def smallest_effect(variance: float, num_seeds: int, item: float = 0.0, alpha: float = ALPHA) -> float | None:
    """The difference that `num_seeds` paired seeds show with power .8, "better" by all of rule 9; None: they show none.

    variance: of the difference over seeds; item: what test images add to the variance of the mean, whatever the seeds.
    """
    if num_seeds < fewest_seeds(alpha) or variance + item <= 0:
        return None

    def needs_more(mean: float) -> bool:
        return num_seeds < max(
            _seeds_for_test(mean, variance, alpha),
            _seeds_for_interval(mean, variance, item),
            _seeds_for_superiority(mean, variance),
        )

    low, high = 0.0, math.sqrt(variance + item)
    while needs_more(high):
        high *= 2
        if high > 1e6 * math.sqrt(variance + item):  # so few seeds that the test's own bound is never met
            return None
    for _ in range(40):  # every need falls in the mean
        middle = (low + high) / 2
        low, high = (middle, high) if needs_more(middle) else (low, middle)
    return high


def _squared_distances(rows: np.ndarray) -> np.ndarray:
    products = rows @ rows.T
    squares = np.diag(products)
    distances: np.ndarray = squares[:, None] + squares[None, :] - 2 * products
    return distances


def needed(
    differences: np.ndarray, num_items: int, item: float = 0.0, both: float = 0.0, alpha: float = ALPHA
) -> Needs:
    """What would show, with power .8, a difference like that of these paired seeds (S,); two seeds or more.

    `item` and `both` are the pair's Parts; `alpha` is what Holm leaves to this pair.  Empty where nothing would show
    it, or where there is no difference.
    """
    mean, variance = abs(mean_difference(differences)), float(np.var(differences, ddof=1))
    if mean == 0:
        return Needs()
    num_seeds = max(
        len(differences) + 1,  # as many as there are did not show it
        fewest_seeds(alpha),
        _seeds_for_test(mean, variance, alpha),
        _seeds_for_interval(mean, variance, item / num_items),
        _seeds_for_superiority(mean, variance),
    )
    if num_seeds <= MOST_SEEDS:
        return Needs(seeds=math.ceil(num_seeds))
    items = max(_items_for_interval(mean, item), _items_for_superiority(mean, variance, both, num_items))
    return Needs(items=items) if num_items < items < math.inf else Needs()


def _quantile(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))


def _seeds_for_test(mean: float, variance: float, alpha: float) -> float:
    """Guenther's n for a paired t-test, which the permutation test is as strong as."""
    beyond = _quantile(1 - alpha / 2)
    return (beyond + _quantile(POWER)) ** 2 * variance / mean**2 + beyond**2 / 2


def _seeds_for_interval(mean: float, variance: float, item_variance: float) -> float:
    """For a 95 % interval without 0: the part of the items stays, however many seeds there are."""
    allowed = (mean / (_quantile(0.975) + _quantile(POWER))) ** 2 - item_variance
    return variance / allowed if allowed > 0 else math.inf


def _seeds_for_superiority(mean: float, variance: float) -> float:
    """For a share of won seeds of LEAST_SUPERIORITY."""
    from scipy.special import ndtr

    won = float(ndtr(mean / math.sqrt(variance))) if variance > 0 else 1.0
    if won <= LEAST_SUPERIORITY:
        return math.inf
    return _quantile(POWER) ** 2 * won * (1 - won) / (won - LEAST_SUPERIORITY) ** 2


def _items_for_interval(mean: float, item: float) -> float:
    return item * ((_quantile(0.975) + _quantile(POWER)) / mean) ** 2


def _items_for_superiority(mean: float, variance: float, both: float, num_items: int) -> float:
    """More items make seeds agree more, down to what training itself varies."""
    of_training = max(0.0, variance - both / num_items)
    allowed = (mean / _quantile(ROOM)) ** 2 - of_training
    return both / allowed if allowed > 0 else math.inf
