"""Budgets become steps."""

from __future__ import annotations

import pytest

from eyechart.catalog.presets import rules_of
from eyechart.catalog.recipes import RECIPES
from eyechart.schema import Budget, Plan
from eyechart.training.budget import Pace, evaluation_steps, make_plan


def plan(unit: str, amount: float, pace: Pace | None = None, num_images: int = 1000, **fields: object) -> Plan:
    recipe = RECIPES["cnn"].model_copy(update={"batch_size": 100, **fields})
    rules = rules_of("quick", "mnist", budget=Budget(unit=unit, amount=amount))  # type: ignore[arg-type]
    return make_plan(recipe, rules, num_images, pace)


def test_every_unit() -> None:
    assert plan("steps", 7).num_steps == 7
    assert plan("images", 2500).num_steps == 25
    assert plan("epochs", 1.5).num_steps == 15
    assert plan("seconds", 60, Pace(step_seconds=0.25)).num_steps == 240


def test_the_standard_preset_leaves_the_schedule_to_the_recipe() -> None:
    recipe = RECIPES["vit"].model_copy(update={"batch_size": 100, "epochs": 3})
    assert make_plan(recipe, rules_of("standard", "mnist"), 1050, None).num_steps == 30, (
        "what does not fill a batch is out"
    )


def test_a_batch_is_never_larger_than_the_train_part() -> None:
    small = plan("epochs", 3, num_images=40)
    assert (small.batch_size, small.num_steps) == (40, 3)


def test_seconds_cover_filling_the_cache() -> None:
    pace = Pace(step_seconds=0.1, cache_seconds=0.01)
    cached = plan("seconds", 20, pace, num_images=100_000, cache_frozen=True, cache_passes=4)
    # an image costs .01 s to cache and 4 x .1/100 s to train: 20 s are 1,428 images
    assert cached.num_cached_images == 1428
    assert cached.num_steps == pytest.approx((20 - 14.28) / 0.1, abs=1)
    everything = plan("seconds", 100, pace, num_images=1000, cache_frozen=True)
    assert everything.num_cached_images == 1000
    assert everything.num_steps == 900


def test_evaluations_are_even_and_end_at_the_end() -> None:
    assert evaluation_steps(800, 4) == (25, 50, 100, 200, 400, 600, 800)
    assert evaluation_steps(2, 5) == (1, 2)
    assert evaluation_steps(1, 3) == (1,)
    assert evaluation_steps(800, 1) == (800,), "the end alone"
