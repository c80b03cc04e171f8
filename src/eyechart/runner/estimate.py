"""What a study would take, measured for a moment on this machine and before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eyechart.base import host
from eyechart.runner import contender as contenders
from eyechart.runner import planning
from eyechart.training.budget import budget_of, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eyechart.schema import Job


class Estimate(NamedTuple):
    """One run to come."""

    run: str
    contender: str
    weights: str
    num_steps: int
    images_seen: int
    training_seconds: float
    num_parameters: int
    disk_bytes: int  # of what stays of it alone
    items_bytes: int  # of the test images, which the runs of a study share
    checkpoint_bytes: int  # of one of the three that there may be at a moment while it trains


def estimate(jobs: Iterable[Job], *, say: Callable[[str], None], is_brief: bool = False) -> list[Estimate]:
    """Estimates for every job, in their order; contenders are timed once, seeds share the figure.

    `is_brief`: for a second each, also where the budget would allow more.
    """
    timed: dict[str, Estimate] = {}
    estimates = []
    for job in jobs:
        if job.contender not in timed:
            say(f"timing {job.contender}")
            timed[job.contender] = _estimate(job, say, is_brief)
        estimates.append(timed[job.contender]._replace(run=job.run))
    return estimates


def _estimate(job: Job, say: Callable[[str], None], is_brief: bool) -> Estimate:
    contender = contenders.prepare(job, host.select_device(job.rules.device), say)
    budget = budget_of(job.recipe, job.rules)
    seconds = planning.MOMENT_SECONDS if is_brief or budget.unit != "seconds" else budget.amount
    pace = planning.calibrate(contender, seconds)
    plan = make_plan(job.recipe, job.rules, len(contender.splits.train), pace)
    num_parameters = sum(parameter.numel() for parameter in contender.model.parameters())
    num_trainable = sum(p.numel() for p in contender.model.parameters() if p.requires_grad)
    num_moments = 2 if job.recipe.optimizer == "adamw" else 1
    card, num_test = contender.card, contender.splits.card.num_test
    num_validation = len(contender.splits.validation)
    image_bytes = card.num_channels * card.height * card.width
    return Estimate(
        run=job.run,
        contender=job.contender,
        weights=contender.starting.origin.name,
        num_steps=plan.num_steps,
        images_seen=plan.images_seen,
        training_seconds=plan.num_steps * pace.step_seconds + plan.num_cached_images * pace.cache_seconds,
        num_parameters=num_parameters,
        disk_bytes=4 * num_parameters
        + 4 * (num_test + num_validation) * card.num_classes
        + num_validation * image_bytes,  # seeds validate on other images
        items_bytes=num_test * image_bytes,
        checkpoint_bytes=4 * (num_parameters + num_moments * num_trainable),
    )
