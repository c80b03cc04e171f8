"""How much of a training step is loops over the images of a batch: both ways timed in turns, on this machine."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.catalog import ladder
from eyechart.catalog.recipes import recipe_of
from eyechart.schema.ladder import LoopPace
from eyechart.study.plan import jobs_of, plan_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema import RunJob, StudyRecord

LOOP_STEPS = 100  # timed of each kind; a step in loops takes half a second
WARM_UP_STEPS = 2


def loop_pace(like: StudyRecord, offline: bool, num_steps: int = LOOP_STEPS) -> LoopPace:
    """Time the tutorial's network as it is written and without its loops, on the images of a study of the ladder."""
    with tempfile.TemporaryDirectory() as folder:
        steps = [_step_of(job) for job in _jobs(like, offline, Path(folder))]
        for step in steps:
            for number in range(WARM_UP_STEPS):
                step(number)
        seconds: list[list[float]] = [[], []]
        for number in range(num_steps):  # in turns: what else the machine does falls on both
            for measured, step in zip(seconds, steps, strict=True):
                started = time.process_time()
                step(number)
                measured.append(time.process_time() - started)
    looped, whole = (statistics.median(measured) for measured in seconds)
    return LoopPace(num_steps=num_steps, loop_seconds=looped, vector_seconds=whole)


def _jobs(like: StudyRecord, offline: bool, folder: Path) -> list[RunJob]:
    """With loops, and without; the rules are those of the study, but that one thread of a CPU does the work.

    In float32 where the study rounds as only CUDA does.
    """
    names = ladder.TUTORIAL, f"{ladder.TUTORIAL}:{ladder.VECTORISED}:{ladder.ALONE}"
    precision = "float32" if like.rules.precision == "tf32" else like.rules.precision
    record = plan_study(names, like.rules.dataset, seeds=like.seeds[:1], name="pace").model_copy(
        update={
            "rules": like.rules.model_copy(update={"device": "cpu", "precision": precision, "num_threads": 1}),
            "recipes": {name: recipe_of(name) for name in names},
            "machine": like.machine,
        }
    )
    return sorted(jobs_of(record, folder, offline), key=lambda job: names.index(job.contender))


def _step_of(job: RunJob) -> Callable[[int], None]:
    """One optimizer step of a contender that stands ready, as its training does it."""
    from eyechart.base import host
    from eyechart.runner.contender import prepare
    from eyechart.training.budget import make_plan
    from eyechart.training.optimizers import build_optimizer
    from eyechart.training.step import Step

    device = host.select_device(job.rules.device)
    contender = prepare(job, device, lambda sentence: None)
    plan = make_plan(job.recipe, job.rules, len(contender.splits.train), None)
    feed = contender.make_feed(contender.model, plan)
    feed.prepare(lambda share: None)
    step = Step(feed, build_optimizer(contender.model, job.recipe, [], device), job.recipe.clip_norm)
    contender.model.train()

    def once(number: int) -> None:
        float(step(number, job.recipe.learning_rate))  # waits for the device

    return once
