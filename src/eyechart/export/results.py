"""What the files of a study say of one run, for its card: scores, other seeds, the eye test, other pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eyechart.base.errors import StorageError
from eyechart.comparison.uncertainty import mean_interval, wilson_interval
from eyechart.files.storage import find_runs, read_record, read_run
from eyechart.report.context_words import level_words, severity_words
from eyechart.report.contexts import record_beside
from eyechart.report.exam.words import acuity_text, dimension_name
from eyechart.report.judged_text import mean_words
from eyechart.schema.exam import EXAM_FILE, ExamRecord
from eyechart.words.speech import ENGLISH

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.schema import Comparison, RunRecord
    from eyechart.schema.contexts import ContextRecord


class Result(NamedTuple):
    """A line of a table."""

    name: str
    value: str
    interval: str = ""  # 95 %; empty: one run has none


class Results(NamedTuple):
    """Everything that is there; what is empty was not measured."""

    scores: tuple[Result, ...]
    seeds: str  # how far other seeds of the same recipe came
    exam: tuple[Result, ...]  # the acuity in each dimension
    elsewhere: dict[str, tuple[Result, ...]]  # title: accuracy on other pictures


def results_of(run: Path, record: RunRecord) -> Results:
    """Of a run in its study's folder.  What is damaged there counts as not measured."""
    study = run.resolve().parent
    return Results(_scores(record), _other_seeds(study, record), _exam(study, record), _elsewhere(study, record))


def _scores(record: RunRecord) -> tuple[Result, ...]:
    found = []
    if record.test:
        test = record.test
        low, high = wilson_interval(round(test.accuracy * test.num_items), test.num_items)
        found += [
            Result("accuracy", ENGLISH.percent(test.accuracy), ENGLISH.percent_interval(low, high)),
            Result("macro F1", ENGLISH.percent(test.macro_f1)),
            Result("loss (nats an image, after the temperature)", ENGLISH.loss(test.loss)),
        ]
    if record.detection:
        boxes = record.detection
        found += [
            Result("mAP of boxes (IoU .50 to .95)", ENGLISH.number(boxes.map, 3)),
            Result("mAP50 of boxes", ENGLISH.number(boxes.map50, 3)),
            Result("mean IoU of the best box", ENGLISH.number(boxes.mean_iou, 3)),
        ]
    return tuple(found)


def _other_seeds(study: Path, record: RunRecord) -> str:
    try:
        runs = [read_run(folder) for folder in find_runs([study])]
    except StorageError:
        return ""
    alike = [
        each.mark
        for each in runs
        if (each.contender, each.recipe.settings, each.splits.test_sha256, each.judged_on)
        == (record.contender, record.recipe.settings, record.splits.test_sha256, "")
    ]
    if len(alike) < 2:
        return "One seed of this recipe was trained, so how much another one would differ is not known."
    low, high = mean_interval(alike)
    what = "accuracy" if record.test else "mAP"
    mean = sum(alike) / len(alike)
    return (
        f"{len(alike)} seeds of this recipe were trained: mean {what} {ENGLISH.percent(mean)} "
        f"({ENGLISH.percent_interval(max(0.0, low), min(1.0, high))}, 95 % interval over seeds). This file is seed "
        f"{record.seed}, with {ENGLISH.percent(record.mark)}; eyechart chooses none by its test score."
    )


def _exam(study: Path, record: RunRecord) -> tuple[Result, ...]:
    try:
        exam = read_record(study / EXAM_FILE, ExamRecord)
    except StorageError:
        return ()
    if record.contender not in exam.contenders or not exam.is_of(record):
        return ()
    found = []
    for dimension in exam.dimensions:
        reading = exam.reading(record.contender, dimension.name)
        found.append(
            Result(dimension_name(dimension.name, ENGLISH), *acuity_text(dimension, reading, exam.height, ENGLISH))
        )
    return tuple(found)


def _elsewhere(study: Path, record: RunRecord) -> dict[str, tuple[Result, ...]]:
    found: dict[str, tuple[Result, ...]] = {}
    for context, title in (("corruption", "Spoiled test images"), ("shift", "Images from elsewhere")):
        try:
            judged = record_beside(study, context)
        except StorageError:
            continue
        for severity in dict.fromkeys(level.severity for level in judged.levels) if judged else ():
            assert judged is not None
            rows = _rows(judged, severity, record.contender)
            if rows:
                found[f"{title} ({severity_words(severity, ENGLISH)})"] = rows
    return found


def _rows(judged: ContextRecord, severity: str, contender: str) -> tuple[Result, ...]:
    named = [
        *((mean_words(each, ENGLISH), each.comparison) for each in judged.means if each.severity == severity),
        *((level_words(each, ENGLISH), each.comparison) for each in judged.levels if each.severity == severity),
    ]
    return tuple(row for name, comparison in named if (row := _accuracy(name, comparison, contender)))


def _accuracy(name: str, comparison: Comparison, contender: str) -> Result | None:
    for each in comparison.summaries:
        if (each.contender, each.metric) == (contender, "accuracy"):
            ends = "" if each.low is None or each.high is None else ENGLISH.percent_interval(each.low, each.high)
            return Result(name, ENGLISH.percent(each.mean), ends)
    return None
