"""The learning rate for every step: a function of the plan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eyechart.schema import Recipe, Stretch

if TYPE_CHECKING:
    from collections.abc import Sequence


def learning_rates(recipe: Recipe, num_steps: int, stretches: Sequence[Stretch] = ()) -> list[float]:
    """Warm up linearly from 0 to the peak, then fall to 0 (linear or cosine) exactly at the last step, or stay there.

    With `stretches`, each goes on where the one before it stood and walks the rest of the same curve in its own steps.
    Source: Smith & Topin 2018 ("super-convergence") for the shape; Loshchilov & Hutter 2017 for the cosine.
    """
    stretches = stretches or (Stretch(first_step=0, num_steps=num_steps),)
    whole = stretches[0].num_steps
    return [_rate(recipe, position, whole) for position in _positions(num_steps, stretches)]


def schedule_shares(num_steps: int, stretches: Sequence[Stretch] = ()) -> list[float]:
    """How much of the schedule lies before each step, 0 for the first."""
    stretches = stretches or (Stretch(first_step=0, num_steps=num_steps),)
    return [position / stretches[0].num_steps for position in _positions(num_steps, stretches)]


def _rate(recipe: Recipe, position: float, num_steps: int) -> float:
    """The rate at a place of the curve, 0 for its first step to `num_steps` - 1 for its last."""
    warmup_steps = max(1, round(recipe.warmup_fraction * num_steps))
    if position < warmup_steps:
        share = min(1.0, (position + 1) / warmup_steps)
    elif recipe.schedule == "constant":
        share = 1.0
    else:
        progress = (position + 1 - warmup_steps) / max(1, num_steps - warmup_steps + 1)
        share = 1 - progress if recipe.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return recipe.learning_rate * share


def _positions(num_steps: int, stretches: Sequence[Stretch]) -> list[float]:
    """Where on the curve of the first stretch each step stands."""
    whole, position = stretches[0].num_steps, 0.0
    ends = [*(stretch.first_step for stretch in stretches[1:]), num_steps]
    positions = []
    for stretch, end in zip(stretches, ends, strict=True):
        pace = (whole - position) / max(1, stretch.num_steps - stretch.first_step)
        positions += [position + pace * step for step in range(end - stretch.first_step)]
        position += pace * (end - stretch.first_step)
    return positions
