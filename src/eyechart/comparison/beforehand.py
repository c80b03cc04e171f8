"""What can be said against a study before it starts, from its plan and from the state of the machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from eyechart.comparison import effort, power
from eyechart.schema import Finding

if TYPE_CHECKING:
    from eyechart.schema import Host, Scalar, StudyRecord

MOST_BUSY_SHARE = 0.10  # of the machine's cores that other programs may take
BUSY_SECONDS = 0.5  # for which the machine is watched


def plan_unfairness(
    record: StudyRecord,
    host: Host | None = None,
    busy_share: float = 0.0,
    num_test: int | None = None,
    num_at_once: int = 1,
) -> list[Finding]:
    """What the plan of a study breaks or should say, broken rules first.

    `host` are the facts of this machine, `busy_share` of its cores are taken by other programs now (`busy_share()`),
    `num_test` images are in the dataset's test part, where that is known, and `num_at_once` runs are done at once.
    """
    found = [
        _busy_now(record, busy_share),
        *effort.unequal(
            {name: record.recipes[name] for name in record.contenders},
            dict.fromkeys(record.contenders, frozenset(record.seeds)),
        ),
        _few_seeds(record),
        _own_schedules(record),
        _steps_of_other_sizes(record),
        _pretrained(record),
        _shortened_test(record, num_test),
        *(_machine_findings(record, host, num_at_once) if host else []),
    ]
    findings = [finding for finding in found if finding is not None]
    return sorted(findings, key=lambda finding: finding.kind == "note")


def busy_share(seconds: float = BUSY_SECONDS) -> float:
    """The share of this machine's cores, 0..1, that other programs take; it watches for some `seconds`."""
    import os

    from eyechart.base.clock import busy_cpu_seconds

    start = time.perf_counter(), busy_cpu_seconds() - time.process_time()
    time.sleep(seconds)
    end = time.perf_counter(), busy_cpu_seconds() - time.process_time()
    share = (end[1] - start[1]) / ((end[0] - start[0]) * (os.cpu_count() or 1))
    return min(1.0, max(0.0, share))


def _note(code: str, runs: tuple[str, ...] = (), **facts: Scalar) -> Finding:
    return Finding(kind="note", code=code, runs=runs, facts=facts)


def _busy_now(record: StudyRecord, share: float) -> Finding | None:
    """Where seconds are the budget, foreign load takes training from somebody; elsewhere it only spoils times."""
    if share <= MOST_BUSY_SHARE:
        return None
    in_seconds = record.rules.budget is not None and record.rules.budget.unit == "seconds"
    return Finding(kind="unfair" if in_seconds else "note", code="busy-now", facts={"busy": round(share, 2)})


def _few_seeds(record: StudyRecord) -> Finding | None:
    """Too few for any pair of so many contenders: 6 for one pair, 9 for the ten pairs of five."""
    number = len(record.contenders)
    least = power.fewest_seeds(power.ALPHA / max(1, number * (number - 1) // 2))
    if record.rules.looking or len(record.seeds) >= least or number < 2:  # who looks on the way has planned enough
        return None
    return _note("few-seeds", seeds=len(record.seeds), least=least, list=",".join(map(str, range(least))))


def _own_schedules(record: StudyRecord) -> Finding | None:
    if record.rules.budget is not None or len(record.contenders) < 2:
        return None
    return Finding(
        kind="note",
        code="own-schedules",
        runs=record.contenders,
        facts={f"epochs {name}": record.recipes[name].epochs for name in record.contenders},
    )


def _steps_of_other_sizes(record: StudyRecord) -> Finding | None:
    """A step of a larger batch is more training."""
    budget = record.rules.budget
    sizes = {name: record.recipes[name].batch_size for name in record.contenders}
    if budget is None or budget.unit != "steps" or len(set(sizes.values())) < 2:
        return None
    facts: dict[str, Scalar] = {f"images {name}": round(budget.amount * size) for name, size in sizes.items()}
    return Finding(kind="note", code="steps-of-other-sizes", runs=record.contenders, facts=facts)


def _pretrained(record: StudyRecord) -> Finding | None:
    started = {name: record.recipes[name].weights for name in record.contenders}
    started = {name: weights for name, weights in started.items() if weights != "none"}
    if not started or len(started) == len(record.contenders):
        return None
    facts: dict[str, Scalar] = {f"on {name}": weights for name, weights in started.items()}
    return Finding(kind="note", code="pretrained", runs=tuple(started), facts=facts)


def _shortened_test(record: StudyRecord, num_test: int | None) -> Finding | None:
    images = record.rules.max_test_images
    is_shortened = images is not None and (num_test is None or images < num_test)
    return _note("shortened-test", images=images) if images is not None and is_shortened else None


def _machine_findings(record: StudyRecord, host: Host, num_at_once: int) -> list[Finding]:
    found, num_threads = [], record.rules.num_threads * num_at_once
    if num_threads > host.num_cores:
        found.append(_note("too-many-threads", threads=num_threads, cores=host.num_cores))
    if num_at_once > 1:
        found.append(_note("shared-machine", at_once=num_at_once))
    if host.commit.endswith("-dirty"):
        found.append(_note("dirty-code"))
    return found
