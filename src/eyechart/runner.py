"""One run from beginning to end.

dataset -> splits -> model -> fit (never sees test) -> predict (opens test once) -> scores, cost -> files
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from eyechart import saved, storage, temperature
from eyechart.clock import Clock
from eyechart.contender import TOOLS, Contender
from eyechart.contracts import LabelledImages, Progress
from eyechart.data import batches, boxes
from eyechart.evaluation import cost, detection, metrics
from eyechart.evaluation.predict import Predictions
from eyechart.fitting import (
    EVALUATION_BATCH,
    answers_on_validation,
    dtype_of,
    judge,
    train_contender,
)
from eyechart.schema import Clocks, Cost, DetectionScores, Job, Plan, RunRecord
from eyechart.training import feeds, loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.contracts import Reporter

# Of a job and its record.
SHARED_FIELDS = {"study", "run", "contender", "seed", "recipe", "rules", "command", "started_in"}


def run_contender(
    job: Job, report: Reporter, stop_signal: Callable[[], int | None], seconds_before: float = 0.0
) -> RunRecord:
    """Train and judge one contender with one seed, and leave its folder complete.

    `seconds_before` were spent by this process on starting up; they belong to the preparation clock.
    Raises an EyechartError; what was saved by then continues when the same job is run again.
    """
    started_at = _now()
    trained = train_contender(job, report, stop_signal, seconds_before)
    contender, plan, fit, clock = trained.contender, trained.plan, trained.fit, trained.clock
    with clock.section("evaluation"):
        report(Progress(job.run, "judging", plan.num_steps, plan.num_steps))
        judged = _judge_test(contender, fit.diverged)
    with clock.section("preparation"):
        measured = _measure_cost(contender, plan, clock, trained.matmul_flops_per_second)
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
        host=trained.host,
        test_accesses=contender.splits.test.num_accesses,
        weights_sha256=saved.weights_digest(contender.model),
        started_at=started_at,
        finished_at=_now(),
        **judged.fields,
    )
    _write_run(Path(job.folder), record, contender.model, judged)
    report(Progress(job.run, "finished", plan.num_steps, plan.num_steps, None, record.validation.accuracy))
    return record


# --------------------------------------------------------------------------------------------- judging


class Judged(NamedTuple):
    """What test and validation gave: predictions, and the fields of the run record that follow from them."""

    predictions: Predictions  # on the test part
    validation: Predictions
    fields: dict[str, Any]


def _judge_test(contender: Contender, diverged: bool) -> Judged:
    """Open the test part, once, and score what the model says of it; and of the validation part."""
    test = contender.splits.test.open()
    predictions = judge(contender, test, diverged)
    validation, part = answers_on_validation(contender, diverged), contender.splits.validation
    found = temperature.fit(part.labels, validation.probabilities)
    return Judged(
        predictions,
        validation,
        {
            "temperature": found,
            "test": metrics.score(test.labels, predictions.probabilities, found.value),
            "validation": metrics.score(part.labels, validation.probabilities, found.value),
            "detection": _score_boxes(contender, predictions, test),
            "predictions_sha256": storage.digest_arrays(predictions.arrays()),
            "items": _write_items(Path(contender.job.folder).parent, test),
            "validation_items": _write_items(Path(contender.job.folder).parent, contender.splits.validation),
        },
    )


def _true_boxes(part: LabelledImages) -> np.ndarray:
    """The box around the ink of every image, float32 (N, 1, 4)."""
    chunks = (torch.from_numpy(np.array(images)) for images in part.chunks(EVALUATION_BATCH))  # mapped read-only
    found = [boxes.ink_boxes(batches.to_floats(images)) for images in chunks]
    return torch.cat(found)[:, None].numpy()


def _score_boxes(contender: Contender, predictions: Predictions, test: LabelledImages) -> DetectionScores | None:
    """None for a classifier; a detector that diverged has no boxes, which counts as having found nothing."""
    if not contender.judge.needs_boxes:
        return None
    card = contender.dataset.card
    return detection.score_boxes(
        predictions, _true_boxes(test), test.labels[:, None], height=card.height, width=card.width
    )


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
        dtype=dtype_of(contender.job),
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
