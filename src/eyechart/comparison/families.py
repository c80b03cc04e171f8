"""Many contenders: is there any difference at all, and which pairs survive having asked so many questions?

Sources: Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets" (Friedman first, then pairs);
Cochran 1950 (Q); Holm 1979.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, in the order given: the family's chance of one false alarm stays at alpha."""
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * (len(values) - np.arange(len(values)))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(value) for value in adjusted]


def friedman_p(scores: np.ndarray) -> float:
    """p of "all contenders are alike", from scores (A, S) that are ranked within each seed; ties share their rank.

    Chi-squared with A - 1 degrees of freedom, which is rough below some ten seeds.  1 where every score is tied.
    """
    from scipy.special import chdtrc
    from scipy.stats import rankdata

    num_contenders, num_seeds = scores.shape
    assert num_contenders > 2, "two contenders are a pair, which has tests of its own"
    ranks = rankdata(scores, axis=0)  # (A, S)
    tied = sum(_tied(ranks[:, seed]) for seed in range(num_seeds))
    correction = 1 - tied / (num_contenders * (num_contenders**2 - 1) * num_seeds)
    if correction == 0:
        return 1.0
    spread = float(np.sum(ranks.sum(axis=1) ** 2))
    raw = 12 / (num_seeds * num_contenders * (num_contenders + 1)) * spread - 3 * num_seeds * (num_contenders + 1)
    return float(chdtrc(num_contenders - 1, raw / correction))


def cochran_p(right: np.ndarray) -> float:
    """p of "all contenders are right equally often", for one run each: bool (A, N); Cochran's Q."""
    from scipy.special import chdtrc

    num_contenders = len(right)
    per_contender = right.sum(axis=1, dtype=np.int64)  # (A,)
    per_item = right.sum(axis=0, dtype=np.int64)  # (N,)
    total = int(per_contender.sum())
    below = num_contenders * total - int(np.sum(per_item**2))
    if below == 0:  # every image is answered alike by all
        return 1.0
    above = (num_contenders - 1) * (num_contenders * int(np.sum(per_contender**2)) - total**2)
    return float(chdtrc(num_contenders - 1, above / below))


def _tied(ranks: np.ndarray) -> int:
    """Sum of t**3 - t over groups of t equal ranks."""
    _, counts = np.unique(ranks, return_counts=True)
    return int(np.sum(counts**3 - counts))
