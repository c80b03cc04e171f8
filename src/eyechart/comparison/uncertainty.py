"""How sure a number is: intervals for one run (over its test images) and for several (over their seeds).

Sources: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927;
Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", Statistical Science 2001 (why Wilson's);
Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data",
Journal of Educational and Behavioral Statistics 2012.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def wilson_interval(num_right: float, num_items: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval (low, high) of the share `num_right` / `num_items`, in 0..1; (0, 1) when there are no items.

    It says how far the share could be off on other images of the same kind, for this one trained model.  What counts
    half (a tie) may make `num_right` a fraction.
    """
    assert 0 <= num_right <= num_items, f"{num_right} right of {num_items}"
    if num_items == 0:
        return 0.0, 1.0
    z = _two_sided_normal_quantile(confidence)
    share = num_right / num_items
    centre = (share + z**2 / (2 * num_items)) / (1 + z**2 / num_items)
    half = z / (1 + z**2 / num_items) * math.sqrt(share * (1 - share) / num_items + z**2 / (4 * num_items**2))
    # At the ends the formula is exact but for rounding, which must not leave the true share outside.
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def paired_interval(
    num_only_first: int, num_only_second: int, num_items: int, confidence: float = 0.95
) -> tuple[float, float]:
    """The interval (low, high) of the first's share right less the second's, both asked about the same items.

    One item is added to each way of differing, so that two that never differed on N items are not called the same for
    certain: then it is about 2.8 / N wide to either side.
    """
    assert 0 <= num_only_first + num_only_second <= num_items, "items that only one of two got right"
    first, second = (num_only_first + 1) / (num_items + 2), (num_only_second + 1) / (num_items + 2)
    half = _two_sided_normal_quantile(confidence) * math.sqrt(
        (first + second - (first - second) ** 2) / (num_items + 2)
    )
    difference = first - second
    return max(-1.0, difference - half), min(1.0, difference + half)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Student's t-interval (low, high) of the mean of two or more seeds; it says how much training runs vary."""
    from scipy.special import stdtrit  # Student's quantile; scipy.stats would take a second to import

    assert len(values) > 1, "one value has no spread"
    mean = statistics.fmean(values)
    quantile = float(stdtrit(len(values) - 1, (1 + confidence) / 2))
    half = quantile * statistics.stdev(values) / math.sqrt(len(values))
    return mean - half, mean + half


def _two_sided_normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    assert 0 < confidence < 1, f"confidence {confidence}"
    return float(ndtri((1 + confidence) / 2))
