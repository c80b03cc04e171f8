"""Do one run in a process of its own, pass on its signs of life, and pass in a wish to stop.

Whatever goes wrong on this side, the process is ended before the error is told: nobody waits for the other for ever.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from eyechart.base import children, errors
from eyechart.base.plain_json import json_text, read_json
from eyechart.files import addresses, generations, storage
from eyechart.files.file_names import for_utf8_mode
from eyechart.launch.signals import Signals, kill
from eyechart.schema import Frozen
from eyechart.schema.contracts import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eyechart.schema import Job
    from eyechart.schema.contracts import Reporter

KEPT_LINES = 20  # of a crashed worker's standard error
LEAVING_SECONDS = 60.0  # from a worker's last word to its end: then nothing of it is worth waiting for
COMPLAINT_SECONDS = 5.0  # from a worker's end to that of its standard error, which a process it left behind may hold


def do(job: Job, report: Reporter, signals: Signals | None = None) -> None:
    """Run a job to its end; `signals` are those that somebody hears for several jobs at once.

    Raises the worker's own error (Interrupted after a wish to stop), RunFailed when its process died or talked
    nonsense, and whatever `report` raises; the process is ended then.
    """
    handed_over = as_json(job)  # an error in here must not leave a worker waiting
    hearing = Signals() if signals is None else contextlib.nullcontext(signals)
    with hearing as signals, addresses.kept_up(Path(job.folder)), _worker(job) as process:
        complaints = _Tail(process)
        signals.go_to(process)
        _hand_over(process, handed_over)
        last = _follow(process, job, report)
    complaints.join()
    if signals.heard and "error" not in last:
        saved = generations.there(Path(job.folder) / storage.CHECKPOINT_FILE)
        kept = "its last checkpoint stays" if saved else "nothing of it had been saved yet"
        how = "was finished" if "done" in last else f"was ended at once; {kept}"
        raise errors.Interrupted(f"Stopped: {job.run} {how}.", signals.heard[0])
    if "done" in last:
        return
    raise _error(job, last.get("error"), process.returncode, complaints.text())


def as_json(job: Job) -> str:
    """A job as ASCII, with its folder as a worker in UTF-8 mode opens it, whatever bytes its name has."""
    return json_text(job.model_dump() | {"folder": for_utf8_mode(job.folder)})


def command() -> list[str]:
    """The command line of a worker; a function of its own so that tests can replace it."""
    return children.python("eyechart.launch.worker")


def environment(num_threads: int) -> dict[str, str]:
    """OpenMP reads its settings once, at the start of a process.

    Threads that wait for each other spin for some microseconds and then sleep.  Where another program wants a core as
    well, threads that spin for as long as GNU's OpenMP does by itself keep each other from working: training was ten
    times slower and more.  Threads that sleep at once halve the speed of small networks (docs/lab-log.md).
    CUBLAS_WORKSPACE_CONFIG lets CUDA's matrix products give the same bits every time; elsewhere nobody reads it.
    """
    settings = children.environment(OMP_NUM_THREADS=str(num_threads), PYTHONUNBUFFERED="1")
    return {"GOMP_SPINCOUNT": "10000", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"} | settings


# --------------------------------------------------------------------------------------------- the process


@contextlib.contextmanager
def _worker(job: Job) -> Iterator[subprocess.Popen[str]]:
    """A worker that is gone when this ends, whatever happened inside."""
    try:
        process = subprocess.Popen(
            command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",  # a library in C may write anything
            env=environment(job.rules.num_threads),
            # Ctrl-C reaches a whole group of processes; alone in its own, the worker hears it once, from us.
            start_new_session=True,
        )
    except OSError as error:
        raise errors.RunFailed(
            f"No process could be started for {job.run} ({error.strerror}). Free some memory, or end other programs."
        ) from error
    try:
        yield process
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LEAVING_SECONDS)
    finally:
        kill(process)
        process.wait()
        for stream in (process.stdin, process.stdout):  # standard error is closed by whoever reads it
            with contextlib.suppress(BrokenPipeError):
                stream.close()  # type: ignore[union-attr]


def _hand_over(process: subprocess.Popen[str], job: str) -> None:
    assert process.stdin
    with contextlib.suppress(BrokenPipeError):  # it died: told when its answer is missing
        process.stdin.write(job)
        process.stdin.close()


def _follow(process: subprocess.Popen[str], job: Job, report: Reporter) -> dict[str, Any]:
    """Report every line of progress; the last line, which says how it ended, or {}."""
    assert process.stdout
    for line in process.stdout:
        try:
            message = dict(read_json(line))
            if "done" in message:
                return message
            if "error" in message:
                return {"error": _Failure(**message["error"])}
            progress = Progress(**message)
        except (ValueError, TypeError, RecursionError):
            raise errors.RunFailed(
                f"The process of {job.run} wrote {line.strip()[:200]!r} where only eyechart writes, so it was ended. "
                f"Something that is imported there prints (a sitecustomize, a library); mend that, then run again."
            ) from None
        report(progress)
    return {}


class _Tail:
    """Reads standard error as it comes, so that the pipe never fills, and keeps the end of it."""

    def __init__(self, process: subprocess.Popen[str]):
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._thread = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            self._lines.extend(stream)

    def join(self) -> None:
        self._thread.join(COMPLAINT_SECONDS)

    def text(self) -> str:
        return "".join(list(self._lines)).strip()  # a copy: somebody may still hold the pipe and write


# --------------------------------------------------------------------------------------------- its errors


class _Failure(Frozen):
    """The worker's error as plain facts.  pydantic's ValidationError is a ValueError."""

    kind: str
    message: str
    exit_code: int
    traceback: str


def _error(job: Job, facts: _Failure | None, return_code: int, complaints: str) -> errors.EyechartError:
    """The worker's error, made anew on this side."""
    if facts is None:
        how = f"was ended by signal {-return_code}" if return_code < 0 else f"ended with code {return_code}"
        hint = " Signal 9 is usually the system running out of memory: use a smaller -b." if return_code == -9 else ""
        return errors.RunFailed(f"The process of {job.run} {how} before it was done.{hint}\n{complaints}".strip())
    kind = getattr(errors, facts.kind, None)
    if kind is errors.Interrupted:
        return errors.Interrupted(facts.message, facts.exit_code - 128)
    message = facts.message + (f"\n{facts.traceback}" if facts.traceback else "")
    is_ours = isinstance(kind, type) and issubclass(kind, errors.EyechartError)
    return kind(message) if is_ours else errors.RunFailed(message)  # type: ignore[misc]
