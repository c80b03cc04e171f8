"""What the means of precision, recall and F1 are over, and which classes the test part lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.words.numbers import and_more, elided, number
from eyechart.words.speech import spaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import Language, RunRecord

MOST_NAMED = 5


def absent_classes(run: RunRecord) -> tuple[str, ...]:
    """The names of the classes without a test image."""
    return tuple(run.dataset.classes[k] for k in run.test_scores.per_class.absent)


def means_over(num_classes: int, absent: Sequence[str], lang: Language = "en") -> str:
    """ "means over the classes", or "means over 2 of 3 classes: test has no image of owl"."""
    if not absent:
        return "means over the classes" if lang == "en" else "moyennes sur les classes"
    judged, every = number(num_classes - len(absent), 0, lang), number(num_classes, 0, lang)
    if lang == "en":
        return f"means over {judged} of {every} classes: {lacking(absent)}"
    return spaced(f"moyennes sur {judged} des {every} classes : {lacking(absent, 'fr')}")


def lacking(absent: Sequence[str], lang: Language = "en") -> str:
    """ "test has no image of owl, fox"; of many names only the first ones."""
    shown = list(absent[:MOST_NAMED])
    if len(absent) > MOST_NAMED:
        shown.append(and_more(len(absent) - MOST_NAMED, lang))
    names = ", ".join(shown)
    return f"test has no image of {names}" if lang == "en" else f"le test n'a aucune image {elided('de', names)}"
