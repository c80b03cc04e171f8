"""Several runs at once on one machine: who may do that, with how many threads each, and whether the memory is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.files import storage
from eyechart.launch.driver import Launcher, check_seconds, in_turn
from eyechart.launch.pool import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from eyechart.schema import Budget, StudyRecord

# A process with torch and the smallest network takes more than that (docs/lab-log.md): what does not fit with so
# little for each run fits in no case.
LEAST_BYTES = 400 * 2**20


def threads_each(num_jobs: int, chosen: int | None = None) -> int:
    """Threads of a run: those that were chosen, or the cores that this process may use, shared out; at least 1."""
    from eyechart.base.host import num_cores

    if num_jobs < 1:
        raise UsageError(f"--jobs got {num_jobs}; expected 1 or more: how many runs are done at once.")
    return max(1, num_cores() // num_jobs) if chosen is None else chosen


def launcher_of(num_jobs: int) -> Launcher:
    """One run after the other, or several at once."""
    return in_turn() if num_jobs == 1 else at_once(num_jobs)


def check_together(budget: Budget | None, num_jobs: int) -> None:
    """UsageError for equal seconds on clocks that are shared: who has the quieter neighbour would get more steps."""
    check_seconds(budget, num_jobs, f"--jobs {num_jobs}", "leave --jobs out")


def check_memory(record: StudyRecord, folder: Path, num_jobs: int, say: Callable[[str], None]) -> None:
    """UsageError where the runs cannot all be in this machine's memory, a sentence where others are in the way now.

    A contender of which a run is finished in `folder` takes what that took, others at least what any run takes.
    """
    if num_jobs == 1 or record.rules.device.startswith(("cuda", "mps")):  # what a device has is not counted here
        return
    import psutil

    from eyechart.base.host import memory_bytes

    known = _known_peaks(folder)
    each = [known.get(contender, LEAST_BYTES) for contender in record.contenders for _ in record.seeds]
    needed = sum(sorted(each, reverse=True)[:num_jobs])
    at_hand, installed = psutil.virtual_memory().available, memory_bytes()
    words = f"{num_jobs} runs at once take {_gigabytes(needed)} GB of memory or more"
    if needed > installed:
        raise UsageError(f"{words}, and this machine has {_gigabytes(installed)} GB. Choose a smaller --jobs.")
    if needed > at_hand:
        say(f"{words}, and {_gigabytes(at_hand)} GB are free now: end other programs, or choose a smaller --jobs")


def _known_peaks(folder: Path) -> dict[str, int]:
    """What finished runs of a study took at most, by contender."""
    peaks: dict[str, int] = {}
    for path in storage.find_runs([folder]) if folder.exists() else []:
        run = storage.read_run(path)
        peaks[run.contender] = max(peaks.get(run.contender, LEAST_BYTES), run.cost.peak_memory_bytes)
    return peaks


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.1f}"
