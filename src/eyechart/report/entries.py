"""The runs of one contender together: what the table and every figure draw from."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from eyechart.base.errors import UsageError
from eyechart.base.foreign_text import shown
from eyechart.catalog.palette import FALLBACK_STYLES, Style, style_of
from eyechart.comparison.contenders import unique_names
from eyechart.comparison.same_dataset import check_one_dataset
from eyechart.comparison.uncertainty import mean_interval, wilson_interval
from eyechart.files.read_once import read_run
from eyechart.files.storage import natural_key
from eyechart.schema import RunRecord
from eyechart.scoring import times
from eyechart.words.numbers import decimals_in_order, percent_decimals
from eyechart.words.speech import Speech

MOST_SHOWN = 12  # contenders in a figure: more could not be told apart


@dataclass(frozen=True)
class Run:
    """One run file and where it lies."""

    folder: Path
    record: RunRecord

    @property
    def diverged(self) -> bool:
        return self.record.status == "diverged"


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Entry:
    """One contender of one study, with all its seeds: a row of the table, a line of a figure."""

    name: str  # unique in this report
    style: Style
    runs: tuple[Run, ...]  # by seed, diverged ones among them
    decimals: int = 2  # of its mean error in %: what its interval deserves, and more where its place needs them

    @property
    def judged(self) -> tuple[Run, ...]:
        """The finished runs, or all when every run diverged: those behind times, curves and pictures."""
        return tuple(run for run in self.runs if not run.diverged) or self.runs

    @property
    def num_diverged(self) -> int:
        return sum(run.diverged for run in self.runs)

    @property
    def diverged(self) -> bool:
        """No run finished: its numbers are shown, and nothing is built on them."""
        return self.num_diverged == len(self.runs)

    def label(self, say: Speech) -> str:
        """Its name in figures, which say when nothing should be built on it."""
        name = shown(self.name)
        return f"{name} ({say('diverged', 'divergé')})" if self.diverged else name

    @property
    def first(self) -> RunRecord:
        return self.judged[0].record

    @property
    def was_shared(self) -> bool:
        """Whether other runs of the same command trained beside one of these."""
        return any(times.was_shared(run.record) for run in self.runs)

    def scores(self, quantity: Callable[[RunRecord], float]) -> list[float]:
        """Of every run; one that diverged counts as the guess that it is, as it does in verdicts."""
        return [quantity(run.record) for run in self.runs]

    def values(self, quantity: Callable[[RunRecord], float]) -> list[float]:
        """Of the finished runs: what they took."""
        return [quantity(run.record) for run in self.judged]

    def mean(self, quantity: Callable[[RunRecord], float]) -> float:
        return statistics.fmean(self.values(quantity))

    def f1_by_class(self) -> list[list[float]]:
        """F1 of every class, a value a run; none for a class without a test image."""
        by_class = zip(*(run.record.test_scores.per_class.f1 for run in self.judged), strict=True)
        return [[value for value in values if value is not None] for values in by_class]

    @cached_property
    def error(self) -> Estimate:
        """Share of the test images answered wrongly: Wilson's interval for one run, Student's over several seeds."""
        errors = self.scores(test_error)
        if len(errors) > 1:
            low, high = mean_interval(errors)
            return Estimate(statistics.fmean(errors), max(0.0, low), min(1.0, high))
        low, high = wilson_interval(num_wrong(self.first), self.first.num_judged)
        return Estimate(errors[0], low, high)


def error_text(entry: Entry, say: Speech) -> str:
    """ "0.63 %"."""
    return say.percent(entry.error.mean, entry.decimals)


def num_wrong(record: RunRecord) -> int:
    """Test images answered wrongly, from the confusion matrix, so that it is a whole number."""
    right = sum(row[truth] for truth, row in enumerate(record.test_scores.confusion))
    return record.num_judged - right


def lack(record: RunRecord) -> float:
    """What a run lacks to be perfect in the primary metric of its task, 0..1."""
    if record.task == "classification":
        return test_error(record)
    return 1.0 if math.isnan(record.mark) else 1.0 - record.mark


def mean_lack(entry: Entry) -> float:
    return statistics.fmean(entry.scores(lack))


def test_error(record: RunRecord) -> float:
    return num_wrong(record) / record.num_judged if record.num_judged else float("nan")


def read_runs(folders: list[Path]) -> list[Run]:
    """Read the run files; UsageError when there are none or when they are of different datasets."""
    runs = [Run(folder, _with_shown_names(read_run(folder))) for folder in folders]
    if not runs:
        raise UsageError(
            "No finished run was found; expected at least one folder with a run.json. "
            "Train with `eyechart run`, then report the folder that it names."
        )
    check_one_dataset((run.record.dataset for run in runs), "Write a report for each dataset alone.")
    return runs


def _with_shown_names(record: RunRecord) -> RunRecord:
    """The record with classes and dataset named as text and figures show them."""
    card = record.dataset
    names = {name: shown(getattr(card, name)) for name in ("name", "title", "source")}
    classes = tuple(map(shown, card.classes))
    return record.model_copy(update={"dataset": card.model_copy(update=names | {"classes": classes})})


def group_runs(runs: list[Run]) -> list[Entry]:
    """The runs by study and contender, the best in the primary metric first; those that diverged altogether last."""
    groups: dict[tuple[Path, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.folder.resolve().parent, run.record.contender), []).append(run)
    names = unique_names({key: runs_of_one[0].record.study for key, runs_of_one in groups.items()})
    ordered = sorted(groups, key=lambda group: natural_key(names[group]))
    styles = _distinct_styles([groups[group][0].record for group in ordered])
    entries = [
        Entry(names[group], style, tuple(sorted(groups[group], key=lambda run: run.record.seed)))
        for group, style in zip(ordered, styles, strict=True)
    ]
    return _with_decimals(sorted(entries, key=lambda entry: (entry.diverged, mean_lack(entry))))


def _with_decimals(entries: list[Entry]) -> list[Entry]:
    """Each with decimals in which no error reads larger than one that is larger, those that diverged aside."""
    if entries[0].first.task != "classification":
        return entries
    own = [percent_decimals(entry.error.low, entry.error.high) for entry in entries]
    standing = [place for place, entry in enumerate(entries) if not entry.diverged]
    found = decimals_in_order(
        [100 * entries[place].error.mean for place in standing], [own[place] for place in standing]
    )
    written = dict(enumerate(own)) | dict(zip(standing, found, strict=True))
    return [replace(entry, decimals=written[place]) for place, entry in enumerate(entries)]


def _distinct_styles(records: list[RunRecord]) -> list[Style]:
    """Each contender's own style; a second variant of an architecture gets a free one, as long as there are any."""
    taken: set[str] = set()
    styles = []
    for record in records:
        own = style_of(record.recipe.contender, (each.recipe.contender for each in records))
        free = [style for style in (own, *FALLBACK_STYLES) if style.colour not in taken]
        styles.append(free[0] if free else own)
        taken.add(styles[-1].colour)
    return styles


def runs_of(entries: list[Entry]) -> list[Run]:
    return [run for entry in entries for run in entry.runs]


def chosen_runs(entries: list[Entry]) -> list[tuple[Entry, Run]]:
    """One run of each contender: of the seed that most of them share, else its first."""
    seeds = Counter(run.record.seed for entry in entries for run in entry.judged)
    seed = min(seeds, key=lambda each: (-seeds[each], each))
    return [(e, next((run for run in e.judged if run.record.seed == seed), e.judged[0])) for e in entries]
