"""From a job to a trained contender: what a run and a tuning trial have in common.

dataset -> splits -> model -> fit -> answers on validation.  Nothing in this file opens the test part.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from eyechart import host, planning, seeding, storage
from eyechart.clock import Clock, device_synchronise
from eyechart.contender import TOOLS, Contender, prepare
from eyechart.contracts import Images, LabelledImages, Progress
from eyechart.errors import Interrupted, RunFailed
from eyechart.evaluation import cost, metrics
from eyechart.evaluation.predict import Predictions, predict
from eyechart.foreign_text import shown
from eyechart.models import catalog as architectures
from eyechart.schema import Host, Job, Plan, Scores
from eyechart.training import feeds, loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.contracts import Reporter

EVALUATION_BATCH = 256  # images judged at once
GUESS_EDGE = 1e-6  # of probability, by which a guess prefers one class


class Trained(NamedTuple):
    """A contender after its last step, of a run or of a trial, before anything is judged."""

    contender: Contender
    plan: Plan
    fit: loop.Fit
    clock: Clock
    host: Host
    matmul_flops_per_second: float  # before the training


def train_contender(
    job: Job, report: Reporter, stop_signal: Callable[[], int | None], seconds_before: float
) -> Trained:
    """All that a run and a trial have in common: from a job to a trained contender, the test part still sealed."""
    device = host.select_device(job.rules.device)
    clock = Clock(device_synchronise(device))
    clock.restore({"preparation": seconds_before})
    with clock.section("preparation"):
        report(Progress(job.run, "preparing"))
        facts = host.host_facts(device, job.rules.num_threads)
        contender = prepare(job, device, _sayer(job.run, report, stop_signal))
        plan = planning.plan_run(contender, report)
        feed = contender.make_feed(contender.model, plan, planning.ready_computation(contender, plan))
        matmul = cost.matmul_flops_per_second(device, dtype_of(job))
    fit = _fit(contender, plan, feed, clock, report, stop_signal)
    fit()
    return Trained(contender, fit.plan, fit, clock, facts, matmul)


# --------------------------------------------------------------------------------------------- before the start


def _sayer(run: str, report: Reporter, stop_signal: Callable[[], int | None]) -> Callable[[str], None]:
    """Passes on what is said while a run is prepared, and stops it there when that is wished."""

    def say(sentence: str) -> None:
        report(Progress(run, "preparing", note=shown(sentence)))
        number = stop_signal()
        if number is not None:
            raise Interrupted(f"Stopped while {run} was prepared; pictures that are prepared already stay.", number)

    return say


# --------------------------------------------------------------------------------------------- training


def _fit(
    contender: Contender,
    plan: Plan,
    feed: feeds.Feed,
    clock: Clock,
    report: Reporter,
    stop_signal: Callable[[], int | None],
) -> loop.Fit:
    job = contender.job
    return loop.Fit(
        model=contender.model,
        feed=feed,
        recipe=job.recipe,
        plan=plan,
        trunk=architectures.trunk_parameters(contender.model, job.recipe) if contender.starting.tensors else [],
        device=contender.device,
        clock=clock,
        validate=lambda: _validate(contender),
        run=job.run,
        fingerprint=planning.fingerprint(contender),
        path=Path(job.folder) / storage.CHECKPOINT_FILE,
        report=report,
        stop_signal=stop_signal,
    )


def _validate(contender: Contender) -> loop.Validation:
    part = contender.splits.validation
    try:
        contender.validation = predict_images(contender, part.images)
    except RunFailed:  # no numbers any more: the loop calls the run diverged
        return loop.Validation(float("nan"), 0.0, None)
    scores = metrics.score(part.labels, contender.validation.probabilities)
    return loop.Validation(scores.raw_loss, scores.accuracy, _objective(contender, part))


def _objective(contender: Contender, part: LabelledImages) -> float | None:
    """A detector's own loss on the validation part, classes and boxes together, without augmentation."""
    if not contender.judge.needs_boxes:
        return None
    contender.model.eval()
    total = 0.0
    seeding.seed_everything(contender.job.seed, "objective")  # which regions are sampled
    with torch.no_grad():
        for start in range(0, len(part), EVALUATION_BATCH):
            chunk = slice(start, start + EVALUATION_BATCH)
            batch = feeds.as_batch(contender.model, part.images[chunk], part.labels[chunk], contender.device, TOOLS)
            total += float(contender.judge.loss(batch)) * len(batch.labels)
    return total / len(part)


# --------------------------------------------------------------------------------------------- answers


def predict_images(contender: Contender, images: Images) -> Predictions:
    return predict(contender.judge, images, device=contender.device, batch_size=EVALUATION_BATCH)


def judge(contender: Contender, part: LabelledImages, diverged: bool) -> Predictions:
    """The answers on a part; a diverged model has none, which counts as a guess for every image, and as no box."""
    if not diverged:
        return predict_images(contender, part.images)
    guess = uniform_guess(len(part), contender.dataset.card.num_classes)
    if not contender.judge.needs_boxes:
        return Predictions(guess)
    no_ids, no_boxes, no_scores = np.empty(0, np.int32), np.empty((0, 4), np.float32), np.empty(0, np.float32)
    return Predictions(guess, box_image=no_ids, boxes=no_boxes, box_scores=no_scores, box_labels=no_ids)


def uniform_guess(num_items: int, num_classes: int) -> np.ndarray:
    """float32 (N, K): 1/K for each class, by a hair more for each class in turn.

    Equal ones would all be answers of class 0, which is right as often as class 0 is frequent.
    """
    probabilities = np.full((num_items, num_classes), (1 - GUESS_EDGE) / num_classes, dtype=np.float32)
    probabilities[np.arange(num_items), np.arange(num_items) % num_classes] += GUESS_EDGE
    return probabilities


def answers_on_validation(contender: Contender, diverged: bool) -> Predictions:
    """What the model says of the validation part after its last step."""
    # The last look came after the last step; a diverged run's looks are worth nothing.
    found = None if diverged else contender.validation
    return found or judge(contender, contender.splits.validation, diverged)


def score_on_validation(contender: Contender, diverged: bool) -> Scores:
    """How good these answers are as they come."""
    answers = answers_on_validation(contender, diverged)
    return metrics.score(contender.splits.validation.labels, answers.probabilities)


def dtype_of(job: Job) -> torch.dtype:
    """What matrix products are computed in."""
    return torch.bfloat16 if job.rules.precision == "bfloat16" else torch.float32
