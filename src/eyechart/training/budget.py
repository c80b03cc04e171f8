"""From a budget to a number of steps, before the start, so that schedules are whole and runs can be repeated.

Epochs and images are divided by the batch size.  Seconds are divided by the time of a step, which a short calibration
measures on a copy of the model that is thrown away; the training then corrects it by its own pace (pacing.py).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from eyechart.schema import Budget, Plan, Recipe, Rules
from eyechart.training.pacing import PACING_SHARES

EARLY_LOOKS = 3


class Pace(NamedTuple):
    """What the calibration measured, in seconds."""

    step_seconds: float  # one training step
    cache_seconds: float = 0.0  # running the frozen stages on one image; 0 when nothing is cached
    preparing_seconds: float = 0.0  # the first steps, which compile where there is something to compile
    first_loss: float = math.nan  # of the very first batch


def budget_of(recipe: Recipe, rules: Rules) -> Budget:
    """The rules' budget, or the recipe's full schedule where the rules leave it to the recipe."""
    return rules.budget or Budget(unit="epochs", amount=recipe.epochs)


def make_plan(recipe: Recipe, rules: Rules, num_train_images: int, pace: Pace | None) -> Plan:
    """Fix the schedule.  `pace` is needed for a budget in seconds only."""
    budget = budget_of(recipe, rules)
    batch_size = min(recipe.batch_size, num_train_images)
    num_cached = 0
    if budget.unit == "seconds":
        assert pace is not None, "a budget in seconds needs a calibration"
        num_cached = _cached_images(budget.amount, recipe, batch_size, num_train_images, pace)
        num_steps = (budget.amount - num_cached * pace.cache_seconds) / pace.step_seconds
    elif budget.unit == "steps":
        num_steps = budget.amount
    elif budget.unit == "images":
        num_steps = budget.amount / batch_size
    else:
        num_steps = budget.amount * (num_train_images // batch_size)
    num_steps = max(1, round(num_steps))
    if recipe.cache_frozen and not num_cached:
        num_cached = min(num_train_images, num_steps * batch_size)
    return Plan(
        num_steps=num_steps,
        batch_size=batch_size,
        num_train_images=num_train_images,
        num_cached_images=num_cached,
        budget=budget,
        step_seconds=pace.step_seconds if pace else None,
        evaluation_steps=evaluation_steps(num_steps, rules.num_evaluations),
        pacing_shares=PACING_SHARES if budget.unit == "seconds" else (),
    )


def evaluation_steps(num_steps: int, num_evaluations: int) -> tuple[int, ...]:
    """Evenly spaced, the last one after the last step; and EARLY_LOOKS before the first, each half as late.

    Most of the accuracy comes early: without these, "time to 97 %" would be the time of the first look for everybody.
    A single one asks how it ends, not how it went there: no early ones then.
    """
    if num_evaluations == 1:
        return (num_steps,)
    shares = [(i + 1) / num_evaluations for i in range(num_evaluations)]
    shares += [shares[0] / 2 ** (i + 1) for i in range(EARLY_LOOKS)]
    return tuple(sorted({mark for mark in (round(num_steps * share) for share in shares) if mark > 0}))


def _cached_images(seconds: float, recipe: Recipe, batch_size: int, num_images: int, pace: Pace) -> int:
    """How many images to cache, so that filling the cache and `cache_passes` over it just fit the seconds."""
    if not recipe.cache_frozen:
        return 0
    image_seconds = pace.cache_seconds + recipe.cache_passes * pace.step_seconds / batch_size
    return max(batch_size, min(num_images, int(seconds / image_seconds)))
