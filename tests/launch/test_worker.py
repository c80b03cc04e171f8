"""A worker, seen from outside: jobs of every kind go in, lines of JSON come out, and a reason stays in its folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eyechart.base.errors import RunFailed, UsageError
from eyechart.files import storage
from eyechart.launch import process, worker
from eyechart.schema import RunJob, TrialChoice, TrialJob
from eyechart.study import plan as plans


@pytest.fixture
def job(tmp_path: Path) -> RunJob:
    record = plans.plan_study(["cnn"], "digits", "smoke", num_threads=1, device="cpu")
    return plans.jobs_of(record.model_copy(update={"dataset_sha256": "of other data"}), tmp_path, offline=True)[0]


def talked_to(told: str) -> tuple[list[dict[str, object]], subprocess.CompletedProcess[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "eyechart.launch.worker"], input=told, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()], done


@pytest.mark.parametrize("kind", ["run", "trial"])
def test_a_job_that_cannot_be_done_says_why_and_leaves_the_reason(job: RunJob, kind: str) -> None:
    if kind == "trial":
        fields = job.model_dump(exclude={"kind", "plan", "command"})
        told = process.as_json(TrialJob(**fields, trial=TrialChoice(number=3, settings={})))
    else:
        told = process.as_json(job)
    lines, done = talked_to(told)
    start = {"run": job.run, "stage": "preparing", "step": 0, "num_steps": 0, "note": "", "mark_name": "accuracy"}
    assert lines[0] == start
    error = lines[-1]["error"]
    assert isinstance(error, dict)
    assert (error["kind"], error["exit_code"], error["traceback"]) == ("DatasetError", 3, "")
    assert "have changed" in storage.failure_reason(Path(job.folder))
    assert done.returncode == 0


def test_what_is_no_job_is_refused_before_anything_is_written(tmp_path: Path, job: RunJob) -> None:
    kind = json.loads(process.as_json(job)) | {"kind": "judgement"}
    lines, done = talked_to(json.dumps(kind))
    assert not lines
    assert done.returncode != 0
    assert "judgement" in done.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "The memory is full"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "The memory is full"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_an_error_that_nobody_expected_has_its_traceback(error: Exception, message: str) -> None:
    facts = worker._facts(error)
    assert str(facts["message"]).startswith(message)
    assert facts["traceback"]
    assert worker._facts(UsageError("so"))["traceback"] == ""
    assert worker._facts(RunFailed("so"))["exit_code"] == RunFailed.exit_code
