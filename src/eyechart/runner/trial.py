"""One training of one trial, in a process of its own: like a run up to its last step, and then only validation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.clock import now_text
from eyechart.files import generations, storage
from eyechart.runner.train import train
from eyechart.schema import TrialJob, TrialRecord
from eyechart.schema.contracts import Progress
from eyechart.scoring import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema.contracts import Reporter


def run_trial(
    job: TrialJob, report: Reporter, stop_signal: Callable[[], int | None], seconds_before: float = 0.0
) -> TrialRecord:
    """Train a contender with the settings of a trial and score it on validation; the test part stays sealed.

    Raises an EyechartError; what was saved by then continues when the same job is done again.
    """
    trained = train(job, report, stop_signal, seconds_before)
    scores = metrics.score(trained.contender.splits.validation.labels, trained.answers_on_validation().probabilities)
    record = TrialRecord(
        contender=job.contender,
        number=job.trial.number,
        seed=job.seed,
        settings=job.trial.settings,
        status="diverged" if trained.fit.diverged else "finished",
        accuracy=scores.accuracy,
        loss=scores.loss,
        training_seconds=trained.clock.seconds("training"),
        num_steps=trained.plan.num_steps,
        test_accesses=trained.contender.splits.test.num_accesses,
        finished_at=now_text(),
    )
    folder = Path(job.folder)
    storage.write_record(folder / storage.TRIAL_FILE, record)
    generations.remove(folder)
    for leftover in (storage.FAILURE_FILE, storage.SPILL_FILE):
        (folder / leftover).unlink(missing_ok=True)
    steps = trained.plan.num_steps
    report(Progress(job.run, "finished", steps, steps, None, scores.accuracy, note=_ending(record)))
    return record


def _ending(record: TrialRecord) -> str:
    return "the loss became no number: a failed trial, which counts" if record.status == "diverged" else ""
