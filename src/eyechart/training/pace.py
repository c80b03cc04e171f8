"""How fast a contender trains here, measured for a moment on a copy that is thrown away."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from eyechart.schema import Budget, Plan, Recipe
from eyechart.training.budget import Pace
from eyechart.training.feeds import FILL_BATCH
from eyechart.training.optimizers import build_optimizer
from eyechart.training.step import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from eyechart.training.feeds import Feed

WARMUP_STEPS = 3  # the first steps allocate, and choose kernels
RATE = 1e-6  # the copy's weights must stay finite, or its arithmetic takes another time
CALIBRATION_SHARE = 0.05  # of the budget's seconds
LEAST_SECONDS, MOST_SECONDS = 0.3, 3.0
STEPS_AT_ONCE = 10  # on an accelerator, which works behind the program's back: waiting after each would be slower


def calibrate(
    model: nn.Module,
    make_feed: Callable[[nn.Module, Plan], Feed],
    recipe: Recipe,
    num_train_images: int,
    budget_seconds: float,
    synchronise: Callable[[], None],
    warmup_steps: int = WARMUP_STEPS,
) -> Pace:
    """Seconds of a training step, and of caching one image where frozen stages are cached."""
    copied = copy.deepcopy(model)
    plan = brief_plan(recipe, num_train_images)
    feed = make_feed(copied, plan)
    feed.prepare(lambda share: None)
    cache_seconds = 0.0
    if plan.num_cached_images:
        cache_seconds = _seconds(lambda: feed.prepare(lambda share: None), synchronise) / plan.num_cached_images
    device = next(copied.parameters()).device
    one = Step(feed, build_optimizer(copied, recipe, [], device), recipe.clip_norm)
    copied.train()
    losses: list[float] = []
    preparing = _seconds(lambda: losses.extend(float(one(step, RATE)) for step in range(warmup_steps)), synchronise)
    target = min(MOST_SECONDS, max(LEAST_SECONDS, CALIBRATION_SHARE * budget_seconds))
    chunk = 1 if device.type == "cpu" else STEPS_AT_ONCE
    return Pace(_step_seconds(one, warmup_steps, target, chunk, synchronise), cache_seconds, preparing, losses[0])


def brief_plan(recipe: Recipe, num_train_images: int) -> Plan:
    """A plan for trying steps out: the batches of the real one, and few cached images."""
    batch_size = min(recipe.batch_size, num_train_images)
    num_cached = min(num_train_images, max(batch_size, 2 * FILL_BATCH)) if recipe.cache_frozen else 0
    return Plan(
        num_steps=1,
        batch_size=batch_size,
        num_train_images=num_train_images,
        num_cached_images=num_cached,
        budget=Budget(unit="steps", amount=1),
        evaluation_steps=(),
    )


def _step_seconds(one: Step, first_step: int, target: float, chunk: int, synchronise: Callable[[], None]) -> float:
    """Mean time of a step over about `target` seconds, waiting for the device after every `chunk` of them."""
    started, steps = time.perf_counter(), 0
    while not steps or time.perf_counter() - started < target:
        for _ in range(chunk):
            one(first_step + steps, RATE)
            steps += 1
        synchronise()
    return (time.perf_counter() - started) / steps


def _seconds(action: Callable[[], object], synchronise: Callable[[], None]) -> float:
    synchronise()
    started = time.perf_counter()
    action()
    synchronise()
    return time.perf_counter() - started
