"""Rule 9: what may be said of a pair, from the numbers of comparison/pairs.py."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np

from eyechart.comparison import paired, power
from eyechart.comparison.families import holm
from eyechart.schema import Uncertainty, Verdict, VerdictKind

if TYPE_CHECKING:
    from eyechart.comparison.contenders import Contender
    from eyechart.comparison.pairs import PairFacts
    from eyechart.scoring.measures import Measure

ALPHA = power.ALPHA


def verdicts_of(measure: Measure, contenders: list[Contender], facts: list[PairFacts], num_items: int) -> list[Verdict]:
    """One verdict a pair, in the order of `facts`; Holm's family are the pairs of this metric that share a seed."""
    tested = [pair for pair in facts if pair.p_value is not None]
    p_values = np.array([pair.p_value for pair in tested], np.float64)
    adjusted = {id(pair): float(p) for pair, p in zip(tested, holm(p_values), strict=True)}
    verdicts = []
    for pair in facts:
        holm_p = adjusted.get(id(pair))
        # Holm compares this pair's p with alpha over the number of pairs whose p is not smaller.
        rank = int(np.sum(p_values >= pair.p_value)) if pair.p_value is not None else len(tested)
        verdicts.append(_verdict(measure, contenders, pair, holm_p, num_items, max(1, rank), len(tested)))
    return verdicts


def _verdict(
    measure: Measure, contenders: list[Contender], pair: PairFacts, holm_p: float | None, num_items: int,
    num_rivals: int, num_pairs: int,
) -> Verdict:  # fmt: skip
    superiority = paired.superiority(pair.differences) if pair.seeds else None
    fewest = power.fewest_seeds(ALPHA / max(1, num_pairs))
    kind, is_of_these_runs = _kind(measure, pair, holm_p, superiority, fewest)
    needs = power.Needs()
    if kind == "too few runs":
        needs = power.Needs(seeds=fewest)
    elif kind == "not shown":
        needs = power.needed(pair.differences, num_items, pair.item_variance, pair.both_variance, ALPHA / num_rivals)
    looked = pair.looked
    ends = [measure.shown(end) for end in pair.ends] if pair.ends else [None] * 4
    item_ps = [test.p_value for test in pair.item_tests if measure.item_values]  # of McNemar
    return Verdict(
        metric=measure.name,
        first=contenders[pair.first].name,
        second=contenders[pair.second].name,
        kind=kind,
        scope="these runs" if is_of_these_runs else "architectures",
        num_seeds=len(pair.seeds),
        difference=measure.shown(pair.lead),
        low=ends[0],
        high=ends[1],
        low90=ends[2],
        high90=ends[3],
        p_value=pair.p_value,
        holm_p=holm_p,
        superiority=superiority.probability if superiority else None,
        superiority_low=superiority.low if superiority else None,
        superiority_high=superiority.high if superiority else None,
        mcnemar_p=statistics.median(item_ps) if item_ps else None,
        mcnemar_holm_p=statistics.median(test.holm_p for test in pair.item_tests) if item_ps else None,
        mcnemar_share=sum(p < ALPHA for p in item_ps) / len(item_ps) if item_ps else None,
        seeds_needed=needs.seeds,
        items_needed=needs.items,
        smallest_effect=_smallest_effect(measure, pair, num_items, num_pairs),
        uncertainty=_uncertainty(pair, num_items),
        most_seeds=looked.most_seeds if looked else None,
        equivalence_p=looked.equivalence_p if looked else None,
        is_open=bool(looked and looked.is_open and kind != "equivalent" and (kind != "better" or is_of_these_runs)),
    )


def _smallest_effect(measure: Measure, pair: PairFacts, num_items: int, num_pairs: int) -> float | None:
    """As the verdict's difference is told; after Holm's strictest correction, so that it holds for every pair."""
    if len(pair.seeds) < power.FEWEST_SEEDS:
        return None
    variance, of_items = float(np.var(pair.differences, ddof=1)), pair.item_variance / num_items
    found = power.smallest_effect(variance, len(pair.seeds), of_items, ALPHA / max(1, num_pairs))
    return None if found is None else measure.shown(found)


def _uncertainty(pair: PairFacts, num_items: int) -> Uncertainty | None:
    if len(pair.seeds) < power.FEWEST_SEEDS:
        return None
    if not pair.knows_items:
        return Uncertainty(seeds=float(np.var(pair.differences, ddof=1)) / len(pair.seeds))
    split = power.split_variance(pair.differences, num_items, pair.item_variance, pair.both_variance)
    return Uncertainty(**split._asdict())


def _kind(
    measure: Measure, pair: PairFacts, holm_p: float | None, superiority: paired.Superiority | None, fewest: int
) -> tuple[VerdictKind, bool]:
    """The word, and whether it is about these runs alone.

    `fewest` seeds could show something in this family: 6 for one pair (rule 4), 9 for the ten pairs of five contenders.
    """
    if len(pair.seeds) >= power.FEWEST_SEEDS:
        assert pair.ends is not None, "seeds have an interval"
        assert holm_p is not None
        assert superiority is not None
        low, _, low90, high90 = pair.ends
        if holm_p < ALPHA and low > 0 and superiority.probability >= power.LEAST_SUPERIORITY:
            return "better", False
        is_within = -measure.margin <= low90 and high90 <= measure.margin and not pair.both_failed
        if is_within and (pair.looked is None or pair.looked.equivalence_p < ALPHA):
            return "equivalent", False
    if len(pair.seeds) >= fewest:
        return "not shown", False
    return ("better" if _items_alone_decide(pair) else "too few runs"), True


def _items_alone_decide(pair: PairFacts) -> bool:
    """Each seed's own runs differ beyond the chance of the items, in the same direction."""
    return (
        bool(pair.seeds)
        and len(pair.item_tests) == len(pair.seeds)
        and all(test.lead > 0 and test.holm_p < ALPHA for test in pair.item_tests)
    )
