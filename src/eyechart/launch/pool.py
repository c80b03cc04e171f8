"""Several jobs at once on this machine, each in a process of its own, on cores of its own where the system lets it.

A thread looks after each process; what they hear goes through one queue to whoever called, so that a reporter is never
called by two threads at once.  Scores are those of the same job alone with the same threads, to the last bit; clocks
are shared, and every job is told so (num_at_once).
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from eyechart.base.errors import EyechartError, Interrupted
from eyechart.launch import process
from eyechart.launch.driver import Launcher, Outcome
from eyechart.launch.signals import Signals
from eyechart.schema import Job
from eyechart.schema.contracts import Progress

if TYPE_CHECKING:
    from eyechart.schema.contracts import Reporter

SAVING_SECONDS = 60.0  # that the others have to save when one of us cannot go on; then they are ended

Doer = Callable[[Job, "Reporter", Signals], None]


def at_once(num_jobs: int, do: Doer = process.do) -> Launcher:
    """Up to `num_jobs` at the same time, begun in their order; outcomes come as they end.

    What fails is an outcome and stops nobody else.  After a wish to stop no job is begun, those under way save and end,
    and Interrupted tells of all of them.  Whoever leaves early (an error of `report`, a full disk) stops them as well.
    """
    assert num_jobs >= 1, "nobody would work"

    def launch(jobs: Iterable[Job], report: Reporter) -> Iterator[Outcome]:
        with Signals() as signals:
            crew = _Crew(num_jobs, do, signals)
            try:
                yield from crew.work(iter(jobs), report)
            finally:
                crew.leave()
        if crew.stopped:
            words = " ".join(dict.fromkeys(str(error) for error in crew.stopped))
            raise Interrupted(words, crew.stopped[0].exit_code - 128)
        if crew.left_out:  # everybody had ended when the wish came
            raise Interrupted(f"Stopped before {crew.left_out} began.", signals.heard[0])

    return launch


def core_shares(num_shares: int, num_threads: int) -> list[tuple[int, ...]]:
    """Cores for each job, none twice; empty ones where the system cannot say or there are too few for their threads."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    size = len(cores) // num_shares
    if size < num_threads:
        return [()] * num_shares
    return [tuple(cores[place * size : (place + 1) * size]) for place in range(num_shares)]


class _Crew:
    """The jobs under way: a thread for each, and one queue for what they say."""

    def __init__(self, num_jobs: int, do: Doer, signals: Signals):
        self.stopped: list[Interrupted] = []
        self.left_out = ""  # the first job that a wish to stop kept from beginning, while nobody was under way
        self._num_jobs, self._do, self._signals = num_jobs, do, signals
        self._said: queue.SimpleQueue[Progress | tuple[Job, BaseException | None]] = queue.SimpleQueue()
        self._threads: dict[str, threading.Thread] = {}  # by run
        self._free: list[tuple[int, ...]] | None = None  # shares of cores that nobody has; None: not dealt yet

    def work(self, jobs: Iterator[Job], report: Reporter) -> Iterator[Outcome]:
        """Outcomes until all jobs are done, or none is left after a wish to stop."""
        is_last = False
        while True:
            while not (is_last or self._signals.heard) and len(self._threads) < self._num_jobs:
                job = next(jobs, None)  # asked for late: what was done meanwhile is not done twice
                is_last = job is None
                if job is not None:
                    self._begin(job)
            if not self._threads:
                if not is_last and (job := next(jobs, None)):
                    self.left_out = job.run
                return
            said = self._said.get()
            if isinstance(said, Progress):
                report(said)
                continue
            outcome = self._ended(*said)
            if outcome:
                yield outcome

    def leave(self) -> None:
        """Nobody is left behind: whoever still works is asked to save, and ended if that takes too long."""
        for seconds in (SAVING_SECONDS, None):
            if not self._threads:
                return
            self._signals.stop_all(signal.SIGTERM)
            for run, thread in list(self._threads.items()):
                thread.join(seconds)
                if not thread.is_alive():
                    del self._threads[run]

    def _begin(self, job: Job) -> None:
        if self._free is None:
            self._free = core_shares(self._num_jobs, job.rules.num_threads)
        told = job.model_copy(update={"num_at_once": self._num_jobs, "cores": self._free.pop(0)})
        thread = threading.Thread(target=self._look_after, args=(told,), name=job.run, daemon=True)
        self._threads[job.run] = thread
        thread.start()

    def _look_after(self, job: Job) -> None:
        error: BaseException | None = None
        try:
            self._do(job, self._said.put, self._signals)
        except BaseException as raised:  # told, and raised again, by the thread that began it
            error = raised
        self._said.put((job, error))

    def _ended(self, job: Job, error: BaseException | None) -> Outcome | None:
        """How a job ended; None for one that was stopped, which stops the others too."""
        self._threads.pop(job.run).join()
        assert self._free is not None
        self._free.append(job.cores)
        if isinstance(error, Interrupted):
            self.stopped.append(error)
            if not self._signals.heard:  # its process alone was asked to stop
                self._signals.stop_all(error.exit_code - 128)
            return None
        if error is not None and not isinstance(error, EyechartError):
            raise error
        return Outcome(job, error)
