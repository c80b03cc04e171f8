"""Searches with a launcher that only pretends to train."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyechart.base.errors import EyechartError
from eyechart.files import storage
from eyechart.schema import DatasetCard, TrialJob, TrialRecord, TuneRecord
from eyechart.schema.contracts import Reporter
from eyechart.study import plan as plans
from eyechart.tuning.search import plan_search


class Launcher:
    """Remembers jobs and leaves a trial.json: the lower the learning rate, the better; fails where it is told to."""

    def __init__(self, failures: dict[str, EyechartError] | None = None, seconds: dict[str, float] | None = None):
        self.jobs: list[TrialJob] = []
        self.failures = failures or {}
        self.seconds = seconds or {}
        self.diverging: set[str] = set()

    def __call__(self, job: TrialJob, report: Reporter) -> None:
        self.jobs.append(job)
        if job.run in self.failures:
            raise self.failures[job.run]
        is_diverged = job.run in self.diverging
        record = TrialRecord(
            contender=job.contender, number=job.trial.number, seed=job.seed, settings=job.trial.settings,
            status="diverged" if is_diverged else "finished",
            accuracy=0.1 if is_diverged else 1 / (1 + job.recipe.learning_rate) - 0.001 * (job.seed - 1000),
            loss=float("nan") if is_diverged else job.recipe.learning_rate,
            training_seconds=self.seconds.get(job.contender, 1.0), num_steps=4, test_accesses=0, finished_at="",
        )  # fmt: skip
        storage.write_record(Path(job.folder) / storage.TRIAL_FILE, record)

    @property
    def runs(self) -> list[str]:
        return [job.run for job in self.jobs]


@pytest.fixture
def launcher() -> type[Launcher]:
    return Launcher


@pytest.fixture
def card() -> DatasetCard:
    return DatasetCard(
        name="mnist", title="MNIST", source="", licence="", content_sha256="0123456789abcdef",
        classes=tuple("0123456789"), num_channels=1, height=28, width=28, num_train=60000, num_test=10000,
    )  # fmt: skip


@pytest.fixture
def planned() -> TuneRecord:
    """Four trials of two contenders."""
    return plan_search(plans.plan_study(["cnn", "vit"], preset="smoke", seeds=[1000]), trials=4)
