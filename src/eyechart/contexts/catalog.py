"""The contexts by name: along which axis a study is repeated, and what is asked at each level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from eyechart.base.errors import UsageError
from eyechart.base.near_miss import did_you_mean
from eyechart.contexts import pretraining
from eyechart.contexts.levels import Asked, Level
from eyechart.schema import StudyRecord


class Axis(NamedTuple):
    """What changes from level to level."""

    words: tuple[str, str]  # English, French
    is_log: bool


@dataclass(frozen=True)
class Context:
    """One of the contexts that `eyechart study` knows."""

    name: str
    question: tuple[str, str]  # English, French
    axis: Axis
    levels: Callable[[Asked], list[Level]]
    level_of: Callable[[StudyRecord], Level | None]  # of a study that is there already


@dataclass(frozen=True)
class JudgedContext:
    """One that trains nothing: the runs of a study that is there are judged again."""

    name: str
    question: tuple[str, str]  # English, French


CONTEXTS: dict[str, Context | JudgedContext] = {
    "pretraining": Context(
        "pretraining",
        (
            "what does pretraining buy, and where is a small network simply better?",
            "que rapporte le préentraînement, et où un petit réseau est-il simplement meilleur ?",
        ),
        Axis(("training images", "images d'entraînement"), True),
        pretraining.levels,
        pretraining.level_of,
    ),
    "corruption": JudgedContext(
        "corruption",
        (
            "what is left of the accuracy on spoiled pictures, and whose is it?",
            "que reste-t-il de l'exactitude sur des images abîmées, et à qui ?",
        ),
    ),
}


def context_of(name: str) -> Context | JudgedContext:
    """UsageError for a name that is not known."""
    if name not in CONTEXTS:
        raise UsageError(
            f"There is no context {name!r}.{did_you_mean(name, CONTEXTS)} Expected one of {', '.join(CONTEXTS)}."
        )
    return CONTEXTS[name]
