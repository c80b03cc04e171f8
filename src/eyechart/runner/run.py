"""One run from beginning to end.

dataset -> splits -> model -> fit (never sees test) -> predict (opens test once) -> scores, cost -> files
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyechart.base.clock import Clock, now_text
from eyechart.data.boxes import objects_on
from eyechart.evaluation import cost
from eyechart.files import generations, storage
from eyechart.files.items import write_items
from eyechart.inference import saved
from eyechart.inference.predictor import BATCH_SIZE
from eyechart.runner.contender import TOOLS, Contender
from eyechart.runner.inside import looks_inside
from eyechart.runner.judge import Judgement, judge, scored
from eyechart.runner.standing import moved
from eyechart.runner.train import Trained, dtype_of, train
from eyechart.schema import Clocks, Cost, Plan, RunJob, RunRecord, Temperature
from eyechart.schema.contracts import LabelledImages, Predictions, Progress
from eyechart.scoring import temperature
from eyechart.training import feeds, loop
from eyechart.training.together import ALONE, Alone

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from eyechart.schema.contracts import Reporter

MARK_NAMES = {"classification": "accuracy", "detection": "mAP"}
# Of a job and its record.
SHARED_FIELDS = {"study", "run", "contender", "seed", "recipe", "rules", "command", "started_in"}


def run_contender(job: RunJob, report: Reporter, stop_signal: Callable[[], int | None], seconds_before: float = 0.0,
                  group: Alone = ALONE) -> RunRecord:  # fmt: skip
    """Train and judge one contender with one seed, and leave its folder complete.

    With a `group` this is its first process, which judges and writes alone; the others only train.
    `seconds_before` were spent by this process on starting up; they belong to the preparation clock.
    Raises an EyechartError; what was saved by then continues when the same job is run again.
    """
    started_at = now_text()
    trained = train(job, report, stop_signal, seconds_before, group)
    contender, plan, fit, clock = trained.contender, trained.plan, trained.fit, trained.clock
    splits, card, beside = contender.splits, contender.card, Path(job.folder).parent
    with clock.section("evaluation"):
        report(Progress(job.run, "judging", plan.num_steps, plan.num_steps))
        on_validation, heat = _on_validation(trained)
        test = splits.test.open()
        judged = judge(trained.predictor, test, card.task, heat)
    with clock.section("preparation"):
        measured = _measure_cost(contender, plan, fit, clock, trained.matmul_flops_per_second, group.size)
    record = RunRecord(
        **job.model_dump(include=SHARED_FIELDS),
        status="diverged" if fit.diverged else "finished",
        cause=fit.cause,
        plan=plan,
        **_prepared(contender),
        history=tuple(fit.history),
        temperature=heat,
        validation=on_validation.scores,
        test=judged.scores,
        detection=judged.detection,
        validation_detection=on_validation.detection if card.task == "detection" else None,
        clocks=_clocks(clock, fit, group.size),
        cost=measured,
        host=trained.host,
        num_processes=group.size,
        test_accesses=splits.test.num_accesses,
        weights_sha256=saved.weights_digest(contender.model),
        predictions_sha256=storage.digest_arrays(judged.predictions.arrays()),
        items=_write_items(beside, test),
        validation_items=_write_items(beside, splits.validation),
        started_at=started_at,
        finished_at=now_text(),
    )
    _write_inside(Path(job.folder), contender, test, record)
    _write_run(Path(job.folder), record, contender.model, judged.predictions, on_validation.predictions)
    report(_ending(record))
    return record


def _prepared(contender: Contender) -> dict[str, Any]:
    """What was decided and found before the first step, as fields of the record."""
    return {
        "dataset": contender.card,
        "splits": contender.splits.card,
        "weights": contender.starting.origin,
        "preprocessing": contender.preprocessing,
        "fed": contender.fed,
        "moved": moved(contender.frozen, contender.model),
    }


def _on_validation(trained: Trained) -> tuple[Judgement, Temperature | None]:
    """How good the last answers on validation are, and what certainty is worth where images have a class each."""
    part, task = trained.contender.splits.validation, trained.contender.card.task
    answers = trained.answers_on_validation()
    heat = temperature.fit(part.labels, answers.probabilities) if task == "classification" else None
    return scored(answers, part, task, heat), heat


def _ending(record: RunRecord) -> Progress:
    steps, note = record.plan.num_steps, f"diverged: {record.cause}" if record.status == "diverged" else ""
    name = MARK_NAMES[record.task]
    return Progress(
        record.run, "finished", steps, steps, validation_mark=record.validation_mark, mark_name=name, note=note
    )


# --------------------------------------------------------------------------------------------- cost


def _measure_cost(
    contender: Contender, plan: Plan, fit: loop.Fit, clock: Clock, earlier_matmul: float, num_processes: int
) -> Cost:
    sample = contender.splits.validation
    size = min(plan.batch_size, len(sample))
    batch = feeds.as_batch(contender.model, sample, slice(size), contender.device, TOOLS)
    images_seen = plan.images_seen
    flops = None
    if plan.num_cached_images:
        flops = cost.count_flops_with_kept_stages(contender.network, batch, plan.num_cached_images / images_seen)
    return cost.measure_cost(
        contender.network,
        sample,
        contender.device,
        BATCH_SIZE,
        training_images_per_second=fit.images_trained_on / max(clock.seconds("training"), 1e-9),
        num_processes=num_processes,
        example_batch=batch,
        training_flops_override=flops,
        dtype=dtype_of(contender.job),
        earlier_matmul=earlier_matmul,
    )


# --------------------------------------------------------------------------------------------- files


def _write_items(folder: Path, part: LabelledImages) -> str:
    """A part, with the boxes that a rule finds where the images come without; the file's name."""
    if part.objects is not None:
        return write_items(folder, part)
    return write_items(folder, part, lambda: {"true_boxes": objects_on(part).padded(np.arange(len(part)))[0]})


def _write_inside(folder: Path, contender: Contender, test: LabelledImages, record: RunRecord) -> None:
    """What a detector gives on the way to its boxes on scenes."""
    if record.task != "detection" or record.status == "diverged":
        return
    storage.write_arrays(folder / storage.INSIDE_FILE, looks_inside(contender.network, test, contender.device))


def _write_run(folder: Path, record: RunRecord, model: nn.Module, test: Predictions, validation: Predictions) -> None:
    """All files of a run; run.json last, because its presence says that the others are there."""
    storage.write_arrays(folder / storage.PREDICTIONS_FILE, test.arrays())
    kept = validation.arrays() if record.task == "detection" else {"probabilities": validation.probabilities}
    storage.write_arrays(folder / storage.VALIDATION_FILE, kept)
    saved.save_weights(folder / storage.WEIGHTS_FILE, model, record)
    storage.write_record(folder / storage.RUN_FILE, record)
    if record.status != "diverged":  # then the good ones, of before, stay
        generations.remove(folder)
    for leftover in (storage.FAILURE_FILE, storage.SPILL_FILE):
        (folder / leftover).unlink(missing_ok=True)


def _clocks(clock: Clock, fit: loop.Fit, num_processes: int) -> Clocks:
    seconds = clock.all_seconds()
    return Clocks(
        preparation_seconds=seconds.get("preparation", 0.0),
        training_seconds=seconds.get("training", 0.0),
        evaluation_seconds=seconds.get("evaluation", 0.0),
        checkpoint_seconds=seconds.get("checkpoint", 0.0),
        total_seconds=sum(seconds.values()),
        training_cpu_seconds=clock.cpu_seconds("training"),
        # Of several, the others are strangers to this one's clock.
        training_foreign_cpu_seconds=clock.known_foreign_seconds("training") if num_processes == 1 else None,
        segments=tuple(fit.segments),
    )
