"""The learning rate for every step, computed before the first one."""

from __future__ import annotations

import math

from eyechart.schema import Recipe


def learning_rates(recipe: Recipe, num_steps: int) -> list[float]:
    """Warm up linearly from 0 to the peak, then fall to 0 (linear or cosine) exactly at the last step.

    Source: Smith & Topin 2018 ("super-convergence") for the shape; Loshchilov & Hutter 2017 for the cosine.
    """
    warmup_steps = max(1, round(recipe.warmup_fraction * num_steps))
    rates = []
    for step in range(num_steps):
        if step < warmup_steps:
            share = (step + 1) / warmup_steps
        else:
            progress = (step + 1 - warmup_steps) / max(1, num_steps - warmup_steps + 1)
            share = 1 - progress if recipe.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
        rates.append(recipe.learning_rate * share)
    return rates
