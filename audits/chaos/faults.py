"""Disks and memory that refuse, and signals: it must be said, nothing may be half-written, and --resume goes on."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from audits.chaos.attempts import Ended, attempt
from audits.chaos.fault import Fault
from audits.chaos.kills import differences, reference
from audits.chaos.tally import Tally
from audits.chaos.tiny import CONTENDERS, NUM_STEPS, tiny_job
from eyechart.schema import RunJob

# Inside the second checkpoint, so that there is one to go on from; the first one's write has six calls, its own seven.
HALF, FSYNC, RENAME_OLD, RENAME_NEW, FOLDER = 6, 7, 8, 10, 11
AFTER_TRAINING = 6 + 7 * (NUM_STEPS - 2) + 1  # inside the first of the files that stay


class Case(NamedTuple):
    """A fault, and what must be said of it."""

    name: str
    fault: Fault
    kind: str  # of error; empty: any
    words: str  # in its message


def _error(name: str, event: int, number: int) -> Case:
    words = "disk is full" if number == errno.ENOSPC else "could not be written"
    return Case(name, Fault("error", event=event, number=number), "DiskRefused", words)


CASES = (
    _error("full disk, half-way", HALF, errno.ENOSPC),
    _error("full disk, at fsync", FSYNC, errno.ENOSPC),
    _error("full disk, after the last step", AFTER_TRAINING, errno.ENOSPC),
    Case("file size limit", Fault("file size", step=3), "DiskRefused", "could not be written"),
    _error("I/O error, half-way", HALF, errno.EIO),
    _error("I/O error, at fsync", FSYNC, errno.EIO),
    _error("I/O error, at the first rename", RENAME_OLD, errno.EIO),
    _error("I/O error, at the second rename", RENAME_NEW, errno.EIO),
    _error("I/O error, at the folder", FOLDER, errno.EIO),
    _error("read-only disk", HALF, errno.EROFS),
    Case("SIGTERM", Fault("term", step=4), "Interrupted", "saved"),
    Case("SIGTERM, inside a write", Fault("term", event=RENAME_OLD), "Interrupted", "saved"),
    Case("memory error", Fault("memory", step=4), "MemoryError", "memory is full"),
    Case("memory limit", Fault("no memory", step=4), "", "memory is full"),
)


def meet_faults(folder: Path, say: Callable[[str], None], contenders: tuple[str, ...] = CONTENDERS) -> Tally:
    """Every fault once for every contender, and a disk that is really full where one can be mounted or made."""
    tally = Tally(folder / "faults.json")
    for contender in contenders:
        expected = reference(contender, folder)
        for case in CASES:
            place = f"fault-{contender.partition(':')[0]}-{case.name.replace(' ', '-').replace('/', '-')}"
            if not tally.has(place):
                problems = _met(contender, case, folder, place, expected)
                tally.add(place, 1, problems, contender=contender, fault=case.name)
                say(f"{place}: {'as it should be' if not problems else '; '.join(problems)}")
    return tally


def _met(contender: str, case: Case, folder: Path, place: str, expected: dict[str, Any]) -> list[str]:
    """What is wrong with what was said, with what was left, and with the run once it was gone on with."""
    job = tiny_job(contender, folder, place)
    problems = [*_said(case, attempt(job, case.fault)), *_half_written(job)]
    ended = attempt(job)
    problems += differences(job, expected) if ended.done else [f"it did not go on: {ended.words}"]
    if not problems:
        shutil.rmtree(Path(job.folder).parent)
    return problems


def _said(case: Case, ended: Ended) -> Iterator[str]:
    if ended.error.get("kind") != (case.kind or ended.error.get("kind")) or case.words not in ended.error.get(
        "message", ""
    ):
        yield f"it said {ended.words}, not {case.kind} with {case.words!r}"


def _half_written(job: RunJob) -> Iterator[str]:
    for path in Path(job.folder).glob(".*.partial"):
        yield f"{path.name} is half-written"
