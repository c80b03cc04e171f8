"""May one look after every seed and stop?  The sign-flip test of at most N seeds, made valid at any time (rule 13).

The plan is the plain test of N paired seeds.  After n of them its rejection is certain, or impossible, or neither; only
the first two end it.  Which it is needs no model of the seeds to come: p never grows where a difference grows (for each
pattern of signs, "as large a sum as what was seen" means that the differences which it turns sum to 0 or less).  So the
worst future is the one in which every further seed goes as far against the leader as it can, and the best one is its
mirror image.  "As far as it can" needs an end: differences count up to the largest of the first FEWEST_SEEDS, before
which nobody looks.  That cap depends on magnitudes alone, which the test's turning of signs leaves as they are.

Whoever stops at the first p < alpha thus rejects only where the test of N seeds would have, whatever had followed: the
chance of that is at most alpha, for every rule of stopping.  Holm's p of several pairs likewise.

Source: Koning and van Meer 2025, "Anytime validity is free: inducing sequential tests" (arXiv 2501.03982).  Their
sequential test after n observations is the least conditional probability, over the null hypothesis, with which the test
of N will reject.  It reaches 1 exactly where the worst future rejects.
"""

from __future__ import annotations

import numpy as np

from eyechart.comparison import paired
from eyechart.comparison.power import ALPHA, FEWEST_SEEDS, LEAST_SUPERIORITY


def capped(differences: np.ndarray) -> np.ndarray:
    """Differences (P, S) cut to the largest magnitude of each pair's first FEWEST_SEEDS."""
    caps = _caps(differences)
    return differences.clip(-caps, caps)


def anytime_p(differences: np.ndarray, most_seeds: int) -> np.ndarray:
    """Two-sided p (P,) from differences (P, S) in the order of their seeds: the largest that any future leaves.

    From `most_seeds` differences on it is the plain sign-flip p of the capped ones; below FEWEST_SEEDS it is 1.
    """
    if differences.shape[1] < FEWEST_SEEDS:
        return np.ones(len(differences))
    return _two_sided(differences, most_seeds, -1)


def least_p(differences: np.ndarray, most_seeds: int) -> np.ndarray:
    """Two-sided p (P,): the smallest that any future leaves."""
    if differences.shape[1] < FEWEST_SEEDS:
        return np.zeros(len(differences))
    return _two_sided(differences, most_seeds, 1)


def equivalence_p(differences: np.ndarray, margin: float, most_seeds: int, future: int = -1) -> np.ndarray:
    """p (P,) of "the difference is not within -+ margin": the larger one of two one-sided sign-flip tests.

    `future` -1: the largest that any future leaves; 1: no future leaves a smaller one.
    """
    if differences.shape[1] < FEWEST_SEEDS:
        return np.full(len(differences), 1.0 if future < 0 else 0.0)
    sides = (margin - differences, margin + differences)  # above 0, were the difference within
    below, above = (paired.lead_p(_with_future(each, most_seeds, future)) / 2 for each in sides)
    larger: np.ndarray = np.maximum(below, above)
    return larger


def is_open(differences: np.ndarray, margin: float, most_seeds: int) -> np.ndarray:
    """bool (P,): some future could still make a pair better or equivalent."""
    left = most_seeds - differences.shape[1]
    if left <= 0:
        return np.zeros(len(differences), bool)
    won = (np.sign(differences) / 2 + 0.5).sum(axis=1)
    most_won = np.maximum(won, differences.shape[1] - won) + left
    could_lead = (least_p(differences, most_seeds) < ALPHA) & (most_won >= LEAST_SUPERIORITY * most_seeds)
    could_be_equal = equivalence_p(differences, margin, most_seeds, future=1) < ALPHA
    found: np.ndarray = could_lead | could_be_equal
    return found


def _two_sided(differences: np.ndarray, most_seeds: int, direction: int) -> np.ndarray:
    """p (P,) of whichever side leads, were every seed to come at its cap for it (1) or against it (-1)."""
    lead, trail = (paired.lead_p(_with_future(each, most_seeds, direction)) for each in (differences, -differences))
    return np.minimum(lead, trail).clip(max=1.0)  # type: ignore[no-any-return]


def _caps(differences: np.ndarray) -> np.ndarray:
    caps: np.ndarray = np.abs(differences[:, :FEWEST_SEEDS]).max(axis=1, keepdims=True)
    return caps


def _with_future(differences: np.ndarray, most_seeds: int, direction: int) -> np.ndarray:
    """(P, N): the capped differences, and each seed to come at its cap in that direction."""
    left = max(0, most_seeds - differences.shape[1])
    return np.hstack([capped(differences), np.repeat(direction * _caps(differences), left, axis=1)])
