"""The leaderboard: what a study found, in one table."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from rich.text import Text

from eyechart.base.foreign_text import shown
from eyechart.scoring.times import was_shared
from eyechart.terminal.console import named, open_console
from eyechart.terminal.grid import Grid, columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from eyechart.schema import RunRecord, Task

# Between the contender's name and what it took.
SCORE_COLUMNS: dict[Task, tuple[str, ...]] = {
    "classification": ("accuracy %>", "precision %>", "recall %>", "F1 %>", "loss>", "raw loss>"),
    "detection": ("mAP %>", "AP50 %>", "AP75 %>", "AR100 %>", "IoU %>"),
}
COST_COLUMNS = ("training>", "parameters>", "images/s>")


def results_table(records: Sequence[RunRecord], console: Console | None = None) -> None:
    """Print the leaderboard on standard output, the best first; seeds of a contender share a row.

    Runs of each task stand in a table of their own.
    """
    console = console or open_console(sys.stdout)
    if not records:
        console.print("There are no finished runs to show.")
        return
    several_studies = len({record.study for record in records}) > 1
    for task, score_columns in SCORE_COLUMNS.items():
        groups = _grouped([record for record in records if record.task == task])
        if not groups:
            continue
        grid = Grid(columns("contender", "weights", *score_columns, *COST_COLUMNS))
        for group in groups:
            grid.add(*_result_cells(group, several_studies, [each[0].recipe.contender for each in groups]))
        console.print(grid)
        console.print()
        for line in _legend(groups):
            console.print(Text(shown(line), style="dim"), soft_wrap=True)


def _grouped(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """The seeds of each contender (of each study) together, the best first, all diverged ones last."""
    groups: dict[tuple[str, str], list[RunRecord]] = {}
    for record in records:
        groups.setdefault((record.study, record.contender), []).append(record)

    def badness(group: list[RunRecord]) -> float:
        return -statistics.fmean(record.mark for record in group) if _finished(group) else 1.0

    return sorted(groups.values(), key=badness)


def _finished(group: list[RunRecord]) -> list[RunRecord]:
    """The runs that did not diverge: those behind times.  A diverged one counts in scores, as a guess (rule 3)."""
    return [record for record in group if record.status == "finished"]


def _result_cells(group: list[RunRecord], several_studies: bool, beside: Sequence[str]) -> list[Text | str]:
    from eyechart.words.numbers import count, scaled, seconds

    first = group[0]
    name = f"{first.contender} ({first.study})" if several_studies else first.contender

    def mean(value: Callable[[RunRecord], float]) -> float:
        return statistics.fmean(value(record) for record in _finished(group) or group)

    return [
        named(name, first.recipe.contender, beside),
        first.weights.name + ("†" if first.weights.pretrained_on else ""),
        _mark(group),
        *(_class_cells(group) if first.task == "classification" else _box_cells(group)),
        seconds(mean(lambda record: record.clocks.training_seconds)) + ("‡" if any(map(was_shared, group)) else ""),
        scaled(first.cost.num_parameters, ""),
        count(round(mean(lambda record: record.cost.inference_images_per_second))),
    ]


def _class_cells(group: list[RunRecord]) -> list[str]:
    scored = [record.test_scores for record in group if _finished(group)]
    return [
        spread([100 * scores.macro_precision for scores in scored], 2),
        spread([100 * scores.macro_recall for scores in scored], 2),
        spread([100 * scores.macro_f1 for scores in scored], 2),
        spread([scores.loss for scores in scored], 4),
        spread([scores.raw_loss for scores in scored], 4),
    ]


def _box_cells(group: list[RunRecord]) -> list[str]:
    scored = [record.box_scores for record in group if _finished(group)]
    return [
        spread([100 * scores.map50 for scores in scored], 2),
        spread([100 * scores.map75 for scores in scored], 2),
        spread([100 * (scores.mar_100 or 0.0) for scores in scored], 2),
        spread([100 * scores.mean_iou for scores in scored], 2),
    ]


def _mark(group: list[RunRecord]) -> str:
    """The primary metric: one accuracy with its Wilson interval; several: mean and deviation; how many diverged."""
    from eyechart.comparison.uncertainty import wilson_interval

    num_diverged = len(group) - len(_finished(group))
    if num_diverged == len(group):
        return "diverged" if num_diverged == 1 else f"all {num_diverged} diverged"
    text = spread([100 * record.mark for record in group], 2)
    if len(group) == 1 and group[0].test:
        scores = group[0].test_scores
        low, high = wilson_interval(round(scores.accuracy * scores.num_items), scores.num_items)
        text += f" ({100 * low:.2f}–{100 * high:.2f})"
    return f"{text} {num_diverged} of {len(group)} diverged" if num_diverged else text


def spread(values: Sequence[float], decimals: int) -> str:
    """One value as it is, several as mean ± standard deviation, none as a dash."""
    if not values:
        return "–"
    mean = f"{statistics.fmean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{decimals}f}"


def _legend(groups: list[list[RunRecord]]) -> list[str]:
    """What the table was made from, and what its signs mean."""
    from eyechart.words.class_means import absent_classes, means_over

    records = [record for group in groups for record in group]
    parts = dict.fromkeys(f"{record.num_judged:,} test images of {record.dataset.title}" for record in records)
    scored = [group for group in groups if _finished(group)]
    if records[0].task == "detection":
        lines = [f"{', '.join(parts)}. COCO's figures: mAP is the mean over classes and overlaps from .50 to .95."]
    else:
        means = dict.fromkeys(means_over(record.dataset.num_classes, absent_classes(record)) for record in records)
        lines = [f"{', '.join(parts)}. Precision, recall and F1 are {'; '.join(means)}."]
    if records[0].task == "classification" and any(len(group) == 1 for group in scored):
        lines.append("(low–high): 95 % Wilson interval of one run.")
    if numbers := sorted({len(group) for group in scored} - {1}):
        lines.append(f"±: standard deviation over {' or '.join(map(str, numbers))} seeds.")
    if any(map(was_shared, records)):
        lines.append("‡ beside other runs of the same command (--jobs): no time to compare.")
    origins = dict.fromkeys(record.weights.pretrained_on for record in records if record.weights.pretrained_on)
    if origins:
        lines.append(f"† did not start from nothing: pretrained on {', '.join(origins)}.")
    return lines
