"""The mean over several levels of a context as a score of its own: of every run, paired over the same images.

An image and all its spoiled copies are one thing that could have been another: a draw of the bootstrap takes an image
with all of its copies, so that what they have in common does not count as many.  With few seeds, what McNemar's test is
for one level is here the share of those draws in which a lead is gone, for whether an image was read right is no longer
yes or no.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import UsageError
from eyechart.comparison import bootstrap, families, pairs, verdicts
from eyechart.comparison.contenders import Contender, ItemValues, OfRun, values_of_items
from eyechart.comparison.stored import read_each
from eyechart.comparison.summaries import summary_of
from eyechart.files.storage import natural_key, read_run
from eyechart.schema import Comparison, Family, Summary, Verdict
from eyechart.scoring.measures import MEASURES

if TYPE_CHECKING:
    from eyechart.schema import RunRecord

METRICS = ("accuracy", "loss")  # whose mean over levels is one over their images
TAIL = 0.025  # of the draws beyond each end of a 95 % interval

Key = tuple[str, int]  # contender and seed


def compare_means(levels: Sequence[Sequence[Path]], chosen: np.ndarray | None = None) -> Comparison:
    """Compare the means over levels, each given by its run folders; runs that some level lacks are left out.

    `chosen` int64 (N,) are the images that count (None: all); of a part of them, runs must have their answers.
    Only accuracy and loss have a mean over levels that is one over images.  Raises UsageError where no run is there at
    every level, StorageError for files that cannot be read.
    """
    of_levels = [_by_run(folders, chosen) for folders in levels]
    keys = [key for key in of_levels[0] if all(key in each for each in of_levels)]
    if not keys:
        raise UsageError(
            f"No run has answers at all of {len(levels)} levels; expected one at least. Judge them again: "
            f"`eyechart study corruption`."
        )
    runs = {key: _mean_run([each[key][0] for each in of_levels]) for key in keys}
    contenders = _contenders(runs)
    items = _items(contenders, {key: [each[key][1] for each in of_levels] for key in keys})
    compared = [_compared(metric, contenders, items) for metric in METRICS]
    first = contenders[0].any_run
    return Comparison(
        dataset=first.dataset.title,
        contenders=tuple(each.name for each in contenders),
        pretrained={each.name: each.any_run.weights.pretrained_on for each in contenders
                    if each.any_run.weights.pretrained_on},
        diverged=tuple(each.name for each in contenders if all(run.status == "diverged" for run in each.runs.values())),
        num_items=first.num_judged,
        num_classes=first.dataset.num_classes,
        summaries=tuple(_summary(metric, place, contenders, items) for metric in METRICS
                        for place in _with(metric, contenders)),
        families=tuple(family for family, _ in compared),
        verdicts=tuple(verdict for _, found in compared for verdict in found),
    )  # fmt: skip


def _by_run(folders: Sequence[Path], chosen: np.ndarray | None) -> dict[Key, tuple[RunRecord, OfRun | None]]:
    """Record and values of the images, of every run of a level."""
    runs = {folder: read_run(folder) for folder in folders}
    values = read_each(runs, values_of_items)
    found = {(run.contender, run.seed): (run, of_run) for run, of_run in zip(runs.values(), values, strict=True)}
    if chosen is None:
        return found
    return {key: _of_chosen(run, of_run, chosen) for key, (run, of_run) in found.items() if of_run is not None}


def _of_chosen(run: RunRecord, of_run: OfRun, chosen: np.ndarray) -> tuple[RunRecord, OfRun]:
    """A run as if it had been judged on some of its images alone."""
    values = {metric: of_run.values[metric][chosen] for metric in METRICS}
    means = {metric: float(each.mean(dtype=np.float64)) for metric, each in values.items()}
    test = run.test_scores.model_copy(update={**means, "num_items": len(chosen)})
    return run.model_copy(update={"test": test}), OfRun(values)


def _mean_run(records: Sequence[RunRecord]) -> RunRecord:
    """A record whose accuracy and loss are means; its other scores are the first one's, and nobody asks for them."""
    means = {metric: statistics.fmean(getattr(run.test_scores, metric) for run in records) for metric in METRICS}
    return records[0].model_copy(update={"test": records[0].test_scores.model_copy(update=means)})


def _contenders(runs: dict[Key, RunRecord]) -> list[Contender]:
    """The best mean accuracy first."""
    names = {name for name, _ in runs}
    found = [Contender(name, {seed: runs[name, seed] for of, seed in sorted(runs) if of == name}, {}) for name in names]
    return sorted(found, key=lambda each: (-each.mean_mark, natural_key(each.name)))


def _items(contenders: list[Contender], found: dict[Key, list[OfRun | None]]) -> ItemValues:
    """What each image contributes to each run's means; runs without answers at some level have no row."""
    rows: dict[tuple[int, int], int] = {}
    stacked: dict[str, list[np.ndarray]] = {metric: [] for metric in METRICS}
    missing = []
    for place, contender in enumerate(contenders):
        for seed, run in contender.runs.items():
            values = [each.values for each in found[contender.name, seed] if each is not None]
            if len(values) < len(found[contender.name, seed]):
                missing.append(f"{run.study}/{run.run}")
                continue
            rows[place, seed] = len(rows)
            for metric in METRICS:
                stacked[metric].append(np.stack([each[metric] for each in values]).mean(axis=0, dtype=np.float64))
    if not rows:
        return ItemValues({}, {}, tuple(missing))
    values_of = {metric: np.stack(each).astype(np.float32) for metric, each in stacked.items()}
    return ItemValues(rows, values_of, tuple(missing), bootstrap.deviations_of(values_of))


def _with(metric: str, contenders: list[Contender]) -> list[int]:
    """The places of those that have this metric."""
    value = MEASURES[metric].value
    return [place for place, each in enumerate(contenders) if all(value(run) is not None for run in each.runs.values())]


def _compared(metric: str, contenders: list[Contender], items: ItemValues) -> tuple[Family, list[Verdict]]:
    measure = MEASURES[metric]
    is_primary = metric == METRICS[0]
    if len(_with(metric, contenders)) < 2:
        return Family(metric=metric, test="none", is_primary=is_primary), []
    facts = pairs.facts_of_pairs(measure, contenders, items, items.deviations.get(metric))
    if is_primary and items.rows:
        pairs.add_draw_tests(facts, contenders, items, measure)
    # No p-value of these tests is McNemar's, which would be told under that name.
    told = verdicts.verdicts_of(replace(measure, item_values=None), contenders, facts, contenders[0].any_run.num_judged)
    return _family(metric, contenders, is_primary), told


def _family(metric: str, contenders: list[Contender], is_primary: bool) -> Family:
    """Friedman over the seeds that all have; nothing where that is one seed, or two contenders."""
    measure, places = MEASURES[metric], _with(metric, contenders)
    seeds = sorted(set.intersection(*(set(contenders[place].runs) for place in places)))
    if len(places) < 3 or len(seeds) < 2:
        return Family(metric=metric, test="none", is_primary=is_primary)
    values = [[measure.value(contenders[place].runs[seed]) for seed in seeds] for place in places]
    found = families.friedman(np.array(values, float))
    return Family(metric=metric, test="friedman", statistic=found.statistic, p_value=found.p_value,
                  is_primary=is_primary)  # fmt: skip


def _summary(metric: str, place: int, contenders: list[Contender], items: ItemValues) -> Summary:
    """Over seeds with Student's interval; of one seed with that of the bootstrap over images."""
    contender = contenders[place]
    by_seed = {seed: float(MEASURES[metric].value(run) or 0.0) for seed, run in contender.runs.items()}
    seed, value = next(iter(by_seed.items()))
    of_one = None
    if len(by_seed) == 1 and (row := items.rows.get((place, seed))) is not None:
        low, high = np.quantile(items.deviations[metric][:, row], [TAIL, 1 - TAIL]).tolist()
        of_one = value + low, value + high
    return summary_of(contender.name, metric, by_seed, of_one)
