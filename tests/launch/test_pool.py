"""Several jobs at once: whose turn it is, what fails, who is told to stop, and on which cores."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eyechart.base.errors import Interrupted, RunFailed
from eyechart.launch import pool, process
from eyechart.launch.pool import at_once, core_shares
from eyechart.launch.signals import Signals
from eyechart.schema import Job, RunJob
from eyechart.schema.contracts import Progress, Reporter
from eyechart.study import plan as plans

LONG = 30.0  # seconds: whoever waits longer hangs


def quiet(progress: Progress) -> None:
    pass


@pytest.fixture(autouse=True)
def _handlers_come_back() -> Iterator[None]:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert not [thread.name for thread in threading.enumerate() if "-s" in thread.name], "nobody is left behind"


@pytest.fixture
def jobs(tmp_path: Path) -> list[RunJob]:
    return plans.jobs_of(plans.plan_study(["cnn", "vit"], "digits", "smoke", seeds=[0, 1], num_threads=1), tmp_path)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def test_as_many_as_may_work_at_once_and_no_more(jobs: list[RunJob]) -> None:
    under_way: set[str] = set()
    most = 0
    meet = threading.Barrier(2)

    def do(job: Job, report: Reporter, signals: Signals) -> None:
        nonlocal most
        under_way.add(job.run)
        most = max(most, len(under_way))
        meet.wait(LONG)  # two at a time, or never
        report(Progress(job.run, "training"))
        under_way.remove(job.run)

    heard: list[tuple[str, str]] = []

    def report(progress: Progress) -> None:
        heard.append((progress.run, threading.current_thread().name))

    outcomes = list(at_once(2, do)(jobs, report))
    assert most == 2
    assert {outcome.job.run for outcome in outcomes} == {job.run for job in jobs}
    assert not [outcome.error for outcome in outcomes if outcome.error]
    assert sorted(heard) == sorted((job.run, "MainThread") for job in jobs), "a reporter hears one at a time"


def test_what_fails_is_an_outcome_and_stops_nobody(jobs: list[RunJob]) -> None:
    def do(job: Job, report: Reporter, signals: Signals) -> None:
        if job.run == jobs[0].run:
            raise RunFailed("no luck")

    outcomes = list(at_once(3, do)(jobs, quiet))
    assert {outcome.job.run: str(outcome.error) for outcome in outcomes} == {
        job.run: "no luck" if job is jobs[0] else "None" for job in jobs
    }


def test_every_job_is_told_of_the_others_and_has_cores_of_its_own(
    jobs: list[RunJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "core_shares", lambda *given: [(0,), (1,)])
    told: list[Job] = []
    meet = threading.Barrier(2)

    def do(job: Job, report: Reporter, signals: Signals) -> None:
        told.append(job)
        meet.wait(LONG)

    list(at_once(2, do)(jobs, quiet))
    assert {job.num_at_once for job in told} == {2}
    assert {job.cores for job in told[:2]} == {job.cores for job in told[2:]} == {(0,), (1,)}


def test_cores_are_shared_out_where_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2, 4, 6, 8}, raising=False)
    assert core_shares(2, 1) == [(0, 2), (4, 6)]
    assert core_shares(2, 3) == [(), ()], "three threads do not fit on two cores"
    assert core_shares(6, 1) == [()] * 6
    monkeypatch.delattr(os, "sched_getaffinity")
    assert core_shares(2, 1) == [(), ()]


def test_a_job_that_was_stopped_alone_stops_the_others(jobs: list[RunJob]) -> None:
    begun: list[str] = []

    def do(job: Job, report: Reporter, signals: Signals) -> None:
        begun.append(job.run)
        until(lambda: len(begun) == 2)
        if job.run == jobs[0].run:
            raise Interrupted(f"Stopped {job.run}.", signal.SIGTERM)
        until(lambda: signals.heard)
        raise Interrupted(f"Stopped {job.run}.", signal.SIGTERM)

    with pytest.raises(Interrupted, match=rf"Stopped {jobs[0].run}\. Stopped {jobs[1].run}\.") as caught:
        list(at_once(2, do)(jobs, quiet))
    assert (caught.value.exit_code, len(begun)) == (143, 2)


def test_a_wish_to_stop_while_nobody_works_keeps_the_rest_from_beginning(jobs: list[RunJob]) -> None:
    begun: list[str] = []

    def do(job: Job, report: Reporter, signals: Signals) -> None:
        begun.append(job.run)

    work = at_once(2, do)(jobs, quiet)
    next(work)
    until(lambda: len(begun) == 2)
    time.sleep(0.05)  # the second has ended as well, and what it says is waiting to be heard
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Interrupted, match=f"Stopped before {jobs[2].run} began") as caught:
        list(work)
    assert caught.value.exit_code == 130
    assert begun == [job.run for job in jobs[:2]]
    done = at_once(2, do)(jobs[:2], quiet)
    next(done)
    os.kill(os.getpid(), signal.SIGINT)
    assert len(list(done)) == 1, "of all that were to be done nothing was stopped"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=lambda error: type(error).__name__)
def test_whoever_leaves_early_stops_them_all(jobs: list[RunJob], error: BaseException) -> None:
    ended: list[str] = []

    def do(job: Job, report: Reporter, signals: Signals) -> None:
        report(Progress(job.run, "training"))
        until(lambda: signals.heard)
        ended.append(job.run)

    def fail(progress: Progress) -> None:
        raise error

    with pytest.raises(type(error)):
        list(at_once(2, do)(jobs, fail))
    assert set(ended) == {jobs[0].run, jobs[1].run}


def test_a_broken_doer_is_a_programming_mistake_that_is_not_swallowed(jobs: list[RunJob]) -> None:
    def do(job: Job, report: Reporter, signals: Signals) -> None:
        raise KeyError(job.run)

    with pytest.raises(KeyError):
        list(at_once(2, do)(jobs, quiet))


# --------------------------------------------------------------------------------------------- real processes

SAVES = """
import json, os, signal, sys, time
job = json.loads(sys.stdin.read())
def leave(number, frame):
    facts = {"kind": "Interrupted", "message": f"{job['run']} is saved.", "exit_code": 128 + number, "traceback": ""}
    print(json.dumps({"error": facts}), flush=True)
    os._exit(0)
signal.signal(signal.SIGINT, leave)
signal.signal(signal.SIGTERM, leave)
print(json.dumps({"run": job["run"], "stage": "training"}), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wish_to_stop_reaches_every_process(
    jobs: list[RunJob], number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "command", lambda: [sys.executable, "-c", SAVES])
    training: set[str] = set()

    def stop_when_both_train(progress: Progress) -> None:
        training.add(progress.run)
        if len(training) == 2:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as caught:
        list(at_once(2)(jobs, stop_when_both_train))
    assert training == {jobs[0].run, jobs[1].run}, "no other one was begun"
    assert all(f"{run} is saved." in str(caught.value) for run in training)
    assert caught.value.exit_code == 128 + number


@pytest.mark.slow
def test_at_once_or_alone_the_bits_are_the_same(tmp_path: Path) -> None:
    """And only the clocks know: of a run beside others, and of none that was alone."""
    import eyechart
    from eyechart.scoring.times import is_spoiled, was_shared

    alone, beside = (
        eyechart.run(["cnn", "vit"], "digits", "smoke", threads=1, jobs=number, output=tmp_path, name=f"s{number}",
                     quiet=True, offline=True).runs
        for number in (1, 2)
    )  # fmt: skip
    for one, other in zip(alone, beside, strict=True):
        assert one.run == other.run
        assert (one.weights_sha256, one.predictions_sha256) == (other.weights_sha256, other.predictions_sha256)
        assert [segment.num_at_once for segment in other.clocks.segments] == [2]
        assert (was_shared(one), was_shared(other), is_spoiled(other)) == (False, True, True)
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) >= 2:
        assert {run.host.num_cores for run in beside} == {len(os.sched_getaffinity(0)) // 2}
    assert json.loads((tmp_path / "s2" / "study.json").read_text())["rules"]["num_threads"] == 1
