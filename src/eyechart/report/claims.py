"""What may be said of contenders, and of what: every heading, sentence and piece of advice asks here first.

A lead is said where a verdict shows it (rule 9): of architectures, or only of the runs that were made.  Times are set
beside each other where they are a result: on one machine that worked for nobody else, and not fixed by a budget.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from eyechart.report.entries import Entry, mean_lack, runs_of
from eyechart.report.pairs import Pairs
from eyechart.schema import RunRecord
from eyechart.scoring import times

CLEARLY = 1.1  # costs closer than this factor are not told apart: times repeat no better


def standing(entries: list[Entry]) -> list[Entry]:
    """Those of which at least one run finished, fewest errors first."""
    return [entry for entry in entries if not entry.diverged]


def leaders(entries: list[Entry]) -> list[Entry]:
    """The first, and whoever has the same mean in the primary metric."""
    finished = standing(entries)
    # Means of the same sum may be a rounding apart.
    return [entry for entry in finished if math.isclose(mean_lack(entry), mean_lack(finished[0]), abs_tol=1e-12)]


def lead_of_first(entries: list[Entry], pairs: Pairs) -> Literal["architectures", "these runs"] | None:
    """Of what it was shown that the first makes fewer errors than every other one; None: not shown, or nobody else."""
    finished = standing(entries)
    if len(finished) < 2 or not all(pairs.is_better(finished[0], other) for other in finished[1:]):
        return None
    verdicts = [pairs.verdict(finished[0], other) for other in finished[1:]]
    return "these runs" if any(each and each.scope == "these runs" for each in verdicts) else "architectures"


def same_test(entries: list[Entry]) -> bool:
    """Whether all were judged on the same test images; else an error says nothing beside another."""
    return len({(run.record.splits.test_sha256, run.record.num_judged) for run in runs_of(entries)}) == 1


def may_compare_training(entries: list[Entry]) -> bool:
    """Whether who trained faster may be said."""
    runs = [run.record for run in runs_of(entries)]
    return times.are_a_question(runs) and not any(map(times.is_spoiled, runs))


def may_compare_speed(entries: list[Entry]) -> bool:
    """Whether times may be compared that no budget fixes: of one answer, of the way to a goal."""
    runs = [run.record for run in runs_of(entries)]
    return times.same_machine(runs) and not any(map(times.is_spoiled, runs))


def least(entries: list[Entry], quantity: Callable[[RunRecord], float], factor: float = CLEARLY) -> list[Entry]:
    """Those whose mean is the smallest, or within `factor` of it: they are not told apart."""
    smallest = min(entry.mean(quantity) for entry in entries)
    return [entry for entry in entries if entry.mean(quantity) <= smallest * factor]
