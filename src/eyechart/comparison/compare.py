"""Runs in, a Comparison out: every metric of every contender, every pair, and what speaks against believing it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from eyechart.comparison import bootstrap, families, pairs, verdicts
from eyechart.comparison.agreement import shared_errors
from eyechart.comparison.alarms import suspicions
from eyechart.comparison.contenders import Contender, ItemValues, group_contenders, stack_items, values_of_items
from eyechart.comparison.findings import findings
from eyechart.comparison.stored import read_each
from eyechart.comparison.summaries import Certainty, certainty_of, summaries_of
from eyechart.files.read_once import read_run
from eyechart.schema import Comparison, Family, Finding, Verdict
from eyechart.scoring.measures import MEASURES, Measure, primary_metric
from eyechart.scoring.times import are_a_question
from eyechart.words.class_means import absent_classes

Pairs = Collection[frozenset[str]]  # of contenders, by name


def compare_runs(run_folders: list[Path], only: Pairs | None = None) -> Comparison:
    """Compare finished runs of one dataset and one test part (rules 3 to 9 of the protocol).

    `only` are the pairs that are asked about, which then are the family that tests are adjusted for; None: all pairs.

    Contenders pair up on the seeds that both have; runs whose answers are gone or damaged are compared by their scores
    alone, and a finding says so.  Raises UsageError where the runs do not belong together, StorageError for run files
    that cannot be read.
    """
    runs = {folder: read_run(folder) for folder in run_folders}
    contenders = group_contenders(runs)
    seen = read_each(runs, lambda each: (suspicions(each), values_of_items(each), certainty_of(each)))
    suspected, values, certainty = zip(*seen, strict=True)
    items = stack_items(contenders, dict(zip(runs, values, strict=True)))
    comparison = compare_contenders(contenders, items, dict(zip(runs, certainty, strict=True)), only)
    # Of two findings on the same missing files the more telling one, unless something else could not be checked.
    is_told = all(of_run is None for of_run, each in zip(values, suspected, strict=True) if "not-checked" in each.facts)
    found = [finding for finding in findings(runs, suspected) if not (is_told and finding.code == "not-checked")]
    if items.missing:
        found.append(Finding(kind="note", code="no-predictions", runs=items.missing))
    return comparison.model_copy(update={"findings": tuple(found), "shared_errors": shared_errors(contenders)})


def compare_primary(run_folders: list[Path]) -> Comparison:
    """The primary metric alone, without findings: all that decides whether a study goes on.  Raises as compare_runs."""
    runs = {folder: read_run(folder) for folder in run_folders}
    contenders = group_contenders(runs)
    items = stack_items(contenders, dict(zip(runs, read_each(runs, values_of_items), strict=True)))
    primary = primary_metric(contenders[0].any_run.task)
    values = {name: each for name, each in items.values.items() if name == primary}
    return compare_contenders(contenders, replace(items, values=values), metrics=(primary,))


def compare_contenders(
    contenders: list[Contender],
    items: ItemValues,
    certainty: Mapping[Path, Certainty] | None = None,
    only: Pairs | None = None,
    metrics: Collection[str] = tuple(MEASURES),
) -> Comparison:
    """The same of what was read already, the best contender first; without findings."""
    measures = [measure for name, measure in MEASURES.items() if name in metrics]
    deviations = bootstrap.deviations_of(items.values) | items.deviations if len(contenders) > 1 else {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # one metric beside another: nearly all of it is numpy
        compared = list(pool.map(lambda each: _compared(each, contenders, items, deviations, only), measures))
    return Comparison(
        dataset=contenders[0].any_run.dataset.title,
        primary=primary_metric(contenders[0].any_run.task),
        contenders=tuple(contender.name for contender in contenders),
        pretrained={
            contender.name: origin
            for contender in contenders
            if (origin := contender.any_run.weights.pretrained_on)
        },
        diverged=tuple(each.name for each in contenders if all(run.status == "diverged" for run in each.runs.values())),
        num_items=contenders[0].any_run.num_judged,
        num_classes=contenders[0].any_run.dataset.num_classes,
        absent_classes=absent_classes(contenders[0].any_run) if contenders[0].any_run.test else (),
        summaries=summaries_of(contenders, certainty or {}),
        families=tuple(family for family, _ in compared if family is not None),
        verdicts=tuple(verdict for _, found in compared for verdict in found),
    )  # fmt: skip


def _compared(
    measure: Measure,
    contenders: list[Contender],
    items: ItemValues,
    deviations: dict[str, np.ndarray],
    only: Pairs | None,
) -> tuple[Family | None, list[Verdict]]:
    """The question over all contenders and the verdict of every pair; nothing where less than two have the metric."""
    measured = [each for each in contenders if any(measure.value(run) is not None for run in each.runs.values())]
    if len(measured) < 2 or _is_no_question(measure, contenders):
        return None, []
    facts = pairs.facts_of_pairs(measure, contenders, items, deviations.get(measure.name))
    if only is not None:
        facts = [pair for pair in facts if {contenders[place].name for place in (pair.first, pair.second)} in only]
    if measure.name == "accuracy":
        pairs.add_item_tests(facts, items)
    elif measure.name in items.deviations:
        pairs.add_draw_tests(facts, contenders, items, measure)
    num_items = contenders[0].any_run.num_judged
    family = _family(measure, contenders, measured, items)
    return family, verdicts.verdicts_of(measure, contenders, facts, num_items)


def _is_no_question(measure: Measure, contenders: list[Contender]) -> bool:
    """Who takes less time is none where the budget is a time, which everyone takes, nor between machines."""
    runs = [run for contender in contenders for run in contender.runs.values()]
    return measure.name == "training_seconds" and not are_a_question(runs)


def _family(measure: Measure, contenders: list[Contender], measured: list[Contender], items: ItemValues) -> Family:
    """Friedman over the seeds that all have; Cochran over the items where that is one seed; two contenders: neither."""
    values = [{seed: measure.value(run) for seed, run in contender.runs.items()} for contender in measured]
    seeds = [seed for seed in values[0] if all(of_one.get(seed) is not None for of_one in values)]
    is_primary = measure.name == primary_metric(contenders[0].any_run.task)
    if len(measured) > 2 and len(seeds) > 1:
        scores = np.array([[of_one[seed] for seed in seeds] for of_one in values], float)
        found = families.friedman(scores)
        return Family(metric=measure.name, test="friedman", statistic=found.statistic, p_value=found.p_value,
                      is_primary=is_primary)  # fmt: skip
    places = [contenders.index(contender) for contender in measured]
    if (
        measure.name == "accuracy"
        and len(measured) > 2
        and seeds
        and all(items.has_all(place, seeds) for place in places)
    ):
        rows = [items.rows[place, seeds[0]] for place in places]
        found = families.cochran(items.values["accuracy"][rows] > 0)
        return Family(metric=measure.name, test="cochran", statistic=found.statistic, p_value=found.p_value,
                      is_primary=True)  # fmt: skip
    return Family(metric=measure.name, test="none", is_primary=is_primary)
