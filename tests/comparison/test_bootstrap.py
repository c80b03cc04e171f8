"""The two-level bootstrap: against brute force, against theory, and whether its intervals keep their promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eyechart.comparison import bootstrap


def test_items_drawn_anew_move_means_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(0, [[1.0], [3.0]], (2, 400)).astype(np.float32)
    values[1] += 0.5 * values[0]
    deviations = bootstrap.item_deviations(values)
    assert deviations.shape == (10_000, 2)
    expected = np.cov(values, bias=True) / 400
    assert np.cov(deviations.T) == pytest.approx(expected, rel=0.05)
    assert np.abs(deviations.mean(axis=0)).max() < 0.005


def test_the_same_draws_for_all() -> None:
    """Two runs with the same answers never differ, whatever is drawn."""
    values = np.random.default_rng(0).random((1, 300)).astype(np.float32)
    deviations = bootstrap.item_deviations(np.concatenate([values, values + 1]), 500)
    assert np.ptp(deviations[:, 0] - deviations[:, 1]) < 1e-6
    assert (bootstrap.item_deviations(values, 500)[:, 0] == bootstrap.item_deviations(values, 500)[:, 0]).all()


def test_draws_are_those_of_a_loop() -> None:
    """The matrix product is what picking items one by one gives."""
    values = np.random.default_rng(0).random((3, 50)).astype(np.float32)
    random = np.random.default_rng(bootstrap.SEED)
    brute = np.array([values[:, random.integers(50, size=50, dtype=np.uint16)].mean(axis=1) for _ in range(20)])
    assert bootstrap.item_deviations(values, 20) + values.mean(axis=1) == pytest.approx(brute, abs=1e-6)


def test_seed_shares_are_draws_with_replacement() -> None:
    shares = bootstrap.seed_shares(8)
    assert shares.sum(axis=1) == pytest.approx(np.ones(10_000), abs=1e-6)
    assert shares.var(axis=0) * 64 == pytest.approx(np.full(8, 7 / 8), rel=0.1), "multinomial counts"


def test_tails_make_the_interval_of_normal_seeds_students() -> None:
    differences = np.random.default_rng(0).normal(0.5, 1, 30)
    means = (bootstrap.seed_shares(30, 50_000) @ differences)[None]
    low, high = bootstrap.percentile_ends(means, [bootstrap.tail(0.95, 30)])[:, 0]
    expected = stats.t.interval(0.95, 29, differences.mean(), stats.sem(differences))
    assert (low, high) == pytest.approx(expected, abs=0.05)
    assert bootstrap.tail(0.95, 1) == pytest.approx(0.025)


@pytest.mark.parametrize(("num_seeds", "seed_sd", "item_sd"), [(6, 1.0, 0.0), (10, 1.0, 0.3), (10, 0.1, 1.0)])
def test_intervals_cover(num_seeds: int, seed_sd: float, item_sd: float) -> None:
    """Differences with a seed's part, an item's part and both: 95 % intervals hold the truth in 93 % of 400 or more."""
    num_items, num_studies, covered = 80, 400, 0
    random = np.random.default_rng(5)
    shares = bootstrap.seed_shares(num_seeds, 2000)
    counts = np.stack(
        [np.bincount(random.integers(num_items, size=num_items), minlength=num_items) for _ in range(2000)]
    )
    for _ in range(num_studies):
        values = (
            seed_sd * random.normal(size=(num_seeds, 1))
            + item_sd * 9 * random.normal(size=num_items)  # of the size of the seeds' part in the mean of 80 items
            + random.normal(size=(num_seeds, num_items))
        )  # fmt: skip
        means = (shares * (counts @ values.T / num_items)).sum(axis=1)[None]
        low, high = bootstrap.percentile_ends(means, [bootstrap.tail(0.95, num_seeds)])[:, 0]
        covered += low <= 0 <= high
    assert covered / num_studies >= 0.93


def test_a_lead_that_no_draw_takes_away_is_as_sure_as_its_distance() -> None:
    random = np.random.default_rng(0)
    near, far = (distance + random.normal(size=1000) for distance in (2.0, 12.0))
    assert bootstrap.gone_p(near, 1000) == pytest.approx(2 * np.mean(near <= 0))
    assert bootstrap.gone_p(far, 1000) < 1e-6, "2 of 1,000 draws are not the end"
    assert bootstrap.gone_p(far, 3) > bootstrap.gone_p(far, 1000), "few items have Student's tails"
    assert bootstrap.gone_p(np.ones(1000), 1) == 2 / 1000, "one item says nothing of others"
    assert bootstrap.gone_p(-far, 1000) == 1
