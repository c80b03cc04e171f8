"""How many seeds or images: against hand-made cases, known parts of variance, and a simulation of what is promised."""

from __future__ import annotations

import numpy as np
import pytest

from eyechart.comparison import paired, power


def test_fewest_seeds_is_what_the_sign_flip_test_can_reach() -> None:
    assert power.fewest_seeds() == 6
    assert power.fewest_seeds(0.05 / 10) == 9, "ten pairs of five contenders"
    for num_pairs in (1, 3, 10, 45, 1225):
        num_seeds = power.fewest_seeds(0.05 / num_pairs)
        assert 2.0 ** (1 - num_seeds) * num_pairs < 0.05 <= 2.0 ** (2 - num_seeds) * num_pairs


def test_parts_of_variance_are_found_again() -> None:
    random = np.random.default_rng(0)
    num_seeds, num_items = 10, 4000
    items = random.normal(0, [[1.0], [1.0], [2.0]], (3, num_items))
    values = items[:, None] + random.normal(0, 3.0, (3, num_seeds, num_items)) + random.normal(0, 5, (3, num_seeds, 1))
    parts = power.variance_parts(values.astype(np.float32))
    assert parts.item[0, 1] == pytest.approx(2.0, rel=0.1)
    assert parts.item[0, 2] == pytest.approx(5.0, rel=0.1)
    assert parts.both[1, 2] == pytest.approx(18.0, rel=0.1)
    assert parts.item[1, 1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("effect", "num_pairs"), [(0.9, 1), (1.1, 1), (1.1, 10)])
def test_as_many_seeds_as_needed_show_it_in_four_of_five_studies(effect: float, num_pairs: int) -> None:
    """`effect` in standard deviations of the paired difference; shown: p < .05 after Holm, and P(A > B) >= .75."""
    alpha = 0.05 / num_pairs
    seen = effect + np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]) / np.sqrt(6 / 5)  # sd 1
    num_seeds = power.needed(seen, 10_000, alpha=alpha).seeds
    assert num_seeds is not None
    studies = np.random.default_rng(1).normal(effect, 1.0, (600, num_seeds))
    is_shown = (paired.sign_flip_p(studies) < alpha) & ((studies > 0).mean(axis=1) >= 0.75)
    assert np.mean(is_shown) == pytest.approx(0.8, abs=0.08)


def test_never_fewer_than_the_test_can_use_nor_than_there_are() -> None:
    clear = np.array([1.0, 1.01, 0.99, 1.0, 1.02, 0.98])
    assert power.needed(clear, 10_000, alpha=0.05 / 10).seeds == 9
    assert power.needed(np.tile(clear, 2), 10_000).seeds == 13


def test_where_more_seeds_cannot_help_images_can() -> None:
    """The items' own part is more than the difference: its interval holds 0 however many seeds there are."""
    differences = np.array([2.0, 2.1, 1.9, 2.0, 2.2, 1.8]) / 1000
    needs = power.needed(differences, 1000, item=0.01, both=0.0)
    assert needs.seeds is None
    # 2.8016 = z(.975) + z(.8): an interval excludes 0 with power .8 from (2.8016 / .002)^2 * .01 items on
    assert needs.items == pytest.approx((2.80159 / 0.002) ** 2 * 0.01, rel=1e-4)
    assert power.needed(differences, 1_000_000, item=0.01).seeds is not None


def test_what_seeds_agree_on_too_seldom_can_never_be_better() -> None:
    """P(A > B) below .75 is no "better", however many seeds; what training itself varies, no image changes."""
    torn = np.array([1.0, -1.0, 1.2, -0.9, 0.1, 0.3])
    assert power.needed(torn, 10_000) == power.Needs()
    assert power.needed(np.array([1.0, -1.0]), 10_000) == power.Needs(), "no difference was seen"


def test_parts_of_variance_of_a_study_are_found_again() -> None:
    """Two-way random effects: seeds, items and both, drawn with known variances; the mean of 60 studies."""
    random = np.random.default_rng(7)
    num_seeds, num_items, found = 10, 400, []
    for _ in range(60):
        of_pair = (
            random.normal(0, 0.05, (num_seeds, 1)) + random.normal(0, 0.4, num_items)
            + random.normal(0, 0.8, (num_seeds, num_items))
        )  # fmt: skip
        parts = power.variance_parts(np.stack([of_pair, np.zeros_like(of_pair)]))
        split = power.split_variance(of_pair.mean(axis=1), num_items, parts.item[0, 1], parts.both[0, 1])
        found.append((split.seeds * num_seeds, split.items * num_items, split.both * num_seeds * num_items))
    assert np.mean(found, axis=0) == pytest.approx([0.05**2, 0.4**2, 0.8**2], rel=0.1)


@pytest.mark.parametrize(("num_seeds", "alpha"), [(8, 0.05), (12, 0.05), (12, 0.005)])
def test_the_smallest_effect_is_shown_in_four_of_five_studies(num_seeds: int, alpha: float) -> None:
    effect = power.smallest_effect(1.0, num_seeds, alpha=alpha)
    assert effect is not None
    studies = np.random.default_rng(2).normal(effect, 1.0, (1000, num_seeds))
    is_shown = (paired.sign_flip_p(studies) < alpha) & ((studies > 0).mean(axis=1) >= 0.75)
    assert np.mean(is_shown) == pytest.approx(0.8, abs=0.06)


def test_smallest_effects_say_what_more_seeds_cannot_mend() -> None:
    with_items = [power.smallest_effect(1.0, num_seeds, item=0.5) or 0.0 for num_seeds in (10, 40, 900)]
    assert with_items[0] > with_items[1] > with_items[2] > 2.8 * np.sqrt(0.5)
    assert power.smallest_effect(1.0, 5) is None, "five seeds show nothing"
    assert power.smallest_effect(0.0, 10) is None, "no variance was seen"
    assert power.smallest_effect(4.0, 10) == pytest.approx(2 * (power.smallest_effect(1.0, 10) or 0.0), rel=1e-6)
