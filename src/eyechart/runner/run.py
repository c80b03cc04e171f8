"""One run from beginning to end.

dataset -> splits -> model -> fit (never sees test) -> predict (opens test once) -> scores, cost -> files
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.clock import Clock
from eyechart.data.boxes import objects_on
from eyechart.evaluation import cost
from eyechart.files import storage
from eyechart.inference import saved
from eyechart.inference.predictor import BATCH_SIZE
from eyechart.runner.contender import TOOLS, Contender
from eyechart.runner.judge import judge
from eyechart.runner.train import dtype_of, train
from eyechart.schema import Clocks, Cost, Plan, RunJob, RunRecord
from eyechart.schema.contracts import LabelledImages, Predictions, Progress
from eyechart.scoring import metrics, temperature
from eyechart.training import feeds, loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from eyechart.schema.contracts import Reporter

# Of a job and its record.
SHARED_FIELDS = {"study", "run", "contender", "seed", "recipe", "rules", "command", "started_in"}


def run_contender(
    job: RunJob, report: Reporter, stop_signal: Callable[[], int | None], seconds_before: float = 0.0
) -> RunRecord:
    """Train and judge one contender with one seed, and leave its folder complete.

    `seconds_before` were spent by this process on starting up; they belong to the preparation clock.
    Raises an EyechartError; what was saved by then continues when the same job is run again.
    """
    started_at = _now()
    trained = train(job, report, stop_signal, seconds_before)
    contender, plan, fit, clock = trained.contender, trained.plan, trained.fit, trained.clock
    splits, card = contender.splits, contender.card
    with clock.section("evaluation"):
        report(Progress(job.run, "judging", plan.num_steps, plan.num_steps))
        validation = trained.answers_on_validation()
        heat = temperature.fit(splits.validation.labels, validation.probabilities)
        test = splits.test.open()
        judged = judge(trained.predictor, test, heat.value)
    with clock.section("preparation"):
        measured = _measure_cost(contender, plan, clock, trained.matmul_flops_per_second)
    beside = Path(job.folder).parent
    record = RunRecord(
        **job.model_dump(include=SHARED_FIELDS),
        status="diverged" if fit.diverged else "finished",
        plan=plan,
        dataset=card,
        splits=splits.card,
        weights=contender.starting.origin,
        preprocessing=contender.preprocessing,
        history=tuple(fit.history),
        temperature=heat,
        validation=metrics.score(splits.validation.labels, validation.probabilities, heat.value),
        test=judged.scores,
        detection=judged.detection,
        clocks=_clocks(clock, fit),
        cost=measured,
        host=trained.host,
        test_accesses=splits.test.num_accesses,
        weights_sha256=saved.weights_digest(contender.model),
        predictions_sha256=storage.digest_arrays(judged.predictions.arrays()),
        items=_write_items(beside, test),
        validation_items=_write_items(beside, splits.validation),
        started_at=started_at,
        finished_at=_now(),
    )
    _write_run(Path(job.folder), record, contender.model, judged.predictions, validation)
    report(Progress(job.run, "finished", plan.num_steps, plan.num_steps, None, record.validation.accuracy))
    return record


# --------------------------------------------------------------------------------------------- cost


def _measure_cost(contender: Contender, plan: Plan, clock: Clock, earlier_matmul: float) -> Cost:
    sample = contender.splits.validation
    size = min(plan.batch_size, len(sample))
    batch = feeds.as_batch(contender.model, sample, slice(size), contender.device, TOOLS)
    images_seen = plan.num_steps * plan.batch_size
    flops = None
    if plan.num_cached_images:
        flops = cost.count_flops_with_kept_stages(contender.network, batch, plan.num_cached_images / images_seen)
    return cost.measure_cost(
        contender.network,
        sample,
        contender.device,
        BATCH_SIZE,
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
        padded = objects_on(part).padded(np.arange(len(part)))
        storage.write_arrays(folder / name, arrays | {"true_boxes": padded[0]})
    return name


def _write_run(folder: Path, record: RunRecord, model: nn.Module, test: Predictions, validation: Predictions) -> None:
    """All files of a run; run.json last, because its presence says that the others are there."""
    storage.write_arrays(folder / storage.PREDICTIONS_FILE, test.arrays())
    storage.write_arrays(folder / storage.VALIDATION_FILE, {"probabilities": validation.probabilities})
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
