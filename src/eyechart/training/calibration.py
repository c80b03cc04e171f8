"""How fast a contender trains here, measured for a moment on a copy that is thrown away."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

import torch
from torch import nn

from eyechart.schema import Budget, Plan, Recipe
from eyechart.training.budget import Pace
from eyechart.training.feeds import FILL_BATCH
from eyechart.training.optimizers import build_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.training.feeds import Feed

WARMUP_STEPS = 3  # the first steps allocate, and choose kernels
CALIBRATION_SHARE = 0.05  # of the budget's seconds
LEAST_SECONDS, MOST_SECONDS = 0.3, 3.0


def calibrate(
    model: nn.Module,
    make_feed: Callable[[nn.Module, Plan], Feed],
    recipe: Recipe,
    num_train_images: int,
    budget_seconds: float,
    synchronise: Callable[[], None],
) -> Pace:
    """Seconds of a training step, and of caching one image where frozen stages are cached."""
    copied = copy.deepcopy(model)
    batch_size = min(recipe.batch_size, num_train_images)
    num_cached = min(num_train_images, max(batch_size, 2 * FILL_BATCH)) if recipe.cache_frozen else 0
    plan = Plan(
        num_steps=1,
        batch_size=batch_size,
        num_train_images=num_train_images,
        num_cached_images=num_cached,
        budget=Budget(unit="steps", amount=1),
        evaluation_steps=(),
    )
    feed = make_feed(copied, plan)
    feed.prepare(lambda share: None)
    cache_seconds = 0.0
    if num_cached:
        cache_seconds = _seconds(lambda: feed.prepare(lambda share: None), synchronise) / num_cached
    device = next(copied.parameters()).device
    optimizer = build_optimizer(copied, recipe, [], device)
    target = min(MOST_SECONDS, max(LEAST_SECONDS, CALIBRATION_SHARE * budget_seconds))
    return Pace(_step_seconds(copied, feed, optimizer, target, synchronise), cache_seconds)


def _step_seconds(
    model: nn.Module, feed: Feed, optimizer: torch.optim.Optimizer, target: float, synchronise: Callable[[], None]
) -> float:
    """Mean time of a step over about `target` seconds, after warming up."""
    model.train()
    for group in optimizer.param_groups:
        group["lr"] = 1e-6  # the copy's weights must stay finite, or its arithmetic takes another time

    def one(step: int) -> None:
        loss = feed.loss(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    for step in range(WARMUP_STEPS):
        one(step)
    synchronise()
    started, steps = time.perf_counter(), 0
    while not steps or time.perf_counter() - started < target:
        one(WARMUP_STEPS + steps)
        steps += 1
        synchronise()
    return (time.perf_counter() - started) / steps


def _seconds(action: Callable[[], None], synchronise: Callable[[], None]) -> float:
    synchronise()
    started = time.perf_counter()
    action()
    synchronise()
    return time.perf_counter() - started
