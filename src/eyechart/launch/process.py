"""Do one run in a process of its own, pass on its signs of life, and pass in a wish to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from eyechart import errors
from eyechart.contracts import Progress
from eyechart.plain_json import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyechart.contracts import Reporter
    from eyechart.schema import Job

KEPT_LINES = 20  # of a crashed worker's standard error


def do(job: Job, report: Reporter) -> None:
    """Run a job to its end.

    Raises the worker's own error (Interrupted after a wish to stop), or RunFailed when its process died.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "eyechart.launch.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(job.rules.num_threads),
        # Ctrl-C reaches a whole group of processes; alone in its own, the worker hears it once, from us.
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    complaints = _Tail(process)
    with _passing_signals_to(process) as asked, process:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(job.model_dump_json())
            process.stdin.close()
        last = _follow(process, report)
    complaints.join()
    if asked and ("done" in last or process.returncode < 0):
        how = "was finished" if "done" in last else "was ended at once; its last checkpoint stays"
        raise errors.Interrupted(f"Stopped: {job.run} {how}.", asked[0])
    if "done" in last:
        return
    raise _error(job, last.get("error"), process.returncode, complaints.text())


def _follow(process: subprocess.Popen[str], report: Reporter) -> dict[str, Any]:
    """Report every line of progress; the last line, which says how it ended, or {}."""
    assert process.stdout
    for line in process.stdout:
        message = read_json(line)
        if "done" in message or "error" in message:
            process.wait()
            return dict(message)
        report(Progress(**message))
    return {}


class _Tail:
    """Reads standard error as it comes, so that the pipe never fills, and keeps the end of it."""

    def __init__(self, process: subprocess.Popen[str]):
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._thread.start()

    def _read(self, stream: Any) -> None:
        with contextlib.suppress(ValueError):  # closed while reading
            for line in stream:
                self._lines = [*self._lines[-KEPT_LINES:], line]

    def join(self) -> None:
        self._thread.join(timeout=5)

    def text(self) -> str:
        return "".join(self._lines).strip()


@contextlib.contextmanager
def _passing_signals_to(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Hand SIGINT and SIGTERM on to the worker, which saves and ends; a second one ends it at once.

    Yields the list of signals that came.  Only the main thread may do this.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def hand_on(number: int, frame: object) -> None:
        asked.append(number)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number if len(asked) == 1 else signal.SIGKILL)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def environment(num_threads: int) -> dict[str, str]:
    """OpenMP reads its settings once, at the start of a process.

    Threads that wait for each other spin for some microseconds and then sleep.  Where another program wants a core as
    well, threads that spin for as long as GNU's OpenMP does by itself keep each other from working: training was ten
    times slower and more.  Threads that sleep at once halve the speed of small networks (docs/lab-log.md).
    CUBLAS_WORKSPACE_CONFIG lets CUDA's matrix products give the same bits every time; elsewhere nobody reads it.
    """
    settings = {"OMP_NUM_THREADS": str(num_threads), "PYTHONUNBUFFERED": "1"}
    return {"GOMP_SPINCOUNT": "10000", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"} | os.environ | settings


def _error(job: Job, facts: dict[str, Any] | None, return_code: int, complaints: str) -> errors.EyechartError:
    """The worker's error, made anew on this side."""
    if facts is None:
        how = f"was ended by signal {-return_code}" if return_code < 0 else f"ended with code {return_code}"
        hint = " Signal 9 is usually the system running out of memory: use a smaller -b." if return_code == -9 else ""
        return errors.RunFailed(f"The process of {job.run} {how} before it was done.{hint}\n{complaints}".strip())
    kind = getattr(errors, facts["kind"], errors.RunFailed)
    if kind is errors.Interrupted:
        return errors.Interrupted(facts["message"], facts["exit_code"] - 128)
    message = facts["message"] + (f"\n{facts['traceback']}" if facts["traceback"] else "")
    failure: errors.EyechartError = kind(message)
    return failure
