"""What contexts, their severities and their levels are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.data.corruptions.table import CORRUPTIONS

if TYPE_CHECKING:
    from eyechart.schema.contexts import ContextRecord, LevelResult
    from eyechart.words.speech import Speech

PIECES = "among pieces of others"  # the severity of clutter, whose levels are numbers
SEVERITIES = {
    "as they come": "images telles quelles", "framed": "images cadrées", PIECES: "images parmi des morceaux d'autres",
}  # fmt: skip
FRENCH = {
    "data-size": "nombre d'images", "budget": "budget", "resolution": "résolution", "label-noise": "étiquettes fausses",
    "pretraining": "préentraînement", "corruption": "images abîmées", "shift": "images venues d'ailleurs",
    "clutter": "parmi des morceaux d'autres images",
}  # fmt: skip


def context_name(record: ContextRecord, say: Speech) -> str:
    """As a group of rows is named; of a context of a later eyechart its own word."""
    return say(record.context, FRENCH.get(record.context, record.context))


def severity_words(severity: str, say: Speech) -> str:
    """As it stands in a heading."""
    if severity == "published":
        return say("published level", "niveau publié")
    if severity == "mnist-c":
        return say("published arrays of MNIST-C", "tableaux publiés de MNIST-C")
    if not severity.isdecimal():
        return say(f"images {severity}", SEVERITIES.get(severity, severity))
    return say(f"severity {severity}", f"sévérité {severity}")


def level_words(level: LevelResult, say: Speech) -> str:
    """Its name: of a corruption in words, of clutter by its pieces, of a dataset as it is."""
    if level.severity == PIECES:
        number, word = level.label, "piece" if level.label == "1" else "pieces"
        french = "1 morceau" if number == "1" else f"{number} morceaux"
        return say(f"images beside {number} {word}", f"les images à côté de {french}")
    return say(*CORRUPTIONS[level.label].words) if level.label in CORRUPTIONS else level.label
