"""What tuning gained: the validation accuracy to expect of the best of n trials, for every n.

Source: Dodge et al. 2019, "Show Your Work", section 3.  Their estimate draws trials with replacement, which is biased;
drawing without replacement is not (Tang et al. 2020, "Showing Your Work Doesn't Always Work").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

BAND = (0.05, 0.95)  # quantiles of the best of n


class ExpectedBest(NamedTuple):
    """The best accuracy among n trials, over all ways to draw these n from the trials that were made."""

    num_trials: int
    mean: float
    sd: float
    low: float  # one draw in twenty is below
    high: float  # one in twenty is above


def expected_best(accuracies: Sequence[float]) -> list[ExpectedBest]:
    """For n = 1 ... N; the last one is the best of all, which only one draw can give: its spread of 0 is no certainty.

    Failed trials belong in with the accuracy of a guess.
    """
    return [_of(num_drawn, sorted(accuracies)) for num_drawn in range(1, len(accuracies) + 1)]


def _of(num_drawn: int, ordered: list[float]) -> ExpectedBest:
    shares = _shares(num_drawn, len(ordered))
    mean = sum(share * value for share, value in zip(shares, ordered, strict=True))
    variance = sum(share * (value - mean) ** 2 for share, value in zip(shares, ordered, strict=True))
    low, high = (_quantile(shares, ordered, level) for level in BAND)
    return ExpectedBest(num_drawn, mean, variance**0.5, low, high)


def _shares(num_drawn: int, num_all: int) -> list[float]:
    """Of all draws, the share whose best is the smallest, the second smallest, ..., the largest value.

    That is C(below, num_drawn - 1) / C(num_all, num_drawn) with `below` smaller values, from the largest downwards.
    """
    shares, share = [], num_drawn / num_all
    for below in reversed(range(num_all)):
        shares.append(share)
        share *= max(0, below - num_drawn + 1) / max(1, below)
    return shares[::-1]


def _quantile(shares: list[float], ordered: list[float], level: float) -> float:
    reached = 0.0
    for share, value in zip(shares, ordered, strict=True):
        reached += share
        if reached >= level - 1e-12:
            return value
    return ordered[-1]
