"""A study on a Ray cluster: on one that is only pretended, and, where Ray is installed, on a real one."""

from __future__ import annotations

import importlib.util
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from eyechart.base.errors import DatasetError, Interrupted, RunFailed, UsageError
from eyechart.files import storage
from eyechart.launch import process, ray_cluster
from eyechart.launch.ray_cluster import Files, Told, do_there, on_ray
from eyechart.schema import Budget, Job, RunJob
from eyechart.schema.contracts import Progress, Reporter
from eyechart.study.plan import jobs_of, plan_study
from eyechart.study.study import run_study

HAS_RAY = importlib.util.find_spec("ray") is not None


class Pretended:
    """Does each task at once, in this process, as often as it is told to; a thing of its own is what was put there."""

    def __init__(self, times: int = 1, stop_at: str = "", room: int = 1):
        self.times, self.stop_at, self.room = times, stop_at, room
        self.told_by: dict[str, Told] = {}
        self.lines: list[str] = []
        self.sent: list[Files] = []
        self.cancelled: list[str] = []
        self.is_open = True
        self.at_once_told: list[int] = []

    def put(self, files: Files) -> Files:
        self.sent.append(files)
        return files

    def at_once(self, job: Job) -> int:
        return self.room

    def submit(self, job: Job, files: Files) -> str:
        self.at_once_told.append(job.num_at_once)
        if job.run != self.stop_at:
            for _ in range(self.times):
                self.told_by[job.run] = do_there(job.model_dump_json(), files, self.lines.append)
        return job.run

    def ended(self, tasks: list[Any], seconds: float) -> list[Any]:
        ended = [task for task in tasks if task in self.told_by]
        if not ended and tasks and not self.cancelled:
            raise KeyboardInterrupt
        return ended or [task for task in tasks if task in self.cancelled]

    def told(self, task: Any) -> Told:
        return self.told_by[task]

    def heard(self) -> list[str]:
        lines, self.lines = self.lines, []
        return lines

    def cancel(self, task: Any) -> None:
        self.cancelled.append(task)

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were really done, by a worker that only leaves a run.json."""
    runs: list[str] = []

    def do(job: RunJob, report: Reporter) -> None:
        if job.contender == "vgg16":
            raise DatasetError("broken")
        runs.append(job.run)
        report(Progress(job.run, "training", 1, 2, loss=0.5))
        time.sleep(0.05)
        storage.write_text(Path(job.folder) / storage.RUN_FILE, "{}")

    monkeypatch.setattr(process, "do", do)
    monkeypatch.setattr(ray_cluster, "LOCK_SECONDS", 0.02)
    return runs


def jobs(folder: Path, *contenders: str) -> list[RunJob]:
    return jobs_of(plan_study(contenders or ("cnn", "vit"), "digits", "smoke", (0, 1)), folder)


def test_every_run_is_done_once_and_progress_arrives(tmp_path: Path, done: list[str]) -> None:
    cluster, heard = Pretended(times=2), []
    outcomes = list(on_ray(connect=lambda address: cluster)(jobs(tmp_path), heard.append))
    assert {outcome.job.run for outcome in outcomes} == {"cnn-s0", "vit-s0", "cnn-s1", "vit-s1"}
    assert not any(outcome.error for outcome in outcomes)
    assert sorted(done) == sorted(outcome.job.run for outcome in outcomes), "though Ray did every task twice"
    assert {progress.run for progress in heard} == set(done)
    assert heard[0].loss == 0.5
    assert not cluster.is_open
    assert all(Path(outcome.job.folder).is_absolute() for outcome in outcomes)


def test_runs_that_share_a_machine_are_told_so(tmp_path: Path, done: list[str]) -> None:
    cluster = Pretended(room=3)
    list(on_ray(connect=lambda address: cluster)(jobs(tmp_path), lambda progress: None))
    assert cluster.at_once_told == [3] * 4
    few = Pretended(room=3)
    list(on_ray(connect=lambda address: few)(jobs(tmp_path / "few", "cnn")[:1], lambda progress: None))
    assert few.at_once_told == [1], "of one run nothing is shared"


def test_equal_seconds_are_refused_where_runs_share_a_machine(tmp_path: Path, done: list[str]) -> None:
    planned = jobs_of(plan_study(["cnn"], "digits", "quick", (0, 1), num_threads=1), tmp_path)
    shared = Pretended(room=2)
    with pytest.raises(UsageError, match=r"75 seconds, and --launcher ray lets runs share the machine.*--threads"):
        list(on_ray(connect=lambda address: shared)(planned, lambda progress: None))
    assert not done
    assert not shared.is_open
    list(on_ray(connect=lambda address: Pretended(room=1))(planned, lambda progress: None))
    assert len(done) == 2


def test_a_machine_s_room_is_what_ray_says_of_it(tmp_path: Path) -> None:
    class Ray:
        def nodes(self) -> list[dict[str, Any]]:
            return [
                {"Alive": True, "Resources": {"CPU": 9.0, "GPU": 2.0}},
                {"Alive": False, "Resources": {"CPU": 64.0}},
                {"Alive": True, "Resources": {"memory": 1.0}},  # a head that computes nothing
            ]

    cluster = object.__new__(ray_cluster.RayCluster)
    cluster._ray = Ray()
    for device, threads, number in (("cpu", 2, 4), ("cpu", 16, 1), ("cuda", 1, 2)):
        (job,) = jobs_of(plan_study(["cnn"], "digits", "smoke", num_threads=threads, device=device), tmp_path)
        assert cluster.at_once(job) == number


def test_two_tasks_at_the_same_time_leave_one_run(tmp_path: Path, done: list[str]) -> None:
    text = jobs(tmp_path)[0].model_dump_json()
    threads = [threading.Thread(target=do_there, args=(text, {}, lambda line: None)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1


def test_what_fails_there_is_the_same_error_here(tmp_path: Path, done: list[str]) -> None:
    outcomes = list(on_ray(connect=lambda address: Pretended())(jobs(tmp_path, "cnn", "vgg16"), lambda progress: None))
    errors = {outcome.job.run: outcome.error for outcome in outcomes}
    assert errors["cnn-s0"] is None
    assert isinstance(errors["vgg16-s1"], DatasetError)
    assert isinstance(ray_cluster.error_of({"kind": "Interrupted", "message": "Stopped."}), RunFailed)


def test_ctrl_c_cancels_what_is_left_and_says_so(tmp_path: Path, done: list[str]) -> None:
    cluster = Pretended(stop_at="cnn-s1")
    with pytest.raises(Interrupted, match="asked to save and to end"):
        list(on_ray(connect=lambda address: cluster)(jobs(tmp_path), lambda progress: None))
    assert cluster.cancelled == ["cnn-s1"]
    assert not cluster.is_open


def test_a_dataset_of_the_cache_travels_and_is_unpacked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: list[str]
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (here / "images").write_bytes(b"pixels")
    places = iter([here])  # of whoever sends; then of whoever is sent
    monkeypatch.setattr(ray_cluster, "_cache_of", lambda dataset: next(places, there))
    cluster = Pretended()
    list(on_ray(connect=lambda address: cluster)(jobs(tmp_path / "study"), lambda progress: None))
    assert cluster.sent == [{"images": b"pixels"}]
    assert (there / "images").read_bytes() == b"pixels"


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed here")
def test_without_ray_it_is_told_what_to_install() -> None:
    with pytest.raises(UsageError, match=r"eyechart\[ray\]"):
        on_ray()


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason="needs Ray: pip install 'eyechart[ray]'")
def test_a_cluster_makes_the_runs_that_this_machine_makes_alone(tmp_path: Path) -> None:
    record = plan_study(
        ("cnn", "vit"), "digits", "smoke", (0,), num_threads=1, device="cpu", budget=Budget(unit="steps", amount=5)
    )
    places = [tmp_path / "alone", tmp_path / "cluster"]
    studies = [run_study(record, place, lambda progress: None, offline=True, launch=launch)
               for place, launch in zip(places, (None, on_ray()), strict=True)]  # fmt: skip
    assert not studies[0].failures
    assert not studies[1].failures
    hashes = [[(run.run, run.weights_sha256, run.predictions_sha256) for run in study.runs] for study in studies]
    assert hashes[0] == hashes[1]
