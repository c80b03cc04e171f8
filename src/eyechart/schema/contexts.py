"""A study repeated along an axis, as it is kept: context.json."""

from __future__ import annotations

from typing import Literal

from eyechart.schema.comparison import Comparison, Verdict
from eyechart.schema.frozen import Frozen


class LevelResult(Frozen):
    """One level of the axis and all that was found there."""

    label: str  # "300"
    value: float  # where it stands on the axis
    study: str  # name of its folder
    comparison: Comparison
    answers: tuple[Verdict, ...] = ()  # to the questions that the context asks; Holm among these alone
    robustness: Comparison | None = None  # of the level's study judged again: its mean over spoiled pictures
    peak_memory: dict[str, float] = {}  # bytes, of each contender's training, the mean over its runs
    seconds: float | None = None  # of training, the same for all by rule; None: it is a result
    severity: str = ""  # of a corruption: "published", "1" to "5", "mnist-c"; empty: the level is a place on an axis


class MeanResult(Frozen):
    """What several levels of one severity say together: each run's mean over them, paired over the same images."""

    name: Literal["untouched", "not geometric", "geometric"]  # untouched: the study's own test images, for comparison
    severity: str
    labels: tuple[str, ...]  # of the levels that the mean is over; empty: untouched
    comparison: Comparison


class ContextRecord(Frozen):
    """What `eyechart study` found."""

    schema_version: int = 1
    context: str  # "pretraining"
    dataset: str  # title
    levels: tuple[LevelResult, ...]  # by value; those of which at least one run is finished
    means: tuple[MeanResult, ...] = ()  # of a context of corruptions
