"""Time the steps of jobs for a moment in a process of its own, on the device and in the precision of its rules.

A process of its own: a device that crashes, hangs or runs out of memory takes nothing along, and leaves nothing behind.
The jobs go in as JSON on standard input, `{"paces": {...}}` or `{"error": "..."}` comes back as the last line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from eyechart.base import children
from eyechart.base.errors import RunFailed
from eyechart.base.plain_json import json_text, read_json
from eyechart.launch import process, worker
from eyechart.schema import RunJob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eyechart.runner.estimate import Estimate

LONGEST_SECONDS = 180.0  # for all contenders together, importing torch included: what is slower will not win


class TooSlow(RunFailed):
    """It works, as far as is known, and was not timed."""


class PlannedWork(NamedTuple):
    """What one contender is going to do with one seed."""

    training_seconds: float
    images: int


def time_jobs(jobs: Sequence[RunJob]) -> dict[str, PlannedWork]:
    """The planned work of every job's contender, timed in a fresh process.

    RunFailed says why there is no answer, TooSlow that it took too long.
    """
    call = f"[{','.join(map(process.as_json, jobs))}]"
    try:
        variables = process.environment(jobs[0].rules.num_threads)
        done = children.run(command(), seconds=LONGEST_SECONDS, told=call, variables=variables)
    except subprocess.TimeoutExpired:
        raise TooSlow(f"it was not timed within {LONGEST_SECONDS:.0f} s") from None
    except OSError as error:
        raise RunFailed(f"its process could not be started ({error.strerror})") from error
    answer = _answer(done.stdout)
    if done.returncode or not answer:
        complaint = done.stderr.strip().splitlines()[-1:] or [""]
        raise RunFailed(f"its process ended with code {done.returncode}: {complaint[0]}")
    if "error" in answer:
        raise RunFailed(str(answer["error"]))
    return {contender: PlannedWork(*work) for contender, work in answer["paces"].items()}


def command() -> list[str]:
    """The command line of the process; a function of its own so that tests can replace it."""
    return children.python("eyechart.launch.probe")


def _answer(output: str) -> dict[str, Any]:
    """What the last line says; {} where it says nothing of ours."""
    try:
        answer = read_json(output.splitlines()[-1])
    except (ValueError, IndexError):
        return {}
    return answer if isinstance(answer, dict) and answer.keys() & {"error", "paces"} else {}


def main() -> int:
    answers = worker.take_standard_output()
    jobs = [RunJob.model_validate(job) for job in json.loads(sys.stdin.buffer.read())]  # a name may be no text
    said: list[str] = [""]
    try:
        work = {
            estimate.contender: (estimate.training_seconds, estimate.images_seen)
            for estimate in _estimates(jobs, said.append)
        }
        answer: dict[str, object] = {"paces": work}
    except Exception as error:  # what a device may raise is not known beforehand
        answer = {"error": f"{said[-1]}: {str(error).strip() or type(error).__name__}"}
    print(json_text(answer), file=answers, flush=True)
    return 0


def _estimates(jobs: Sequence[RunJob], say: Callable[[str], None]) -> list[Estimate]:
    import tempfile

    from eyechart.base import host

    host.tune_allocator()  # as the worker does; before torch asks for its first memory
    from eyechart.runner.estimate import estimate

    with tempfile.TemporaryDirectory() as folder:
        return estimate([job.model_copy(update={"folder": folder}) for job in jobs], say=say, is_brief=True)


if __name__ == "__main__":
    sys.exit(main())
