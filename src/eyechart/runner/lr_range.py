"""The learning-rate range test: what the training loss says to rates that grow from step to step.

From low to high in equal ratios, one batch each, until the loss has blown up; scoring/lr_range.py says how the curve is
read.  Training images alone are seen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base import host
from eyechart.base.errors import RunFailed
from eyechart.models import catalog as architectures
from eyechart.runner.contender import prepare
from eyechart.scoring.lr_range import LEAST_SHARE, LrRange
from eyechart.training.optimizers import build_optimizer
from eyechart.training.pace import brief_plan
from eyechart.training.step import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema import Job

LOWEST, HIGHEST, NUM_STEPS = 1e-6, 10.0, 100
SMOOTHING = 0.9  # of the running mean by which a curve is ended, of the step before
WIDTH = 0.03  # of all steps: standard deviation of the window by which a curve is read
FEWEST = 2  # losses that make a curve
BLOWN_UP = 4.0  # times the lowest smoothed loss: what follows teaches nothing more


def range_test(
    job: Job,
    say: Callable[[str], None],
    *,
    low: float = LOWEST,
    high: float = HIGHEST,
    num_steps: int = NUM_STEPS,
) -> LrRange:
    """Train the contender of `job` for a moment at growing rates; nothing of it is kept.

    Raises an EyechartError when data or weights cannot be had.
    """
    contender = prepare(job, host.select_device(job.rules.device), say)
    plan = brief_plan(job.recipe, len(contender.splits.train))
    if plan.num_cached_images:  # as many different images as the steps see
        wanted = min(plan.num_train_images, num_steps * plan.batch_size)
        plan = plan.model_copy(update={"num_cached_images": max(plan.num_cached_images, wanted)})
    feed = contender.make_feed(contender.model, plan)
    feed.prepare(lambda share: None)
    trunk = architectures.trunk_stages(contender.model, job.recipe) if contender.starting.tensors else []
    one = Step(feed, build_optimizer(contender.model, job.recipe, trunk, contender.device), job.recipe.clip_norm)
    contender.model.train()
    rates = [low * (high / low) ** (step / (num_steps - 1)) for step in range(num_steps)]
    losses, smoothed, blew_up = _walked(rates, lambda step, rate: float(one(step, rate)))
    seen = len(losses)
    return LrRange(job.contender, rates[:seen], losses, smoothed, blew_up, job.recipe.learning_rate)


def _walked(rates: list[float], loss_at: Callable[[int, float], float]) -> tuple[list[float], list[float], bool]:
    """Losses, the same smoothed, and whether they blew up before the last rate.

    A running mean lags behind, so the curve that is read is smoothed from both sides, by a window that is the same
    share of the axis whatever the number of steps.
    """
    losses: list[float] = []
    mean, lowest, blew_up = 0.0, math.inf, False
    for step, rate in enumerate(rates):
        loss = loss_at(step, rate)
        if not math.isfinite(loss):
            blew_up = True
            break
        losses.append(loss)
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        running = mean / (1 - SMOOTHING ** (step + 1))
        lowest = min(lowest, running)
        if step > LEAST_SHARE * len(rates) and running > BLOWN_UP * lowest:
            blew_up = True
            break
    if len(losses) < FEWEST:
        raise RunFailed(
            f"The loss was no number after {len(losses)} steps, at a rate of {rates[len(losses)]:.2g}: there is no "
            f"curve. Look at the starting weights and the images."
        )
    return losses, _smoothed(losses, WIDTH * len(rates)), blew_up


def _smoothed(losses: list[float], width: float) -> list[float]:
    places = np.arange(len(losses))
    weights = np.exp(-0.5 * ((places[:, None] - places) / max(width, 0.5)) ** 2)
    smoothed: list[float] = (weights @ np.array(losses) / weights.sum(axis=1)).tolist()
    return smoothed
