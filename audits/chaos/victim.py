"""A worker like any other, but that one thing happens to it; checkpoints come after every step.

Its disk is the real one: what happens, happens at the calls by which files are written (half of the content, fsync,
rename, fsync of the folder), which are counted, so that every moment of a write can be met.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import faster_coco_eval  # noqa: F401 (this and the next three: what a run loads late, loaded before the processes fork)
import psutil  # noqa: F401
import scipy.special  # noqa: F401
import torch

from audits.chaos.fault import Fault
from eyechart.base.plain_json import json_text
from eyechart.evaluation import cost
from eyechart.files import storage
from eyechart.launch import worker
from eyechart.runner import run as _whole_run  # noqa: F401
from eyechart.schema import Cost
from eyechart.training import loop
from eyechart.training.step import Step

ROOM_BYTES = 2**20  # that a process without memory may still take
MOST_BYTES = 20_000  # of a file where there is a limit: less than a checkpoint, more than what a victim says


def live(fault: Fault, job: str, place: Path) -> None:
    """Do a job as a worker does, in a process that was forked for it; what it says goes into files of `place`."""
    (place / "in").write_text(job, encoding="ascii")
    for number, (name, mode) in enumerate((("in", os.O_RDONLY), ("out", os.O_WRONLY), ("err", os.O_WRONLY))):
        descriptor = os.open(place / name, mode | (os.O_CREAT if number else 0), 0o600)
        os.dup2(descriptor, number)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    loop.CHECKPOINT_SECONDS = -1.0
    loop.PROGRESS_SECONDS = 0.0
    cost.measure_cost = _no_cost  # seconds of measuring, which change no bit
    cost.matmul_flops_per_second = lambda *given: 1.0
    events = _Events(fault)
    _watch_files(events)
    _watch_steps(fault)
    if fault.seconds >= 0:
        timer = threading.Timer(fault.seconds, strike, [fault])
        timer.daemon = True
        timer.start()
    worker.main()
    (place / "events").write_text(json_text(events.seen), encoding="utf-8")


def strike(fault: Fault) -> None:
    """Let it happen."""
    if fault.kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault.kind == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    elif fault.kind == "error":
        raise OSError(fault.number, os.strerror(fault.number))
    elif fault.kind == "file size":  # the kernel's own refusal, as a quota gives it
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, resource.RLIM_INFINITY))
    elif fault.kind == "memory":
        raise MemoryError
    elif fault.kind == "no memory":  # the kernel's own refusal
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + ROOM_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        torch.empty(64 * ROOM_BYTES)


class _Events:
    """Counts the calls by which files are written, and lets the fault happen at one of them."""

    def __init__(self, fault: Fault):
        self.seen: list[str] = []
        self._fault = fault
        self.file = ""  # that is being written

    def __call__(self, name: str) -> None:
        if self._fault.only_checkpoints and self.file != storage.CHECKPOINT_FILE:
            return
        self.seen.append(f"{self.file} {name}")
        if len(self.seen) - 1 == self._fault.event:
            strike(self._fault)


def _watch_files(events: _Events) -> None:
    atomic_file, fsync, replace, sync_folder = storage.atomic_file, os.fsync, os.replace, storage.sync_folder

    @contextmanager
    def watched(path: Path) -> Iterator[BinaryIO]:
        events.file = path.name
        with atomic_file(path) as file:
            yield _InHalves(file, events)  # type: ignore[misc]
        events.file = ""

    def before(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def happens(*arguments: Any) -> Any:
            events(name)
            return call(*arguments)

        return happens

    storage.atomic_file = watched  # type: ignore[assignment]
    os.fsync, os.replace = before("fsync", fsync), before("rename", replace)
    storage.sync_folder = before("sync folder", sync_folder)


class _InHalves:
    """A file whose content comes in two halves, with an event between them."""

    def __init__(self, file: BinaryIO, events: _Events):
        self._file, self._events = file, events

    def write(self, content: bytes) -> int:
        half = len(content) // 2
        written = self._file.write(content[:half])
        if half > 512:  # a zip file is written in many small pieces
            self._file.flush()
            self._events("half")
        return written + self._file.write(content[half:])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _watch_steps(fault: Fault) -> None:
    work = Step.__call__

    def watched(step: Step, number: int, rate: float) -> torch.Tensor:
        if number == fault.step:
            strike(fault)
        return work(step, number, rate)

    Step.__call__ = watched  # type: ignore[method-assign]


def _no_cost(*given: Any, **more: Any) -> Cost:
    return Cost(
        num_parameters=0, num_trainable=0, forward_flops=0.0, training_flops=0.0, peak_memory_bytes=0,
        inference_images_per_second=0.0, latency_seconds=0.0, matmul_flops_per_second=1.0, mfu=0.0,
    )  # fmt: skip
