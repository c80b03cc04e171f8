"""The same contender against itself, with other seeds: how often is one called better than the other?

Trained: a pool of tiny but real runs of one contender.  A pair are two disjoint groups of them, drawn at random and
paired position by position, and it goes through `compare_runs` as two contenders of a study would.  All pairs share the
runs of the pool, so their answers hang together: the share that is flagged is as honest as that of independent pairs,
but it varies more.

Made up: answers to test items that are drawn anew for every pair, so that pairs are independent and there can be many.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from audits import made_up
from audits.settings import Answer, Settings
from audits.small_mnist import write_small_mnist
from audits.trainings import SMALL_CNN, plan_small, train_missing
from eyechart.comparison.compare import compare_runs
from eyechart.files.storage import PREDICTIONS_FILE, RUN_FILE
from eyechart.schema import Comparison, RunRecord

LARGEST_SHARE = 0.05
LARGEST_SHARE_TINY = 0.2  # of a few pairs that share very few runs
LEAST_SHOWN = 0.9  # of pairs that do differ, lest never calling anything better would pass
NAMES = ("first", "second")

Pool = list[tuple[Path, RunRecord]]


# --------------------------------------------------------------------------------------------- trained


def a_against_a(settings: Settings) -> Answer:
    """Trained with other seeds, the same contender is called better than itself in at most 5 % of 200 pairs."""
    num_pairs, num_runs, num_seeds = settings.pick(200, 10), settings.pick(100, 12), settings.pick(10, 6)
    num_worse, num_different = settings.pick((20, 50), (0, 0))  # the tests have others that are worse
    folder = settings.folder / f"a-against-a-{num_runs}"
    data = write_small_mnist(folder / "data", 100, settings.pick(200, 100))
    pool = trained(folder / "pool", data, num_runs, 60, settings)
    worse = trained(folder / "worse", data, num_worse, 40, settings) if num_worse else []
    random = np.random.default_rng(12)

    def pairs(first: Pool, second: Pool, size: int, number: int) -> list[Comparison]:
        """Comparisons of two groups of `size` runs; of one pool, they are disjoint."""
        found = []
        for _ in range(number):
            drawn = random.permutation(len(first))
            one = [first[place] for place in drawn[:size]]
            other = [second[place] for place in (drawn[size:] if first is second else random.permutation(len(second)))]
            found.append(compared(one, other[:size], folder / "pair"))
        return found

    same = pairs(pool, pool, num_seeds, num_pairs)
    single = pairs(pool, pool, 1, num_pairs)
    different = pairs(pool, worse, num_seeds, num_different)
    flagged = better_by_metric(same)
    num_shown = better_by_metric(different)["accuracy"]
    accuracies = [record.test.accuracy for _, record in pool]
    figures = {
        "pairs": num_pairs,
        "flagged": flagged["accuracy"],
        "seeds": num_seeds,
        "runs": num_runs,
        "accuracy": {"mean": float(np.mean(accuracies)), "sd": float(np.std(accuracies, ddof=1))},
        "flagged_by_metric": dict(flagged),
        "equivalent": sum(verdict.kind == "equivalent" for one in same for verdict in of_accuracy(one)),
        "one_seed_these_runs": {"pairs": num_pairs, "flagged": better_by_metric(single)["accuracy"]},
        "different": {
            "pairs": len(different),
            "shown": num_shown,
            "accuracy": float(np.mean([record.test.accuracy for _, record in worse])) if worse else None,
        },
    }
    passed = flagged["accuracy"] <= settings.pick(LARGEST_SHARE, LARGEST_SHARE_TINY) * num_pairs
    return Answer(passed and num_shown >= LEAST_SHOWN * len(different), figures)


def trained(folder: Path, data: Path, num_runs: int, num_steps: int, settings: Settings) -> Pool:
    """Runs of the seeds 0, 1, 2, ..., with their folders."""
    study = plan_small(data, range(num_runs), num_steps, SMALL_CNN, folder.name)
    return [(folder / run.run, run) for run in train_missing(study, folder, settings.say)]


def compared(first: Pool, second: Pool, folder: Path) -> Comparison:
    """What is said of two groups of runs, when the runs at the same position are given the same seed.

    `folder` becomes a study in which they stand as two contenders.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folders = []
    for name, group in zip(NAMES, (first, second), strict=True):
        for seed, (source, record) in enumerate(group):
            target = folder / f"{name}-s{seed}"
            target.mkdir(parents=True)
            changes = {"contender": name, "run": target.name, "seed": seed, "study": folder.name}
            (target / RUN_FILE).write_text(record.model_copy(update=changes).model_dump_json())
            os.link(source / PREDICTIONS_FILE, target / PREDICTIONS_FILE)
            items = folder / record.items
            if not items.exists():
                os.link(source.parent / record.items, items)
            folders.append(target)
    return compare_runs(folders)


def of_accuracy(comparison: Comparison) -> list[Any]:
    return [verdict for verdict in comparison.verdicts if verdict.metric == "accuracy"]


def better_by_metric(comparisons: list[Comparison]) -> Counter[str]:
    """In how many comparisons somebody is called better, metric by metric."""
    found: Counter[str] = Counter(accuracy=0)
    for comparison in comparisons:
        found.update({verdict.metric for verdict in comparison.verdicts if verdict.kind == "better"})
    return found


# --------------------------------------------------------------------------------------------- made up


def a_against_a_made_up(settings: Settings) -> Answer:
    """In independent pairs, and in families of five, of contenders made alike, at most 5 % hold one called better."""
    numbers = {
        "six_seeds": made_up.num_flagged(settings.pick(400, 20), num_contenders=2, num_seeds=6),
        "ten_seeds": made_up.num_flagged(settings.pick(400, 20), num_contenders=2, num_seeds=10),
        "five_contenders": made_up.num_flagged(settings.pick(100, 5), num_contenders=5, num_seeds=10),
        "looked_at": made_up.num_flagged_when_looking(settings.pick(200, 10), num_contenders=2, most_seeds=10),
        "one_seed_alike": made_up.num_flagged(settings.pick(400, 20), num_contenders=2, num_seeds=1, seed_spread=0.0),
    }
    figures = {name: flagged._asdict() for name, flagged in numbers.items()}
    most = settings.pick(LARGEST_SHARE, LARGEST_SHARE_TINY)
    return Answer(all(one.flagged <= most * one.families for one in numbers.values()), figures)
