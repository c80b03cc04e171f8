"""Machines that die under a Ray cluster: every run must end once, as if nothing had happened.

The machines are raylets of this one.  Killed with signal 9, they take their tasks along; workers that are left over
find their pipe broken, while Ray starts the same run on another machine.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from audits.chaos.tally import Tally
from audits.chaos.tiny import fingerprint_of, leftovers
from eyechart.launch.ray_cluster import on_ray
from eyechart.schema import Budget, StudyRecord
from eyechart.schema.contracts import Progress
from eyechart.study.plan import plan_study
from eyechart.study.study import run_study

KILLS_A_ROUND = 2  # with four tries a run, Ray gives none of them up
NUM_MACHINES = 2
NUM_STEPS = 400
LONGEST_WAIT = 4.0  # seconds from a sign of training to the kill


def has_ray() -> bool:
    return importlib.util.find_spec("ray") is not None


def kill_nodes(folder: Path, num_kills: int, say: Callable[[str], None]) -> Tally:
    """At least `num_kills` machines killed, two in each study of four runs; those of before are counted."""
    tally = Tally(folder / "node-kills.json")
    expected = _of_all(_alone(folder))
    number = 0
    while tally.tried < num_kills:
        place = f"machines-{number}"
        if not tally.has(place):
            kills, problems = _round(folder, place, random.Random(number), expected)
            tally.add(place, kills, problems)
            say(f"{place}: {tally.tried} machines killed, {tally.failed} failed{''.join(f'; {x}' for x in problems)}")
        number += 1
    return tally


def _study(name: str) -> StudyRecord:
    return plan_study(["cnn", "vit"], "digits", "smoke", (0, 1), name=name, device="cpu", precision="float32",
                      num_threads=1, budget=Budget(unit="steps", amount=NUM_STEPS), num_evaluations=4)  # fmt: skip


def _alone(folder: Path) -> Path:
    """The study that nothing happens to, one run after the other."""
    place = folder / "machines-reference"
    study = run_study(_study(place.name), place, lambda progress: None, offline=True)
    study.raise_failures()
    return place


def _of_all(place: Path) -> dict[str, dict[str, Any]]:
    return {run.parent.name: fingerprint_of(run.parent) for run in sorted(place.glob("*/run.json"))}


def _round(folder: Path, place: str, luck: random.Random, expected: dict[str, Any]) -> tuple[int, list[str]]:
    """A study on a cluster whose machines are killed: how many were, and what is wrong with what is left."""
    with _cluster() as (address, kill_one):
        killer = _Killer(luck, kill_one)
        study = run_study(_study(place), folder / place, killer.report, offline=True, launch=on_ray(address))
    found = _of_all(folder / place)
    problems = [f"{run} failed: {error}" for run, error in study.failures.items()]
    problems += [f"{run} is not what it is alone" for run in expected if found.get(run) != expected[run]]
    problems += [f"{name} is left in {run}" for run in found for name in leftovers(folder / place / run)]
    if not problems:
        shutil.rmtree(folder / place)
    return killer.kills, problems


class _Killer:
    """Kills a machine a while after a sign of training, as often as a round wants; in between, signs are heard."""

    def __init__(self, luck: random.Random, kill_one: Callable[[random.Random], None]):
        self.kills = 0
        self._luck, self._kill_one = luck, kill_one
        self._due = math.inf  # on the monotonic clock

    def report(self, progress: Progress) -> None:
        if self.kills == KILLS_A_ROUND or progress.stage != "training":
            return
        now = time.monotonic()
        if self._due == math.inf:
            self._due = now + self._luck.uniform(0, LONGEST_WAIT)
        if now >= self._due:
            self._kill_one(self._luck)  # in this thread, the main one: Ray starts machines from no other
            self.kills, self._due = self.kills + 1, math.inf


@contextlib.contextmanager
def _cluster() -> Iterator[tuple[str, Callable[[random.Random], None]]]:
    """The address of a cluster of small machines, and what kills one of them and brings another."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_worker_niceness", "0")  # else the tasks give way to whatever else runs here
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    machines = [cluster.add_node(num_cpus=1) for _ in range(NUM_MACHINES)]

    def kill_one(luck: random.Random) -> None:
        machine = machines.pop(luck.randrange(len(machines)))
        cluster.remove_node(machine, allow_graceful=False)
        machines.append(cluster.add_node(num_cpus=1))

    try:
        yield cluster.address, kill_one
    finally:
        cluster.shutdown()
