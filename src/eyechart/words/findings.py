"""A sentence or two for each finding: what was found, why it matters, what to do; in English and French."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eyechart.words import numbers
from eyechart.words.finding_sentences import SENTENCES
from eyechart.words.speech import spaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.schema import Finding, Language, Scalar

MOST_NAMED = 6

# How facts are written; those that are not named here are written as they are.
PERCENT = {
    "accuracy": 2, "macro_f1": 2, "weighted_f1": 2, "class_f1": 2, "most": 1, "cap": 1, "load": 0, "validation": 2,
    "test": 2, "renamed": 2, "share": 2, "mfu": 0, "busy": 0, "error": 2,
}  # fmt: skip
DECIMALS = {
    "loss": 3, "validation_loss": 3, "mean": 3, "std": 3, "floor": 3, "chance": 3, "first": 3, "last": 3, "ratio": 2,
    "stated": 6, "follows": 6, "fed_std": 4, "fed_mean": 4, "least_std": 3,
}  # fmt: skip

KINDS = {
    "en": {"alarm": "alarm", "unfair": "unfair", "note": "note"},
    "fr": {"alarm": "alerte", "unfair": "inéquitable", "note": "note"},
}
ALL = {"en": "All runs", "fr": "Tous les entraînements"}
FIGURES_OF = {"en": "The figures are those of", "fr": "Les chiffres sont ceux de"}
FRENCH_WORDS = {
    "train": "entraînement", "validation": "validation", "test": "test", "seconds": "secondes", "images": "images",
    "steps": "pas", "epochs": "époques", "full schedule": "programme complet", "accuracy": "exactitude",
    "trials": "essais", "untuned": "sans réglage",
    "macro_precision": "précision macro", "macro_recall": "rappel macro", "macro_f1": "F1 macro", "loss": "perte",
    "num_items": "nombre d'images",
}  # fmt: skip
ENGLISH_WORDS = {
    "macro_precision": "macro precision", "macro_recall": "macro recall", "macro_f1": "macro F1",
    "num_items": "number of images",
}  # fmt: skip
TRANSLATED_FACTS = {"part", "first", "second", "score", "usual", "other"}  # word by word, where they are words


def sentence(finding: Finding, lang: Language = "en") -> str:
    """The finding for people.  Raises KeyError for a code that has no sentence, which is a programming mistake."""
    english, french = SENTENCES[finding.code]
    values = {name: _written(name, value, lang) for name, value in finding.facts.items()}
    values |= {"who": listed(finding.runs, lang) or ALL[lang], "each": _each(finding, lang)}
    whose = f" ({FIGURES_OF[lang]} {finding.facts['figures_of']}.)" if "figures_of" in finding.facts else ""
    if lang == "en":
        return english.format_map(values) + whose
    return spaced(french.format_map(values) + whose)


def listed(names: Sequence[str], lang: Language) -> str:
    """ "cnn, vit and vgg16"; of many names only the first ones."""
    return numbers.spoken_list(names, lang, MOST_NAMED)


def _written(name: str, value: Scalar, lang: Language) -> str:
    if isinstance(value, str):
        return _translated(value, lang) if name in TRANSLATED_FACTS else value
    if name in PERCENT:
        return numbers.percent(value, PERCENT[name], lang)
    if name in DECIMALS:
        return numbers.number(value, DECIMALS[name], lang)
    return numbers.number(value, 0 if float(value).is_integer() else 1, lang)


def _translated(text: str, lang: Language) -> str:
    words = ENGLISH_WORDS if lang == "en" else FRENCH_WORDS
    pattern = r"\b(" + "|".join(map(re.escape, words)) + r")\b"
    return re.sub(pattern, lambda match: words[match[0]], text)


def _each(finding: Finding, lang: Language) -> str:
    """What stands in the facts for each contender: what it was trained on before, or what it got."""
    parts = []
    for name in finding.runs[:MOST_NAMED]:
        if f"on {name}" in finding.facts:
            parts.append(f"{name} ({finding.facts[f'on {name}']})")
        elif f"images {name}" in finding.facts:
            images = _written("images", finding.facts[f"images {name}"], lang)
            parts.append(f"{name} {images} images" + _seconds_of(finding, name, lang))
        elif f"epochs {name}" in finding.facts:
            epochs = float(finding.facts[f"epochs {name}"])
            one, many = ("epoch", "epochs") if lang == "en" else ("époque", "époques")
            parts.append(f"{name} {numbers.counted(epochs, one, many, lang)}")
        elif f"tuning {name}" in finding.facts:
            parts.append(f"{name} {_translated(str(finding.facts[f'tuning {name}']), lang)}")
    if len(finding.runs) > MOST_NAMED:
        parts.append(numbers.and_more(len(finding.runs) - MOST_NAMED, lang))
    return numbers.spoken_list(parts, lang)


def _seconds_of(finding: Finding, name: str, lang: Language) -> str:
    seconds = finding.facts.get(f"seconds {name}")
    if seconds is None:
        return ""
    return (" in " if lang == "en" else " en ") + numbers.number(float(seconds), 0, lang) + " s"
