"""One paragraph of the synthesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_NAMED = 6  # contenders or verdicts in a paragraph


@dataclass(frozen=True)
class Part:
    """A paragraph: plain sentences, and the sections and figures where what they say can be seen."""

    title: str
    sentences: tuple[str, ...]
    anchors: tuple[str, ...] = ()  # of the page's sections
    figures: tuple[str, ...] = ()  # files in the folder of figures, without their ending
    points: tuple[str, ...] = ()  # a list below the sentences

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def made(
    title: str,
    sentences: list[str],
    anchors: tuple[str, ...] = (),
    figures: tuple[str, ...] = (),
    points: Sequence[str] = (),
) -> Part | None:
    """A paragraph without its empty sentences; None when nothing is left."""
    told = tuple(sentence for sentence in sentences if sentence)
    return Part(title, told, anchors, figures, tuple(points)) if told or points else None
