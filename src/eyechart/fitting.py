"""From a job to a trained contender: what a run and a tuning trial have in common.

dataset -> splits -> model -> fit -> answers on validation.  Nothing in this file opens the test part.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from torch import nn

from eyechart import host, planning, seeding, storage
from eyechart.clock import Clock, device_synchronise
from eyechart.contracts import Dataset, Images, LabelledImages, Progress, Splits, StartingWeights
from eyechart.data import augment, batches, boxes, catalog, splits
from eyechart.errors import Interrupted, RunFailed
from eyechart.evaluation import cost, metrics
from eyechart.evaluation.predict import Predictions, predict
from eyechart.models import catalog as architectures
from eyechart.schema import Host, Job, Plan, Preprocessing, Scores
from eyechart.training import feeds, loop
from eyechart.training.execution import Computation
from eyechart.weights.resolve import starting_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.contracts import ContenderModel, Reporter
    from eyechart.schema import ExecutionMode

EVALUATION_BATCH = 256  # images judged at once
TOOLS = feeds.Tools(batches.epoch_order, batches.to_floats, augment.augment, boxes.ink_boxes)


@dataclass
class Contender:
    """A model that stands ready, with everything that was decided on the way there."""

    job: Job
    dataset: Dataset
    splits: Splits
    starting: StartingWeights
    preprocessing: Preprocessing
    model: nn.Module
    device: torch.device
    validation: Predictions | None = None  # of the last look at the validation part

    @property
    def judge(self) -> ContenderModel:
        return cast("ContenderModel", self.model)

    def computation(self, model: nn.Module, mode: ExecutionMode = "eager") -> Computation:
        """How this contender, or a copy of it, computes its loss."""
        return Computation(model, self.device, self.job.rules.precision, mode)

    def make_feed(self, model: nn.Module, plan: Plan, computation: Computation | None = None) -> feeds.Feed:
        """The batches of this contender, for itself or for a copy of it."""
        recipe, seed, part = self.job.recipe, self.job.seed, self.splits.train
        computation = computation or self.computation(model)
        if recipe.cache_frozen and recipe.frozen_stages:
            folder = Path(self.job.folder)
            return feeds.CachedFeed(model, part, recipe, plan, seed, self.device, TOOLS, folder, computation)
        return feeds.ImageFeed(model, part, recipe, plan, seed, self.device, TOOLS, computation)


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
    return Trained(contender, plan, fit, clock, facts, matmul)


# --------------------------------------------------------------------------------------------- before the start


def _sayer(run: str, report: Reporter, stop_signal: Callable[[], int | None]) -> Callable[[str], None]:
    """Passes on what is said while a run is prepared, and stops it there when that is wished."""

    def say(sentence: str) -> None:
        report(Progress(run, "preparing", note=sentence))
        number = stop_signal()
        if number is not None:
            raise Interrupted(f"Stopped while {run} was prepared; pictures that are prepared already stay.", number)

    return say


def prepare(job: Job, device: torch.device, say: Callable[[str], None]) -> Contender:
    """Everything up to a model that stands on the device, seeded, with its starting weights."""
    host.set_threads(job.rules.num_threads)
    host.set_precision(job.rules.precision, device)
    seeding.make_deterministic()
    dataset = catalog.load_dataset(job.rules.dataset, img_size=job.rules.img_size, offline=job.offline, say=say)
    parts = splits.split(dataset, job.rules, job.seed)
    starting = starting_weights(job.recipe.contender, job.recipe.weights, offline=job.offline, say=say)
    preprocessing = architectures.plan_preprocessing(
        job.recipe, dataset.card, parts.pixel_mean, parts.pixel_std, starting
    )
    seeding.seed_everything(job.seed, "initialisation")
    model = architectures.build_model(job.recipe, preprocessing, dataset.card.num_classes)
    architectures.load_starting_tensors(model, job.recipe, starting.tensors)
    model.to(memory_format=torch.channels_last).to(device)
    return Contender(job, dataset, parts, starting, preprocessing, model, device)


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
    return loop.Validation(scores.loss, scores.accuracy, _objective(contender, part))


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
    """The answers on a part; a diverged model has none, which counts as a uniform guess for every image."""
    if not diverged:
        return predict_images(contender, part.images)
    num_classes = contender.dataset.card.num_classes
    return Predictions(np.full((len(part), num_classes), 1 / num_classes, dtype=np.float32))


def judge_validation(contender: Contender, diverged: bool) -> tuple[Predictions, Scores]:
    """What the model says of the validation part after its last step, and how good that is."""
    # The last look came after the last step; a diverged run's looks are worth nothing.
    found = None if diverged else contender.validation
    part = contender.splits.validation
    predictions = found or judge(contender, part, diverged)
    return predictions, metrics.score(part.labels, predictions.probabilities)


def dtype_of(job: Job) -> torch.dtype:
    """What matrix products are computed in."""
    return torch.bfloat16 if job.rules.precision == "bfloat16" else torch.float32
