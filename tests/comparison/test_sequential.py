"""Looking after every seed: equal to the test of N, at most 5 % for every rule of stopping; all signs are tried."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from eyechart.comparison import paired, sequential
from eyechart.comparison.families import holm

EIGHT = (
    (1.0,) * 8,
    (5.0, 3.0, 8.0, 1.0, 2.0, 9.0, 4.0, 7.0),
    tuple(2.0**power for power in range(8)),  # each larger than all before: the past counts for nothing
    tuple(2.0**-power for power in range(8)),
    (0.0, 0.0, 1.0, 1.0, 0.0, 2.0, 1.0, 3.0),
)


def all_signs(magnitudes: tuple[float, ...]) -> np.ndarray:
    """(2**S, S): under the null hypothesis, each row is as likely as any other."""
    return np.array(list(itertools.product((1.0, -1.0), repeat=len(magnitudes)))) * magnitudes


def p_on_the_way(differences: np.ndarray, most_seeds: int) -> np.ndarray:
    """(looks, P): what is seen after each seed."""
    return np.array([sequential.anytime_p(differences[:, :n], most_seeds) for n in range(1, most_seeds + 1)])


@pytest.mark.parametrize("magnitudes", EIGHT)
def test_after_all_seeds_it_is_the_plain_test(magnitudes: tuple[float, ...]) -> None:
    differences = all_signs(magnitudes)
    at_the_end = sequential.anytime_p(differences, 8)
    assert at_the_end == pytest.approx(paired.sign_flip_p(sequential.capped(differences)), abs=1e-12)
    if max(magnitudes) == max(magnitudes[:6]):  # nothing is cut
        assert at_the_end == pytest.approx(paired.sign_flip_p(differences), abs=1e-12)


@pytest.mark.parametrize("magnitudes", EIGHT)
@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5])
def test_every_rule_of_stopping_keeps_the_level(magnitudes: tuple[float, ...], alpha: float) -> None:
    """The rule that rejects most is the one that stops at the first p < alpha; it rejects what the plain test does."""
    seen = p_on_the_way(all_signs(magnitudes), 8)
    ever, at_the_end = (seen < alpha).any(axis=0), seen[-1] < alpha
    assert np.array_equal(ever, at_the_end)
    assert ever.mean() <= alpha
    assert (np.diff(seen, axis=0) <= 1e-12).all(), "no future leaves a larger one than was told"


def test_some_studies_do_stop_early() -> None:
    seen = p_on_the_way(np.ones((1, 12)), 12)[:, 0]
    assert int(np.argmax(seen < 0.05)) + 1 == 10, "ten wins of twelve are enough, whatever the last two say"
    assert seen[9] == pytest.approx(paired.sign_flip_p(np.array([[1.0] * 10 + [-1.0] * 2]))[0])


def test_plain_p_values_that_are_looked_at_do_not_keep_the_level() -> None:
    """What the whole of this is for."""
    differences = np.random.default_rng(6).normal(0, 1, (2000, 15))
    ever = np.any([paired.sign_flip_p(differences[:, :n]) < 0.05 for n in range(6, 16)], axis=0)
    assert ever.mean() > 0.1


@pytest.mark.parametrize("num_seeds", [6, 7])
def test_no_future_leaves_more_than_the_worst_or_less_than_the_best(num_seeds: int) -> None:
    random = np.random.default_rng(num_seeds)
    differences = random.normal(0.8, 1, (40, num_seeds))
    worst, best = sequential.anytime_p(differences, 9), sequential.least_p(differences, 9)
    assert (best <= worst).all()
    for _ in range(30):
        future = random.normal(0, 2, (40, 9 - num_seeds))  # some beyond the cap
        final = sequential.anytime_p(np.hstack([differences, future]), 9)
        assert (final <= worst + 1e-12).all()
        assert (final >= best - 1e-12).all()


def test_sampled_signs_keep_the_order_too() -> None:
    """Beyond 16 seeds signs are drawn, the same ones at every look."""
    differences = np.random.default_rng(3).normal(0.7, 1, (20, 20))
    seen = np.array([sequential.anytime_p(differences[:, :n], 20) for n in (12, 16, 18, 20)])
    assert (np.diff(seen, axis=0) <= 1e-12).all()
    assert seen[-1] == pytest.approx(paired.sign_flip_p(sequential.capped(differences)), abs=2e-3)


def test_a_against_a_looked_at_after_every_seed_holds_its_five_percent() -> None:
    """2,000 families of three pairs that are alike, heavy tails and all, stopped as early as Holm's p allows."""
    random = np.random.default_rng(5)
    scores = random.standard_t(3, (2000, 3, 10)) * 0.001
    pairs = np.concatenate([scores[:, a] - scores[:, b] for a, b in ((0, 1), (0, 2), (1, 2))])  # (3 * 2000, 10)
    flagged = np.zeros(2000, bool)
    for num_seeds in range(6, 11):
        p_values = sequential.anytime_p(pairs[:, :num_seeds], 10).reshape(3, 2000)
        flagged |= (holm(p_values) < 0.05).any(axis=0)
    assert flagged.mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 2000)


def test_equivalence_is_two_one_sided_tests() -> None:
    near, far = np.full((1, 8), 0.0002), np.full((1, 8), 0.0009)
    assert sequential.equivalence_p(near, 0.001, 8)[0] == pytest.approx(1 / 256)
    assert sequential.equivalence_p(far, 0.0005, 8)[0] == 1.0
    assert sequential.equivalence_p(near[:, :5], 0.001, 8)[0] == 1.0, "nobody looks before six"
    edge = all_signs((0.001,) * 8) + 0.001  # centred on the margin itself
    seen = np.array([sequential.equivalence_p(edge[:, :n], 0.001, 8) for n in range(6, 9)])
    assert (seen < 0.05).any(axis=0).mean() <= 0.05


def test_what_no_future_can_decide_is_given_up() -> None:
    """A 'better' needs three of four seeds, so that four lost of twelve, for either side, end it."""
    torn = np.array([[1.0, -1.0] * 4])
    assert not sequential.is_open(torn, 0.01, 12)[0]
    assert sequential.is_open(torn[:, :6], 0.01, 12)[0], "three lost: nine of twelve are still to be had"
    assert sequential.is_open(torn * 0.001, 0.01, 12)[0], "it may turn out equivalent"
    assert not sequential.is_open(torn, 0.01, 8)[0], "nothing is left"
    leading = np.array([[1.0, 1.1, 0.9, 1.2, 0.8, 1.0, 1.3, -0.1]])  # alone below .05, and not after Holm
    assert sequential.is_open(leading, 0.01, 12)[0]
    assert not sequential.is_open(leading, 0.01, 8)[0], "nothing is left, whatever its own p"
