"""What the times of runs are worth: whether each had the machine to itself, and which may be compared (rule 10).

What is not known spoils nothing: run files written before it was measured, machines that do not count it, and runs of
a few seconds, in which counting by ticks shows nothing.  On a CUDA device foreign work of the device itself is not
counted; the matrix product, which runs there, tells of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from eyechart.schema import RunRecord

# More than a desktop takes while nobody works on it; it shares caches, memory and the clock rate of the cores.
MOST_FOREIGN_SHARE = 0.10  # of the machine's cores that other programs may take while a run is timed
# The best of many products in a third of a second repeats within some per cent, even beside other work; a machine that
# was busy, hot or throttled at one end gave 102 against 188 GFLOP/s (lab log).
MOST_MATMUL_CHANGE = 1.15  # between this machine's own matrix product before and after
LEAST_TIMED_SECONDS = 5.0  # of training; CPU time is counted in hundredths of a second, and a moment shows nothing


def foreign_share(run: RunRecord) -> float | None:
    """CPU time that everything else took while the run trained, as a share of all cores, 0..1; None: not known."""
    clocks = run.clocks
    if clocks.training_foreign_cpu_seconds is None or clocks.training_seconds < LEAST_TIMED_SECONDS:
        return None
    # The counter is the machine's, so its cores count, not those that a container or an affinity leaves to the run.
    num_cores = run.host.num_machine_cores or run.host.num_cores
    return min(1.0, clocks.training_foreign_cpu_seconds / (clocks.training_seconds * num_cores))


def matmul_change(run: RunRecord) -> float | None:
    """The larger of the two matrix products over the smaller, 1 or more; None: not known."""
    before, after = run.cost.matmul_before_flops_per_second, run.cost.matmul_after_flops_per_second
    if not before or not after or run.clocks.training_seconds < LEAST_TIMED_SECONDS:
        return None
    return max(before, after) / min(before, after)


def had_foreign_load(run: RunRecord) -> bool:
    """Whether other programs took much of the machine; a run beside others of its own study was shared, not loaded."""
    return not was_shared(run) and (foreign_share(run) or 0.0) > MOST_FOREIGN_SHARE


def machine_changed(run: RunRecord) -> bool:
    """Hotter, throttled, or shared with somebody: the machine was not equally fast before and after."""
    return (matmul_change(run) or 1.0) > MOST_MATMUL_CHANGE


def was_shared(run: RunRecord) -> bool:
    """Whether eyechart itself trained other runs beside it (`--jobs`), for a part of its training at least."""
    return any(segment.num_at_once > 1 for segment in run.clocks.segments)


def is_spoiled(run: RunRecord) -> bool:
    """Whether the run's times should not be compared with others."""
    return was_shared(run) or had_foreign_load(run) or machine_changed(run)


def same_machine(runs: Iterable[RunRecord]) -> bool:
    """One computer, one device, the same threads and versions: else their times are not compared at all."""
    runs = list(runs)
    return len({_machine(run) for run in runs}) == 1 and not differing_packages(runs)


def differing_packages(runs: Iterable[RunRecord]) -> list[str]:
    """Of which versions differ; a package that a run does not name, such as timm, it does not depend on."""
    versions: dict[str, set[str]] = {}
    for run in runs:
        for name, version in run.host.versions.items():
            versions.setdefault(name, set()).add(version)
    return sorted(name for name, found in versions.items() if len(found) > 1)


def are_a_question(runs: Iterable[RunRecord]) -> bool:
    """Whether training times can be compared: on one machine, and where no budget of seconds fixed them beforehand."""
    runs = list(runs)
    return same_machine(runs) and not any(run.rules.budget and run.rules.budget.unit == "seconds" for run in runs)


def _machine(run: RunRecord) -> tuple[object, ...]:
    host = run.host
    return host.hostname, host.cpu, host.device, host.num_threads, run.num_processes
