"""Every metric of every contender over its seeds: mean, standard deviation, interval (rule 6).

More metrics than are tested (scoring/measures.py): a reader wants precision, recall, certainty and all of COCO's
twelve, and a verdict on each of them would only be found by chance more often.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from eyechart.comparison.calibration import brier_score, expected_calibration_error
from eyechart.comparison.uncertainty import mean_interval, wilson_interval
from eyechart.schema import Summary
from eyechart.scoring.measures import METRICS, in_no_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from eyechart.comparison.contenders import Contender
    from eyechart.comparison.stored import Evidence

Certainty = dict[str, float]  # "brier" and "ece" of one run's answers to the test part; empty: they are not there


def certainty_of(each: Evidence) -> Certainty:
    """How far a run's test answers can be believed; empty where they are gone or damaged."""
    if not each.parts:
        return {}
    test = each.parts[0]
    if test.items is None or test.probabilities is None:
        return {}
    return {
        "brier": brier_score(test.items.labels, test.probabilities),
        "ece": expected_calibration_error(test.items.labels, test.probabilities),
    }


def summaries_of(contenders: list[Contender], certainty: Mapping[Path, Certainty]) -> tuple[Summary, ...]:
    """All that was measured, by metric; `certainty` by the folder of each run."""
    found = []
    for metric, measure in METRICS.items():
        for each in contenders:
            values = [certainty.get(folder, {}).get(metric) for folder in each.folders.values()]
            if measure.value is not in_no_record:
                values = list(map(measure.value, each.runs.values()))
            found.append(_summary(metric, each, values))
    return tuple(summary for summary in found if summary is not None)


def _summary(metric: str, contender: Contender, measured: list[float | None]) -> Summary | None:
    """None where no run has such a number; a run without one is left out, and `seeds` says which have it."""
    by_seed = {seed: value for seed, value in zip(contender.runs, measured, strict=True) if value is not None}
    if not by_seed:
        return None
    num_items, (value, *others) = contender.any_run.num_judged, by_seed.values()
    is_counted = metric == "accuracy" and not others
    of_one = wilson_interval(round(value * num_items), num_items) if is_counted else None
    return summary_of(contender.name, metric, by_seed, of_one)


def summary_of(
    contender: str, metric: str, by_seed: Mapping[int, float], of_one: tuple[float, float] | None
) -> Summary:
    """Over the seeds, of which there is one at least, with Student's interval; `of_one` is that of a single one."""
    values, ends = list(by_seed.values()), of_one
    if len(values) > 1:
        low, high = mean_interval(values)
        ends = max(0.0, low), min(1.0, high) if METRICS[metric].is_share else high
    return Summary(
        contender=contender,
        metric=metric,
        seeds=tuple(by_seed),
        values=tuple(values),
        mean=statistics.fmean(values),
        sd=statistics.stdev(values) if len(values) > 1 else None,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
    )
