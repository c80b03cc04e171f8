"""Many contenders: is there any difference at all, and which pairs survive having asked so many questions?

Sources: Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets" (Friedman first, then pairs);
Cochran 1950 (Q); Holm 1979.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class OmnibusTest(NamedTuple):
    statistic: float
    p_value: float


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values (P,) adjusted for their number, in the order given: the family's chance of one false alarm stays alpha.

    Of an array (P, S) every column is a family of its own.
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, axis=0, kind="stable")
    multipliers = np.arange(len(values), 0, -1).reshape(-1, *[1] * (values.ndim - 1))
    steps = np.take_along_axis(values, order, axis=0) * multipliers
    adjusted = np.empty_like(values)
    np.put_along_axis(adjusted, order, np.minimum(1.0, np.maximum.accumulate(steps, axis=0)), axis=0)
    return adjusted


def friedman(scores: np.ndarray) -> OmnibusTest:
    """Friedman's test of "all contenders are alike", from scores (A, S) that are ranked within each seed; A > 2.

    Chi-squared with A - 1 degrees of freedom, which is rough below some ten seeds.  p is 1 where every score is tied.
    """
    from scipy.stats import friedmanchisquare

    assert len(scores) > 2, "two contenders are a pair, which has tests of its own"
    if np.all(scores == scores[:1]):
        return OmnibusTest(0.0, 1.0)
    found = friedmanchisquare(*scores)
    return OmnibusTest(float(found.statistic), float(found.pvalue))


def cochran(right: np.ndarray) -> OmnibusTest:
    """Cochran's Q, the test of "all contenders are right equally often", for one run each: bool (A, N)."""
    from scipy.special import chdtrc

    num_contenders = len(right)
    per_contender = right.sum(axis=1, dtype=np.int64)  # (A,)
    per_item = right.sum(axis=0, dtype=np.int64)  # (N,)
    total = int(per_contender.sum())
    below = num_contenders * total - int(np.sum(per_item**2))
    if below == 0:  # every image is answered alike by all
        return OmnibusTest(0.0, 1.0)
    above = (num_contenders - 1) * (num_contenders * int(np.sum(per_contender**2)) - total**2)
    return OmnibusTest(above / below, float(chdtrc(num_contenders - 1, above / below)))
