"""Who is best in one respect, as far as verdicts say so: one, several that are equal, or nobody that was shown.

A contender is unbeaten where no verdict says that another is better.  One alone is best.  Several are equal where each
two of them are equivalent; else it is not shown who of them is best, which is no tie and no win.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Literal, NamedTuple

from eyechart.schema import Comparison

ALIKE = 1.1  # amounts of memory within this factor count as the same: they vary with the order of allocations


class Best(NamedTuple):
    """The answer to one question."""

    kind: Literal["best", "equal", "not shown"]
    contenders: tuple[str, ...]  # in the order of the comparison
    is_of_architectures: bool = True  # False: of these runs alone


def best_in(comparison: Comparison, metric: str) -> Best | None:
    """Who is best in a metric that is tested; None where fewer than two contenders have it."""
    measured = {each.contender for each in comparison.summaries if each.metric == metric}
    names = [name for name in comparison.contenders if name in measured]
    verdicts = {frozenset((each.first, each.second)): each for each in comparison.verdicts if each.metric == metric}
    pairs = [frozenset(pair) for pair in combinations(names, 2)]
    if len(names) < 2 or not all(pair in verdicts for pair in pairs):
        return None
    beaten = {each.second for each in verdicts.values() if each.kind == "better"}
    unbeaten = tuple(name for name in names if name not in beaten)
    among = [verdicts[frozenset(pair)] for pair in combinations(unbeaten, 2)]
    decided = [each for each in verdicts.values() if each.kind in ("better", "equivalent")]
    shown = all(each.scope == "architectures" for each in decided)
    if len(unbeaten) == 1:
        return Best("best", unbeaten, shown)
    if unbeaten and all(each.kind == "equivalent" for each in among):
        return Best("equal", unbeaten, shown)
    return Best("not shown", unbeaten, shown)


def least_of(amounts: Mapping[str, float]) -> Best | None:
    """Who needs least of something that is measured and not tested; None where fewer than two were measured."""
    if len(amounts) < 2:
        return None
    least = min(amounts.values())
    found = tuple(sorted((name for name, each in amounts.items() if each <= ALIKE * least), key=amounts.__getitem__))
    return Best("best" if len(found) == 1 else "equal", found)
