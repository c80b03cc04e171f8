"""The runs that are compared, by contender and seed, and what they answered to every test item."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import UsageError
from eyechart.comparison.detections import map_draws
from eyechart.comparison.same_dataset import check_one_dataset, num_runs
from eyechart.files.storage import natural_key
from eyechart.scoring.measures import MEASURES
from eyechart.scoring.temperature import cooled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eyechart.comparison.stored import Evidence, FoundPart
    from eyechart.schema import RunRecord


@dataclass(frozen=True)
class Contender:
    """One contender of one study, with all its seeds; diverged runs are among them and count (rule 3)."""

    name: str  # unique in this comparison
    runs: dict[int, RunRecord]  # seed -> run, by seed
    folders: dict[int, Path]

    @property
    def any_run(self) -> RunRecord:
        return next(iter(self.runs.values()))

    @property
    def mean_mark(self) -> float:
        """Of the primary metric; where there was nothing to find, the worst."""
        return statistics.fmean(0.0 if math.isnan(run.mark) else run.mark for run in self.runs.values())


@dataclass(frozen=True)
class ItemValues:
    """What each test item contributes to each metric, for the runs whose answers are on the disk."""

    rows: dict[tuple[int, int], int]  # (contender's place, seed) -> row
    values: dict[str, np.ndarray]  # metric -> float32 (rows, N)
    missing: tuple[str, ...]  # runs without
    deviations: dict[str, np.ndarray] = field(default_factory=dict)  # of metrics that do not add up: (draws, rows)

    def has_all(self, contender: int, seeds: Iterable[int]) -> bool:
        return all((contender, seed) in self.rows for seed in seeds)


def group_contenders(runs: dict[Path, RunRecord]) -> list[Contender]:
    """The runs, by their folders, grouped by study and contender, the best first.

    Raises UsageError where there are no runs, or where they are of different datasets or test parts.
    """
    _check_same_test(runs)
    groups: dict[tuple[Path, str], list[Path]] = {}
    for folder, run in sorted(runs.items(), key=lambda item: item[1].seed):
        groups.setdefault((folder.resolve().parent, run.contender), []).append(folder)
    names = unique_names({key: runs[members[0]].study for key, members in groups.items()})
    for members in groups.values():
        _check_each_seed_once(members, runs)
    contenders = [
        Contender(
            names[key], {runs[folder].seed: runs[folder] for folder in members},
            {runs[folder].seed: folder for folder in members},
        )
        for key, members in groups.items()
    ]  # fmt: skip
    return sorted(contenders, key=lambda contender: (-contender.mean_mark, natural_key(contender.name)))


def unique_names(studies: dict[tuple[Path, str], str]) -> dict[tuple[Path, str], str]:
    """(study's folder, contender) -> the contender's name, with its study, or its folder, where it occurs twice."""
    contenders = Counter(contender for _, contender in studies)
    named = {key: key[1] if contenders[key[1]] == 1 else f"{key[1]} ({study})" for key, study in studies.items()}
    repeated = Counter(named.values())
    return {key: name if repeated[name] == 1 else f"{name} in {key[0]}" for key, name in named.items()}


@dataclass(frozen=True)
class OfRun:
    """What one run's test items contribute to its metrics."""

    values: dict[str, np.ndarray]  # metric -> float32 (N,), whose mean it is
    deviations: dict[str, np.ndarray] = field(default_factory=dict)  # metric -> float32 (draws,), with items drawn anew


def values_of_items(each: Evidence) -> OfRun | None:
    """None where answers are gone or damaged."""
    if each.scenes:
        return _of_scenes(each.scenes, each.run.dataset.num_classes)
    test = each.parts[0]
    if test.items is None or test.probabilities is None:
        return None
    labels = test.items.labels
    raw = np.nan_to_num(test.probabilities)
    after = cooled(raw, each.run.heat)
    return OfRun(
        {
            name: measure.item_values(labels, after if measure.is_cooled else raw).astype(np.float32)
            for name, measure in MEASURES.items()
            if measure.item_values
        }
    )


def _of_scenes(scenes: FoundPart, num_classes: int) -> OfRun | None:
    """Average precision does not add up over images: by how much it moves when they are drawn anew."""
    if scenes.found is None or scenes.items is None or scenes.items.objects is None:
        return None
    draws = map_draws(scenes.found, scenes.items.objects, num_classes, 0.0)
    return OfRun({}, {"map": np.nan_to_num(draws).astype(np.float32)})


def stack_items(contenders: list[Contender], found: dict[Path, OfRun | None]) -> ItemValues:
    """The values of all runs together, from those of each run's folder; runs without any are named."""
    rows: dict[tuple[int, int], int] = {}
    stacked: dict[str, list[np.ndarray]] = defaultdict(list)
    drawn: dict[str, list[np.ndarray]] = defaultdict(list)
    missing = []
    for place, contender in enumerate(contenders):
        for seed, run in contender.runs.items():
            values = found[contender.folders[seed]]
            if values is None:  # the finding says so, and what it means
                missing.append(f"{run.study}/{run.run}")
                continue
            rows[place, seed] = len(rows)
            for metric, of_run in values.values.items():
                stacked[metric].append(of_run)
            for metric, of_run in values.deviations.items():
                drawn[metric].append(of_run)
    return ItemValues(
        rows,
        {metric: np.stack(of_runs) for metric, of_runs in stacked.items()},
        tuple(missing),
        {metric: np.stack(of_runs, axis=1) for metric, of_runs in drawn.items()},
    )


def _check_same_test(runs: dict[Path, RunRecord]) -> None:
    if not runs:
        raise UsageError(
            "No finished run was found; expected at least one folder with a run.json. "
            "Train with `eyechart run`, then compare the folder that it names."
        )
    check_one_dataset((run.dataset for run in runs.values()), "Compare each dataset's runs alone.")
    tests = Counter((f"{run.splits.num_test:,} images", run.splits.test_sha256) for run in runs.values())
    if len(tests) > 1:
        listed = ", ".join(f"{size} {digest[:8]} ({num_runs(number)})" for (size, digest), number in tests.items())
        raise UsageError(
            f"These runs were tested on different images: {listed}. Expected one test part, by content hash. "
            f"Compare only runs of the same preset and dataset."
        )


def _check_each_seed_once(folders: list[Path], runs: dict[Path, RunRecord]) -> None:
    """No seed is replaced: which of two runs would count?"""
    by_seed: dict[int, Path] = {}
    for folder in folders:
        seed = runs[folder].seed
        if seed in by_seed:
            raise UsageError(
                f"{by_seed[seed]} and {folder} are both {runs[folder].contender} with seed {seed}. "
                f"Expected one run for each seed of a study. Move one of them out of {folder.parent}."
            )
        by_seed[seed] = folder
