"""kill -9 anywhere, then --resume: the run must end as if nothing had happened."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audits.chaos.attempts import attempt
from audits.chaos.fault import Fault
from audits.chaos.tally import Tally
from audits.chaos.tiny import CONTENDERS, NUM_STEPS, fingerprint_of, leftovers, tiny_job
from eyechart.schema import RunJob

KILLS_A_RUN = 4
LONGEST_LUCK = 30  # tries to kill one run, some of which come too late
Choose = Callable[[random.Random], Fault]


def kill_runs(
    folder: Path, num_kills: int, say: Callable[[str], None], contenders: tuple[str, ...] = CONTENDERS
) -> Tally:
    """At least `num_kills` kills, four a run, the contenders in turn; those of before are counted, not done again."""
    tally = Tally(folder / "kills.json")
    references = {name: reference(name, folder) for name in contenders}
    number = 0
    while tally.tried < num_kills:
        contender = contenders[number % len(contenders)]
        place = f"killed-{number}-{contender.partition(':')[0]}"
        if not tally.has(place):
            kills, problems = _killed_run(contender, folder, place, random.Random(number), references[contender])
            tally.add(place, len(kills), problems, contender=contender, where=kills)
            say(f"{place}: {tally.tried} kills, {tally.failed} failed{''.join(f'; {each}' for each in problems)}")
        number += 1
    return tally


def reference(contender: str, folder: Path) -> dict[str, Any]:
    """The run that nothing happens to."""
    job = tiny_job(contender, folder, f"reference-{contender.partition(':')[0]}")
    if not (Path(job.folder) / "run.json").exists():
        ended = attempt(job)
        assert ended.done, f"the tiny {contender} cannot even be trained in peace: {ended.error}"
    return fingerprint_of(Path(job.folder))


def _killed_run(
    contender: str, folder: Path, place: str, luck: random.Random, expected: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """A run that is killed four times and then left alone: where it was killed, and what is wrong with it."""
    job = tiny_job(contender, folder, place)
    kills: list[str] = []
    for _ in range(LONGEST_LUCK):
        if len(kills) == KILLS_A_RUN:
            break
        fault, where = _somewhere(luck)
        ended = attempt(job, fault)
        if ended.code == -signal.SIGKILL:
            kills.append(where)
        elif ended.done:  # the kill came too late
            break
        else:
            return kills, [f"it ended by itself with {ended.words}"]
    ended = attempt(job)
    problems = [] if ended.done else [f"it did not go on: {ended.words}"]
    problems = problems or differences(job, expected)
    if not problems:
        shutil.rmtree(Path(job.folder).parent)
    return kills, problems


def _somewhere(luck: random.Random) -> tuple[Fault, str]:
    """Half of the kills inside the write of a checkpoint; the others at any write, at a step, or at any time at all."""
    draw = luck.random()
    if draw < 0.5:  # seven calls write a checkpoint
        return Fault("kill", event=luck.randrange(7 * (NUM_STEPS - 3)), only_checkpoints=True), "checkpoint write"
    if draw < 0.65:
        return Fault("kill", event=luck.randrange(7 * NUM_STEPS + 24)), "any write"
    if draw < 0.8:
        return Fault("kill", step=luck.randrange(1, NUM_STEPS)), "step"
    return Fault("kill", seconds=luck.uniform(0.0, 2.5)), "any time"


def differences(job: RunJob, expected: dict[str, Any]) -> list[str]:
    """What is wrong with a finished run: other bits than those of the run that nothing happened to, or litter."""
    found = fingerprint_of(Path(job.folder))
    wrong = [f"another {name}" for name, value in expected.items() if found[name] != value]
    return wrong + [f"{name} is left" for name in leftovers(Path(job.folder))]
