"""Runs on a Ray cluster: each a task that asks for the cores, and the GPU, that it uses.

What a run leaves is in its folder, which all machines see, or at an address, of which each machine has a copy; a task
hands back how it ended and nothing else.  A machine that dies takes its tasks along: Ray starts them elsewhere, and
they go on from their last checkpoint.  Ray may also do a task twice.  Then the one that comes second waits for the
first one's lock, finds the run finished, and leaves.

A dataset of the cache travels once: its files are one object of the cluster, which each machine unpacks where it lacks
them.  Other data must lie where all machines see it.  Either way a run checks the hash of its content.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eyechart.base import errors
from eyechart.base.plain_json import json_text, read_json
from eyechart.files import addresses, storage
from eyechart.files.cache import keep
from eyechart.files.locks import hold
from eyechart.launch import process
from eyechart.launch.driver import Launcher, Outcome, check_seconds
from eyechart.launch.worker import progress_line
from eyechart.schema import Job, RunJob
from eyechart.schema.contracts import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from eyechart.schema.contracts import Reporter

INSTALL = 'pip install "eyechart[ray]"'
MOST_TRIES = 3  # beyond the first, of a task whose machine or process died
LOOK_SECONDS = 0.5  # between two looks at the cluster
LEAVING_SECONDS = 10.0  # that cancelled tasks have to end by themselves; then their workers find them gone, and save
LOCK_SECONDS = 2.0  # between two tries for a run that another task holds

Told = dict[str, Any]  # how a task ended: {} when its run is there, else the error's facts
Files = dict[str, bytes]


class Cluster(Protocol):
    """What a launcher asks of Ray; tests have another one."""

    def put(self, files: Files) -> Any:
        """A handle of an object that is sent to each machine once."""

    def at_once(self, job: Job) -> int:
        """How many such jobs the machine with most room does at the same time, at least 1."""

    def submit(self, job: Job, files: Any) -> Any:
        """Start a task when its needs are free; a handle of it."""

    def ended(self, tasks: list[Any], seconds: float) -> list[Any]:
        """Those that have ended, after so many seconds at most."""

    def told(self, task: Any) -> Told:
        """How an ended task ended."""

    def heard(self) -> list[str]:
        """The lines of progress since the last call."""

    def cancel(self, task: Any) -> None:
        """Let a task save and end."""

    def close(self) -> None: ...


def on_ray(address: str | None = None, connect: Callable[[str | None], Cluster] | None = None) -> Launcher:
    """All jobs at once, as many at a time as the cluster has room for.

    `address` as in ray.init: "auto" for the cluster of this machine, "ray://host:10001"; None: a new one, of this
    machine alone.  After Ctrl-C tasks are asked to save and end, and Interrupted is raised; one that Ray does not reach
    saves when the cluster is left.
    """
    if connect is None:
        require_ray()

    def launch(jobs: Iterable[Job], report: Reporter) -> Iterator[Outcome]:
        left = [_absolute(job) for job in jobs]
        if not left:
            return
        cluster = (connect or _connected)(address)
        try:
            left = _sharing(left, cluster)
            files = cluster.put(_cached_files(left[0].rules.dataset))
            running = {cluster.submit(_from_anywhere(job), files): job for job in left}
            try:
                while running:
                    ended = cluster.ended(list(running), LOOK_SECONDS)
                    _pass_on(cluster, report)
                    for task in ended:
                        _fetch(Path(running[task].folder))
                        yield Outcome(running.pop(task), error_of(cluster.told(task)))
            finally:
                _cancel(cluster, list(running), report)
        except KeyboardInterrupt:
            text = "Stopped: the cluster's tasks were asked to save and to end."
            raise errors.Interrupted(text, signal.SIGINT) from None
        finally:
            cluster.close()

    return launch


def require_ray() -> None:
    """UsageError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise errors.UsageError(f"--launcher ray needs Ray, which is not installed here. Install it with: {INSTALL}")


def do_there(job: str, files: Files, tell: Callable[[str], None]) -> Told:
    """What a task does on its machine: bring the data, wait for its turn, do the run unless somebody has."""
    run = RunJob.model_validate_json(job)
    try:
        run = run.model_copy(update={"folder": str(addresses.here(run.folder, wanted=None))})
        _unpack(run.rules.dataset, files)
        with _alone(run) as is_left:
            if is_left:
                process.do(run, lambda progress: tell(progress_line(progress)))
    except errors.EyechartError as error:
        return {"kind": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
    return {}


def error_of(told: Told) -> errors.EyechartError | None:
    """The error that a task told, made anew on this side; None: its run is there."""
    if not told:
        return None
    if told["kind"] == "Interrupted":  # somebody else cancelled it: Ray's own page, or its machine
        return errors.RunFailed(f"{told['message']} It was cancelled on the cluster; --resume goes on with it.")
    kind = getattr(errors, told["kind"], errors.RunFailed)
    error: errors.EyechartError = kind(told["message"])
    return error


# --------------------------------------------------------------------------------------------- the launcher's part


def _absolute(job: Job) -> RunJob:
    assert isinstance(job, RunJob), "trials of a search are no runs of a study"
    return job.model_copy(update={"folder": str(Path(job.folder).absolute())})


def _sharing(jobs: list[RunJob], cluster: Cluster) -> list[RunJob]:
    """The jobs, told how many of them a machine does at once; UsageError where that makes their budget unequal."""
    at_once = min(len(jobs), cluster.at_once(jobs[0]))
    check_seconds(jobs[0].rules.budget, at_once, "--launcher ray", "as many --threads as a machine has cores")
    return [job.model_copy(update={"num_at_once": at_once}) for job in jobs]


def _from_anywhere(job: RunJob) -> RunJob:
    """With the folder as any machine finds it."""
    return job.model_copy(update={"folder": addresses.address_of(Path(job.folder)) or job.folder})


def _fetch(folder: Path) -> None:
    """What a machine left of a run at an address, and the test images beside it."""
    addresses.fetch(folder.parent, deep=False)
    addresses.fetch(folder)


def _cached_files(dataset: str) -> Files:
    """Of a known dataset: the files of its folder in the cache.  {}: it is made anywhere, or lies in a folder."""
    folder = _cache_of(dataset)
    if folder is None or not folder.is_dir():
        return {}
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


def _cache_of(dataset: str) -> Path | None:
    from eyechart.data.sources import NAMED

    return NAMED[dataset].folder() if dataset in NAMED else None


def _pass_on(cluster: Cluster, report: Reporter) -> None:
    for line in cluster.heard():
        report(Progress(**dict(read_json(line))))


def _cancel(cluster: Cluster, tasks: list[Any], report: Reporter) -> None:
    """Of tasks that are still running, when the launcher is left: they save, and are waited for."""
    for task in tasks:
        cluster.cancel(task)
    deadline = time.monotonic() + LEAVING_SECONDS
    while tasks and time.monotonic() < deadline:
        ended = cluster.ended(tasks, LOOK_SECONDS)
        tasks = [task for task in tasks if task not in ended]
        _pass_on(cluster, report)


# --------------------------------------------------------------------------------------------- the task's part


def _unpack(dataset: str, files: Files) -> None:
    """Into this machine's cache, what it lacks of the dataset; each file appears whole or not at all."""
    folder = _cache_of(dataset)
    if folder is None:
        return
    for name, content in files.items():
        if not (folder / name).exists():
            keep(folder / name, content)


@contextlib.contextmanager
def _alone(run: RunJob) -> Iterator[bool]:
    """The only task at this run; whether it is still to be done."""
    folder = Path(run.folder)
    while True:
        if storage.is_run(folder):
            yield False
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(hold(folder.parent, lambda sentence: None, f"{run.run}-"))
            except errors.UsageError:  # another task does it
                time.sleep(LOCK_SECONDS)
                continue
            _fetch(folder)
            yield not storage.is_run(folder)
            return


# --------------------------------------------------------------------------------------------- Ray itself


class RayCluster:
    """Ray, as this file needs it."""

    def __init__(self, address: str | None):
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray = ray
        own = {} if address else {"include_dashboard": False}
        os.environ.setdefault("RAY_worker_niceness", "0")  # by itself Ray's tasks give way to all other programs
        ray.init(address=address, log_to_driver=False, **own)
        # On this side's own machine: one that dies with another's would take the study along.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        self._mailbox = ray.remote(num_cpus=0, scheduling_strategy=here)(_Mailbox).remote()
        self._task = ray.remote(max_retries=MOST_TRIES)(_task)

    def put(self, files: Files) -> Any:
        return self._ray.put(files)

    def at_once(self, job: Job) -> int:
        rooms = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        asked = [(_RESOURCES[name], amount) for name, amount in _needs(job).items() if amount]
        return max([1, *(min(int(room.get(name, 0) // amount) for name, amount in asked) for room in rooms)])

    def submit(self, job: Job, files: Any) -> Any:
        needs = _needs(job)
        return self._task.options(name=job.run, **needs).remote(json_text(job.model_dump()), files, self._mailbox)

    def ended(self, tasks: list[Any], seconds: float) -> list[Any]:
        ready, _ = self._ray.wait(tasks, num_returns=len(tasks), timeout=seconds)
        return list(ready)

    def told(self, task: Any) -> Told:
        try:
            return dict(self._ray.get(task))
        except self._ray.exceptions.RayError as error:
            why = str(error).strip().splitlines()[-1]
            return {"kind": "RunFailed", "message": f"Ray gave the task up after {MOST_TRIES + 1} tries: {why}"}

    def heard(self) -> list[str]:
        try:
            return list(self._ray.get(self._mailbox.take.remote()))
        except self._ray.exceptions.RayError:  # progress is for looking at: runs go on without it
            return []

    def cancel(self, task: Any) -> None:
        self._ray.cancel(task)  # a KeyboardInterrupt there, which process.do hands on

    def close(self) -> None:
        self._ray.shutdown()


_RESOURCES = {"num_cpus": "CPU", "num_gpus": "GPU"}  # what a task asks for, and what a machine calls it


def _needs(job: Job) -> dict[str, int]:
    return {"num_cpus": job.rules.num_threads, "num_gpus": int(job.rules.device.startswith("cuda"))}


def _connected(address: str | None) -> Cluster:
    return RayCluster(address)


class _Mailbox:
    """An actor that keeps lines of progress until they are asked for."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def post(self, line: str) -> None:
        self._lines.append(line)

    def take(self) -> list[str]:
        lines, self._lines = self._lines, []
        return lines


def _task(job: str, files: Files, mailbox: Any) -> Told:
    return do_there(job, files, lambda line: mailbox.post.remote(line))
