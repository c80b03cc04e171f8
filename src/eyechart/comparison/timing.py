"""What a contender's training took, and whether the time can be trusted (protocol rule 10).

A milestone such as 98 % is reached at the first look at the validation part that is at or above it.  Nothing is
interpolated between looks: accuracy jumps about, and a model at 98 % is there only when one was seen.  So the
resolution is that of the looks, and the last look below stands beside the first one above.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from eyechart.schema import HistoryPoint, RunRecord
from eyechart.scoring.times import foreign_share, is_spoiled, was_shared

MILESTONES = (0.97, 0.98, 0.99)  # validation accuracy
PRODUCT_SIDE = 2048
PRODUCT_FLOPS = 2.0 * PRODUCT_SIDE**3  # of one product of two 2048 x 2048 matrices: 17.2 GFLOP


@dataclass(frozen=True)
class Crossing:
    """When one run reached a milestone."""

    seconds: float  # on the training clock, of the first look at or above it
    seconds_below: float  # of the look before that one, 0 when it was the first
    images_seen: int


@dataclass(frozen=True)
class Milestone:
    """When the runs of one contender reached a validation accuracy; runs that did not are a result as well."""

    accuracy: float
    num_reached: int
    num_runs: int
    seconds: float | None  # median over all runs, those that never got there counted last; None: the median run did not
    earliest: float | None  # of the runs that reached it
    latest: float | None
    looks_apart: float | None  # seconds: how far the look before was, at most


@dataclass(frozen=True)
class Spread:
    """A quantity over the runs of a contender."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Timing:
    """The clocks of one contender, over its runs, with what a time means nothing without."""

    contender: str
    num_runs: int
    training_seconds: Spread
    cpu_seconds: Spread
    training_flops: Spread  # counted, the whole training
    products: Spread  # products of two 2048 x 2048 matrices that this machine would have done in the training time
    milestones: tuple[Milestone, ...]
    foreign_load: float | None  # share of the machine's cores that other work took, the worst run; None: not known
    input_pixels: str  # "28 x 28"
    batch_size: int
    precision: str
    device: str
    num_threads: int
    spoiled: tuple[str, ...]  # names of runs whose times are not to be trusted
    resumed: tuple[str, ...]  # names of runs that are sums of several segments


def timing(contender: str, runs: Sequence[RunRecord]) -> Timing:
    """The clocks of one contender's `runs`, of which there is at least one."""
    alone = [run for run in runs if not was_shared(run)]  # beside others of the study, their work is in the counter
    loads = [load for load in map(foreign_share, alone) if load is not None]
    timed = [run for run in runs if run.status == "finished"] or runs  # what diverged ended early
    first = runs[0]
    shape = first.preprocessing
    return Timing(
        contender=contender,
        num_runs=len(runs),
        training_seconds=_spread([run.clocks.training_seconds for run in timed]),
        cpu_seconds=_spread([run.clocks.training_cpu_seconds for run in timed]),
        training_flops=_spread([training_flops(run) for run in timed]),
        products=_spread([training_products(run) for run in timed]),
        milestones=tuple(milestone(runs, accuracy) for accuracy in MILESTONES),
        foreign_load=max(loads) if loads else None,
        input_pixels=f"{shape.input_height} x {shape.input_width}",
        batch_size=first.plan.batch_size,
        precision=first.rules.precision.replace("auto", "float32"),  # where nobody settled it
        device=first.host.device,
        num_threads=first.host.num_threads,
        spoiled=tuple(run.run for run in runs if is_spoiled(run)),
        resumed=tuple(run.run for run in runs if is_resumed(run)),
    )


# --------------------------------------------------------------------------------------------- one run


def time_to(history: Sequence[HistoryPoint], accuracy: float) -> Crossing | None:
    """The first look at or above a validation accuracy (0..1); None: never seen there."""
    before = 0.0
    for point in history:
        if point.mark >= accuracy:
            return Crossing(point.training_seconds, before, point.images_seen)
        before = point.training_seconds
    return None


def training_flops(run: RunRecord) -> float:
    """Counted operations of the whole training, a multiply-add as two."""
    return run.cost.training_flops * run.images_trained_on


def training_products(run: RunRecord) -> float:
    """The training time in units of this machine: 2048 x 2048 matrix products that fit into it.

    The rate is the better of before and after, because other load can only lower it.  A machine that is twice as fast
    trains in about half the seconds and in about as many products.
    """
    return run.clocks.training_seconds * run.cost.matmul_flops_per_second / PRODUCT_FLOPS


def is_resumed(run: RunRecord) -> bool:
    return len(run.clocks.segments) > 1


# --------------------------------------------------------------------------------------------- several runs


def milestone(runs: Sequence[RunRecord], accuracy: float) -> Milestone:
    """When `runs` reached an accuracy, diverged ones among them."""
    found = [time_to(run.history, accuracy) for run in runs]
    crossings = [crossing for crossing in found if crossing is not None]
    # Leaving out the runs that never got there would flatter the contender: they count as later than all others.
    middle = statistics.median([crossing.seconds if crossing else math.inf for crossing in found])
    return Milestone(
        accuracy=accuracy,
        num_reached=len(crossings),
        num_runs=len(runs),
        seconds=middle if math.isfinite(middle) else None,
        earliest=min((crossing.seconds for crossing in crossings), default=None),
        latest=max((crossing.seconds for crossing in crossings), default=None),
        looks_apart=max((crossing.seconds - crossing.seconds_below for crossing in crossings), default=None),
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))
