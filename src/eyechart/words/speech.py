"""One language of the report: which of two sentences is said, and how numbers are written in it.

Every sentence stands in the code in English and French side by side, `say("Leaderboard", "Classement")`, so that none
can be forgotten; the caller chooses the language once, and everything below is handed the same `say`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from eyechart.base.errors import UsageError
from eyechart.schema import Language
from eyechart.words import numbers
from eyechart.words.numbers import NARROW_SPACE, counted, elided, p_value, spoken_list

LANGUAGES: tuple[Language, ...] = get_args(Language)
WORDS = {
    "en": ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    "fr": ("aucun", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze"),
}


@dataclass(frozen=True)
class Speech:
    """English or French; `say(english, french)` gives the one that is spoken."""

    lang: Language = "en"

    def __call__(self, english: str, french: str) -> str:
        return english if self.lang == "en" else spaced(french)

    # ------------------------------------------------------------------------------------------ numbers

    def number(self, value: float, decimals: int = 0) -> str:
        return numbers.number(value, decimals, self.lang)

    def percent(self, ratio: float, decimals: int = 2) -> str:
        return numbers.percent(ratio, decimals, self.lang)

    def short_percent(self, ratio: float) -> str:
        return numbers.short_percent(ratio, self.lang)

    def percent_interval(self, low: float, high: float) -> str:
        return numbers.percent_interval(low, high, self.lang)

    def interval(self, low: str, high: str) -> str:
        """Both ends, written already: "0.50", "0.81" -> "0.50 to 0.81"."""
        return f"{low} {self('to', 'à')} {high}"

    def seconds(self, value: float) -> str:
        return numbers.seconds(value, self.lang)

    def time_label(self, value: float) -> str:
        return numbers.time_label(value, self.lang)

    def count(self, value: float) -> str:
        return numbers.count(value, self.lang)

    def scaled(self, value: float, unit: str = "") -> str:
        return numbers.scaled(value, unit, self.lang)

    def significant(self, value: float, digits: int = 3) -> str:
        return numbers.significant(value, digits, self.lang)

    def loss(self, value: float) -> str:
        return numbers.loss(value, self.lang)

    def plain(self, value: float) -> str:
        """As short as it goes: ticks of an axis."""
        return numbers.plain(value, self.lang)

    def p_value(self, value: float) -> str:
        return p_value(value, self.lang)

    # ------------------------------------------------------------------------------------------ words

    def number_word(self, number: int, *, feminine: bool = False) -> str:
        if number >= len(WORDS[self.lang]):
            return self.count(number)
        word = WORDS[self.lang][number]
        return word + "e" if self.lang == "fr" and feminine and number < 2 else word

    def counted(self, number: float, english: str, french: str) -> str:
        """Number and noun, both given in the singular: 3, "run", "entraînement" -> "3 runs"."""
        if self.lang == "en":
            return counted(number, english, english + ("es" if english.endswith(("s", "x", "ch")) else "s"))
        head, gap, complement = french.partition(" d")  # "image d'entraînement": what follows stays as it is
        many = " ".join(f"{word}s" if word[-1] not in "sx" else word for word in head.split(" ")) + gap + complement
        return counted(number, french, many, "fr")

    def than(self, names: str) -> str:
        """ "than cnn"; in French "que cnn", "qu'alexnet"."""
        return self(f"than {names}", elided("que", names))

    def of(self, names: str) -> str:
        """ "of cnn"; in French "de cnn", "d'alexnet"."""
        return self(f"of {names}", elided("de", names))

    def listed(self, names: list[str], most: int | None = None) -> str:
        """["a", "b", "c"] -> "a, b and c"; of more than `most` the first ones: "a, b and 3 more"."""
        return spoken_list(names, self.lang, most)

    def semicolons(self, parts: Iterable[str]) -> str:
        """["a", "b"] -> "a; b"; in French with a space before."""
        return self("; ", " ; ").join(parts)

    @property
    def colon(self) -> str:
        return self(":", " :")

    def between(self, smallest: int, largest: int, english: str, french: str) -> str:
        """ "3 seeds", or "2 to 3 seeds" where the numbers differ."""
        if smallest == largest:
            return self.counted(smallest, english, french)
        return f"{self.count(smallest)} {self('to', 'à')} {self.counted(largest, english, french)}"


ENGLISH = Speech()


def speech(lang: str) -> Speech:
    """UsageError for a language that the report does not speak."""
    for known in LANGUAGES:
        if lang == known:
            return Speech(known)
    raise UsageError(f"--lang {lang!r} is not known; expected one of: {', '.join(LANGUAGES)}.")


def spaced(sentence: str) -> str:
    """French typography: a narrow space that does not break stands before % ; : ? ! and inside « »."""
    sentence = re.sub(r" (?=[%;:?!»])", NARROW_SPACE, sentence)
    return re.sub(r"(?<=«) ", NARROW_SPACE, sentence)
