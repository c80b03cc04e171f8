"""A process that does one run: a Job as JSON on standard input, Progress as JSON lines on standard output.

All of it is ASCII: no locale can spoil it.  The process runs in UTF-8 mode (children.py), where the job's paths are
what they say.

A process of its own gives every contender the same clean start (memory, threads, allocator), keeps a crash in one from
taking the others along, and makes peak memory a fact about that contender.  The last line is {"done": true} or
{"error": {...}}; everything else that a library prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import TypeAdapter

from eyechart.base.errors import EyechartError, Interrupted, is_of_memory
from eyechart.base.plain_json import json_text
from eyechart.files.storage import FAILURE_FILE, write_text
from eyechart.schema import Job, TrialJob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema.contracts import Progress, Reporter


class StopSignals:
    """Remembers that Ctrl-C or SIGTERM came, or that the parent is gone, for the training loop to ask."""

    def __init__(self) -> None:
        self._number: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda heard, _: self.stop(heard))

    def __call__(self) -> int | None:
        return self._number

    def stop(self, number: int) -> None:
        self._number = number


def main() -> int:
    stop_signals = StopSignals()
    answers = take_standard_output()
    job: Job = TypeAdapter(Job).validate_python(json.loads(sys.stdin.buffer.read()))  # a name may be no text

    keep_to(job.cores)  # before torch counts them

    def report(progress: Progress) -> None:
        try:
            print(progress_line(progress), file=answers, flush=True)
        except BrokenPipeError:  # the parent was killed: save and end
            stop_signals.stop(signal.SIGTERM)

    try:
        _do(job, report, stop_signals)
        answer: dict[str, Any] = {"done": True}
    except Exception as error:
        answer = {"error": _facts(error)}
        if not isinstance(error, Interrupted):
            _leave_reason(job, str(answer["error"]["message"]))
    with contextlib.suppress(BrokenPipeError):
        print(json_text(answer), file=answers, flush=True)
    return 0


def progress_line(progress: Progress) -> str:
    """What is not known is left out: a null is a number that is none."""
    return json_text({name: value for name, value in progress._asdict().items() if value is not None})


def _do(job: Job, report: Reporter, stop_signals: StopSignals) -> None:
    from eyechart.base import host

    host.tune_allocator()  # before torch asks for its first memory
    from eyechart.runner.run import run_contender
    from eyechart.runner.trial import run_trial

    if isinstance(job, TrialJob):
        run_trial(job, report, stop_signals, _age_seconds())
    else:
        run_contender(job, report, stop_signals, _age_seconds())


def _facts(error: Exception) -> dict[str, object]:
    """An error as plain facts: its kind, what to tell the user, and the traceback when it is no user's error."""
    import traceback

    expected = isinstance(error, EyechartError)
    return {
        "kind": type(error).__name__,
        "message": str(error) if expected else _unexpected(error),
        "exit_code": getattr(error, "exit_code", 1),
        "traceback": "" if expected else "".join(traceback.format_exception(error)),
    }


def _unexpected(error: Exception) -> str:
    if is_of_memory(error):
        return "The memory is full. Use a smaller batch (-b), a smaller --img-size, or a machine with more of it."
    return f"{type(error).__name__}: {error}"


def _leave_reason(job: Job, reason: str) -> None:
    """Best effort: a disk that is full refuses this file as well, and the parent is told anyway."""
    with contextlib.suppress(EyechartError):
        write_text(Path(job.folder) / FAILURE_FILE, json_text({"reason": reason}) + "\n")


def keep_to(cores: Sequence[int]) -> None:
    """Leave the other cores to the runs beside, where some are named and the system obeys."""
    if cores and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # a container may have taken one away meanwhile
            os.sched_setaffinity(0, cores)


def take_standard_output() -> TextIO:
    """Keep the real standard output for answers; whatever prints from now on goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _age_seconds() -> float:
    """How long this process has been alive: starting Python and importing belong to the preparation."""
    import psutil

    born: float = psutil.Process().create_time()
    return max(0.0, time.time() - born)


if __name__ == "__main__":
    sys.exit(main())
