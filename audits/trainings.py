"""Tiny but real runs: eyechart's own runner, from files to run folders; a run that is there is not trained again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eyechart.files.storage import is_run, read_run
from eyechart.runner.run import run_contender
from eyechart.schema import Budget, RunRecord, StudyRecord
from eyechart.study.plan import jobs_of, plan_study

SMALL_CNN = {"options": {"first_maps": 8, "last_maps": 32, "logit_scale": 0.25}, "batch_size": 32}


def plan_small(
    data: Path, seeds: Sequence[int], num_steps: int, changes: dict[str, Any], name: str, contender: str = "cnn"
) -> StudyRecord:
    """A study of one small contender on one thread of the CPU, looked at once, after its last step."""
    return plan_study(
        [contender], str(data), "standard", seeds, name=name, changes=changes,
        budget=Budget(unit="steps", amount=num_steps), num_evaluations=1, device="cpu", precision="float32",
        num_threads=1,
    )  # fmt: skip


def train_missing(study: StudyRecord, folder: Path, say: Callable[[str], None]) -> list[RunRecord]:
    """All runs of a study, in the order of their seeds; those that are finished are read."""
    records = []
    for job in jobs_of(study, folder):
        path = Path(job.folder)
        if is_run(path):
            records.append(read_run(path))
            continue
        records.append(run_contender(job, lambda progress: None, lambda: None))
        say(f"{study.name}: {len(records)} of {len(study.seeds)} runs, the last at {records[-1].test.accuracy:.2%}")
    return records
