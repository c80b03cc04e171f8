"""A study repeated along an axis, as it is kept: context.json."""

from __future__ import annotations

from eyechart.schema.comparison import Comparison, Verdict
from eyechart.schema.frozen import Frozen


class LevelResult(Frozen):
    """One level of the axis and all that was found there."""

    label: str  # "300"
    value: float  # where it stands on the axis
    study: str  # name of its folder
    comparison: Comparison
    answers: tuple[Verdict, ...] = ()  # to the questions that the context asks; Holm among these alone


class ContextRecord(Frozen):
    """What `eyechart study` found."""

    schema_version: int = 1
    context: str  # "pretraining"
    dataset: str  # title
    levels: tuple[LevelResult, ...]  # by value; those of which at least one run is finished
