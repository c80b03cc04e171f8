"""One run from beginning to end: the only place where data, models, training and evaluation meet.

dataset -> splits -> model -> fit (never sees test) -> predict (opens test once) -> scores, cost -> files
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from torch import nn

from eyechart import host, planning, saved, seeding, storage
from eyechart.clock import Clock, device_synchronise
from eyechart.contracts import Dataset, Images, LabelledImages, Progress, Splits, StartingWeights
from eyechart.data import augment, batches, boxes, catalog, splits
from eyechart.errors import Interrupted, RunFailed
from eyechart.evaluation import cost, detection, metrics
from eyechart.evaluation.predict import Predictions, predict
from eyechart.models import catalog as architectures
from eyechart.schema import Clocks, Cost, DetectionScores, Job, Plan, Preprocessing, RunRecord
from eyechart.training import feeds, loop
from eyechart.training.execution import Computation
from eyechart.weights.resolve import starting_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.contracts import ContenderModel, Reporter
    from eyechart.schema import ExecutionMode

EVALUATION_BATCH = 256  # images judged at once
SHARED_FIELDS = {"study", "run", "contender", "seed", "recipe", "rules", "command"}  # of a job and its record
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


def run_contender(
    job: Job, report: Reporter, stop_signal: Callable[[], int | None], seconds_before: float = 0.0
) -> RunRecord:
    """Train and judge one contender with one seed, and leave its folder complete.

    `seconds_before` were spent by this process on starting up; they belong to the preparation clock.
    Raises an EyechartError; what was saved by then continues when the same job is run again.
    """
    started_at = _now()
    device = host.select_device(job.rules.device)
    clock = Clock(device_synchronise(device))
    clock.restore({"preparation": seconds_before})
    with clock.section("preparation"):
        report(Progress(job.run, "preparing"))
        facts = host.host_facts(device, job.rules.num_threads)
        contender = prepare(job, device, _sayer(job.run, report, stop_signal))
        plan = planning.plan_run(contender, report)
        feed = contender.make_feed(contender.model, plan, planning.ready_computation(contender, plan))
        matmul = cost.matmul_flops_per_second(device, _dtype_of(job))
    fit = _fit(contender, plan, feed, clock, report, stop_signal)
    fit()
    with clock.section("evaluation"):
        report(Progress(job.run, "judging", plan.num_steps, plan.num_steps))
        judged = _judge_test(contender, fit.diverged)
    with clock.section("preparation"):
        measured = _measure_cost(contender, plan, clock, matmul)
    record = RunRecord(
        **job.model_dump(include=SHARED_FIELDS),
        status="diverged" if fit.diverged else "finished",
        plan=plan,
        dataset=contender.dataset.card,
        splits=contender.splits.card,
        weights=contender.starting.origin,
        preprocessing=contender.preprocessing,
        history=tuple(fit.history),
        clocks=_clocks(clock, fit),
        cost=measured,
        host=facts,
        test_accesses=contender.splits.test.num_accesses,
        weights_sha256=saved.weights_digest(contender.model),
        started_at=started_at,
        finished_at=_now(),
        **judged.fields,
    )
    _write_run(Path(job.folder), record, contender.model, judged)
    report(Progress(job.run, "finished", plan.num_steps, plan.num_steps, None, record.validation.accuracy))
    return record


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
        contender.validation = _predict(contender, part.images)
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


# --------------------------------------------------------------------------------------------- judging


def _predict(contender: Contender, images: Images) -> Predictions:
    return predict(contender.judge, images, device=contender.device, batch_size=EVALUATION_BATCH)


def _judge(contender: Contender, part: LabelledImages, diverged: bool) -> Predictions:
    """The answers on a part; a diverged model has none, which counts as a uniform guess for every image."""
    if not diverged:
        return _predict(contender, part.images)
    num_classes = contender.dataset.card.num_classes
    return Predictions(np.full((len(part), num_classes), 1 / num_classes, dtype=np.float32))


class Judged(NamedTuple):
    """What test and validation gave: predictions, and the fields of the run record that follow from them."""

    predictions: Predictions  # on the test part
    validation: Predictions
    fields: dict[str, Any]


def _judge_test(contender: Contender, diverged: bool) -> Judged:
    """Open the test part, once, and score what the model says of it; and of the validation part."""
    test = contender.splits.test.open()
    predictions = _judge(contender, test, diverged)
    # The last look came after the last step; a diverged run's looks are worth nothing.
    validation = None if diverged else contender.validation
    part = contender.splits.validation
    if validation is None:
        validation = _judge(contender, part, diverged)
    return Judged(
        predictions,
        validation,
        {
            "test": metrics.score(test.labels, predictions.probabilities),
            "validation": metrics.score(part.labels, validation.probabilities),
            "detection": _score_boxes(contender, predictions, test),
            "predictions_sha256": storage.digest_arrays(predictions.arrays()),
            "items": _write_items(Path(contender.job.folder).parent, test),
            "validation_items": _write_items(Path(contender.job.folder).parent, contender.splits.validation),
        },
    )


def _true_boxes(part: LabelledImages) -> np.ndarray:
    """The box around the ink of every image, float32 (N, 1, 4)."""
    found = [boxes.ink_boxes(batches.to_floats(torch.from_numpy(images))) for images in part.chunks(EVALUATION_BATCH)]
    return torch.cat(found)[:, None].numpy()


def _score_boxes(contender: Contender, predictions: Predictions, test: LabelledImages) -> DetectionScores | None:
    if predictions.boxes is None:
        return None
    card = contender.dataset.card
    return detection.score_boxes(
        predictions, _true_boxes(test), test.labels[:, None], height=card.height, width=card.width
    )


def _dtype_of(job: Job) -> torch.dtype:
    """What matrix products are computed in."""
    return torch.bfloat16 if job.rules.precision == "bfloat16" else torch.float32


def _measure_cost(contender: Contender, plan: Plan, clock: Clock, earlier_matmul: float) -> Cost:
    sample = contender.splits.validation
    size = min(plan.batch_size, len(sample))
    batch = feeds.as_batch(contender.model, sample.images[:size], sample.labels[:size], contender.device, TOOLS)
    images_seen = plan.num_steps * plan.batch_size
    flops = None
    if plan.num_cached_images:
        flops = cost.count_flops_with_kept_stages(contender.judge, batch, plan.num_cached_images / images_seen)
    return cost.measure_cost(
        contender.judge,
        sample,
        contender.device,
        EVALUATION_BATCH,
        training_images_per_second=images_seen / max(clock.seconds("training"), 1e-9),
        example_batch=batch,
        training_flops_override=flops,
        dtype=_dtype_of(contender.job),
        earlier_matmul=earlier_matmul,
    )


# --------------------------------------------------------------------------------------------- files


def _write_items(folder: Path, part: LabelledImages) -> str:
    """The images and labels of a part, once for all runs that share it; the name of the file."""
    arrays = {"images": part.images, "labels": part.labels}
    name = f"items-{storage.digest_arrays(arrays)[:12]}.npz"
    if not (folder / name).exists():
        storage.write_arrays(folder / name, arrays | {"true_boxes": _true_boxes(part)})
    return name


def _write_run(folder: Path, record: RunRecord, model: nn.Module, judged: Judged) -> None:
    """All files of a run; run.json last, because its presence says that the others are there."""
    storage.write_arrays(folder / storage.PREDICTIONS_FILE, judged.predictions.arrays())
    storage.write_arrays(folder / storage.VALIDATION_FILE, {"probabilities": judged.validation.probabilities})
    saved.save_weights(folder / storage.WEIGHTS_FILE, model, record)
    storage.write_record(folder / storage.RUN_FILE, record)
    for leftover in (storage.CHECKPOINT_FILE, storage.FAILURE_FILE, feeds.SPILL_FILE):
        (folder / leftover).unlink(missing_ok=True)


def _clocks(clock: Clock, fit: loop.Fit) -> Clocks:
    seconds = clock.all_seconds()
    return Clocks(
        preparation_seconds=seconds.get("preparation", 0.0),
        training_seconds=seconds.get("training", 0.0),
        evaluation_seconds=seconds.get("evaluation", 0.0),
        checkpoint_seconds=seconds.get("checkpoint", 0.0),
        total_seconds=sum(seconds.values()),
        training_cpu_seconds=clock.cpu_seconds("training"),
        training_foreign_cpu_seconds=clock.known_foreign_seconds("training"),
        segments=tuple(fit.segments),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
