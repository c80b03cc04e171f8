"""Jobs one after the other: what fails is an outcome, what is asked for late is asked late, a stop ends them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyechart.base.errors import EyechartError, Interrupted, RunFailed
from eyechart.launch.driver import in_turn, saying_how_to_go_on
from eyechart.schema import RunJob
from eyechart.schema.contracts import Progress, Reporter
from eyechart.study import plan as plans


def quiet(progress: Progress) -> None:
    pass


@pytest.fixture
def jobs(tmp_path: Path) -> list[RunJob]:
    return plans.jobs_of(plans.plan_study(["cnn", "vit"], "digits", "smoke", seeds=[0, 1]), tmp_path)


def test_every_job_has_an_outcome_in_its_turn(jobs: list[RunJob]) -> None:
    def do(job: RunJob, report: Reporter) -> None:
        report(Progress(job.run, "training"))
        if job is jobs[1]:
            raise RunFailed("no luck")

    heard: list[str] = []
    outcomes = list(in_turn(do)(jobs, lambda progress: heard.append(progress.run)))
    assert [outcome.job for outcome in outcomes] == jobs
    assert [str(outcome.error) for outcome in outcomes] == ["None", "no luck", "None", "None"]
    assert heard == [job.run for job in jobs]


def test_a_job_is_asked_for_when_its_turn_comes(jobs: list[RunJob]) -> None:
    """So that what is done meanwhile, by another process for instance, is not done twice."""
    done: list[str] = []

    def left():  # type: ignore[no-untyped-def]
        for job in jobs:
            assert len(done) == jobs.index(job)
            yield job

    assert len(list(in_turn(lambda job, report: done.append(job.run))(left(), quiet))) == len(jobs)


def test_a_wish_to_stop_ends_them_all(jobs: list[RunJob]) -> None:
    done: list[str] = []

    def do(job: RunJob, report: Reporter) -> None:
        if done:
            raise Interrupted("Stopped.", 2)
        done.append(job.run)

    with (
        pytest.raises(
            Interrupted, match=r"Stopped\. Go on with the same command and --resume: here, or there"
        ) as caught,
        saying_how_to_go_on(Path("here"), ", or there"),
    ):
        list(in_turn(do)(jobs, quiet))
    assert (done, caught.value.exit_code) == ([jobs[0].run], 130)


def test_what_is_no_error_of_ours_is_not_swallowed(jobs: list[RunJob]) -> None:
    def do(job: RunJob, report: Reporter) -> None:
        raise KeyError(job.run)

    assert not issubclass(KeyError, EyechartError)
    with pytest.raises(KeyError):
        list(in_turn(do)(jobs, quiet))
