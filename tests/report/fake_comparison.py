"""A comparison of synthetic runs, made by plain rules of thumb: for testing what the page does with verdicts."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Sequence

from eyechart.comparison.uncertainty import mean_interval, wilson_interval
from eyechart.report.entries import Entry
from eyechart.schema import Comparison, Family, RunRecord, Summary, Verdict

# metric -> how it is read from a run, whether more is better
READ: dict[str, tuple[Callable[[RunRecord], float], bool]] = {
    "accuracy": (lambda run: run.test.accuracy, True),
    "macro_f1": (lambda run: run.test.macro_f1, True),
    "loss": (lambda run: run.test.loss, False),
    "training_seconds": (lambda run: run.clocks.training_seconds, False),
}


def fake_comparison(entries: Sequence[Entry], metrics: Sequence[str] = tuple(READ)) -> Comparison:
    standing = [entry for entry in entries if not entry.diverged]
    return Comparison(
        dataset=entries[0].first.dataset.name,
        contenders=tuple(entry.name for entry in standing),
        pretrained={e.name: e.first.weights.pretrained_on for e in standing if e.first.weights.pretrained_on},
        num_items=entries[0].first.test.num_items,
        summaries=tuple(_summary(entry, metric) for metric in metrics for entry in standing),
        families=tuple(
            Family(metric=metric, test="friedman", statistic=12.5, p_value=0.0004, is_primary=metric == "accuracy")
            for metric in metrics
        ),
        verdicts=tuple(
            _verdict(one, other, metric) for metric in metrics for one, other in itertools.combinations(standing, 2)
        ),
    )


def _summary(entry: Entry, metric: str) -> Summary:
    values = entry.values(READ[metric][0])
    low, high = None, None
    if len(values) > 1:
        low, high = mean_interval(values)
    elif metric == "accuracy":
        low, high = wilson_interval(round(values[0] * entry.first.test.num_items), entry.first.test.num_items)
    return Summary(
        contender=entry.name, metric=metric, seeds=tuple(run.record.seed for run in entry.judged),
        values=tuple(values), mean=statistics.fmean(values),
        sd=statistics.stdev(values) if len(values) > 1 else None, low=low, high=high,
    )  # fmt: skip


def _verdict(one: Entry, other: Entry, metric: str) -> Verdict:
    read, more_is_better = READ[metric]
    a, b = one.values(read), other.values(read)
    first, second = (one, other) if (statistics.fmean(a) >= statistics.fmean(b)) == more_is_better else (other, one)
    a, b = (a, b) if first is one else (b, a)
    if metric == "training_seconds":
        differences = [y / x for x, y in zip(a, b, strict=True)]
        zero = 1.0
    else:
        sign = 1 if more_is_better else -1
        differences, zero = [sign * (x - y) for x, y in zip(a, b, strict=True)], 0.0
    mean = statistics.fmean(differences)
    half = 2 * statistics.stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else abs(mean) * 0.6
    excludes = not mean - half <= zero <= mean + half
    kind = "too few runs" if len(differences) < 6 else "better" if excludes else "not shown"
    scope = "architectures"
    if kind == "too few runs" and abs(mean) > 0.02 and metric == "accuracy":
        kind, scope = "better", "these runs"
    if kind == "not shown" and abs(mean) < 0.0005 and half < 0.001:
        kind = "equivalent"
    return Verdict(
        metric=metric, first=first.name, second=second.name, kind=kind, scope=scope, num_seeds=len(differences),
        difference=mean, low=mean - half, high=mean + half, low90=mean - 0.8 * half, high90=mean + 0.8 * half,
        p_value=0.002 if kind == "better" else 0.2, holm_p=0.004 if kind == "better" else 0.31,
        superiority=0.9, superiority_low=0.7, superiority_high=0.99, mcnemar_p=0.01, mcnemar_holm_p=0.02,
        mcnemar_share=0.8,
        seeds_needed=23 if kind in ("not shown", "too few runs") else None,
    )  # fmt: skip
