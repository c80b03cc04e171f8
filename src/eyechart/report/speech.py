"""One language of the report: which of two sentences is said, and how numbers are written in it.

Every sentence stands in the code in English and French side by side, `say("Leaderboard", "Classement")`, so that none
can be forgotten; the caller chooses the language once, and everything below is handed the same `say`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from eyechart.errors import UsageError
from eyechart.report import numbers
from eyechart.schema import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
NARROW = "\N{NARROW NO-BREAK SPACE}"  # French: between thousands, before % ; : ? !
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

    def written(self, write: Callable[..., str], *values: float) -> str:
        """A number as `write` (of numbers.py, which writes English) puts it, in this language."""
        text = write(*values)
        return text if self.lang == "en" else french_number(text)

    def percent(self, ratio: float, decimals: int = 2) -> str:
        return self.written(numbers.percent, ratio, decimals)

    def short_percent(self, ratio: float) -> str:
        return self.written(numbers.short_percent, ratio)

    def percent_interval(self, low: float, high: float) -> str:
        decimals = numbers.percent_decimals(low, high)
        return self.interval(f"{100 * low:.{decimals}f}", f"{100 * high:.{decimals}f} %")

    def interval(self, low: str, high: str) -> str:
        """Both ends as numbers.py writes them: "0.50", "0.81 %" -> "0.50 to 0.81 %"."""
        return f"{low} to {high}" if self.lang == "en" else f"{french_number(low)} à {french_number(high)}"

    def seconds(self, value: float) -> str:
        return self.written(numbers.seconds, value)

    def time_label(self, value: float) -> str:
        text = self.written(numbers.time_label, value)
        return re.sub(r"\bd$", "j", text) if self.lang == "fr" else text

    def count(self, value: float) -> str:
        return self.written(numbers.count, value)

    def scaled(self, value: float, unit: str = "") -> str:
        text = numbers.scaled(value, unit)
        return text if self.lang == "en" else french_number(re.sub(r"B$", "o", text))  # bytes are octets

    def significant(self, value: float, digits: int = 3) -> str:
        return self.written(numbers.significant, value, digits)

    def loss(self, value: float) -> str:
        return self.written(numbers.loss, value)

    def plain(self, value: float) -> str:
        """As short as it goes: ticks of an axis."""
        return self.written(lambda each: f"{each:g}", value)

    def p_value(self, value: float) -> str:
        """ "p = .004" in English, "p = 0,004" in French; below a thousandth only that."""
        if value < 0.001:
            return self("p < .001", "p < 0,001")
        digits = f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
        return self(f"p = {digits.removeprefix('0')}", f"p = {digits.replace('.', ',')}")

    # ------------------------------------------------------------------------------------------ words

    def number_word(self, number: int, *, feminine: bool = False) -> str:
        if number >= len(WORDS[self.lang]):
            return self.count(number)
        word = WORDS[self.lang][number]
        return word + "e" if self.lang == "fr" and feminine and number < 2 else word

    def counted(self, number: float, english: str, french: str) -> str:
        """Number and noun, both given in the singular: 3, "run", "entraînement" -> "3 runs"."""
        if self.lang == "en":
            return numbers.plural(int(number), english)
        noun = " ".join(f"{word}s" if number >= 2 and word[-1] not in "sx" else word for word in french.split(" "))
        return f"{self.count(number)} {noun}"

    def listed(self, names: list[str]) -> str:
        """["a", "b", "c"] -> "a, b and c"."""
        if len(names) == 1:
            return names[0]
        return ", ".join(names[:-1]) + self(" and ", " et ") + names[-1]

    def between(self, smallest: int, largest: int, english: str, french: str) -> str:
        """ "3 seeds", or "2 to 3 seeds" where the numbers differ."""
        if smallest == largest:
            return self.counted(smallest, english, french)
        return f"{self.count(smallest)} {self('to', 'à')} {self.counted(largest, english, french)}"


def speech(lang: str) -> Speech:
    """UsageError for a language that the report does not speak."""
    for known in LANGUAGES:
        if lang == known:
            return Speech(known)
    raise UsageError(f"--lang {lang!r} is not known; expected one of: {', '.join(LANGUAGES)}.")


def french_number(text: str) -> str:
    """A number as English writes it, in French: "1,234.5 %" -> "1 234,5 %" with narrow spaces that do not break."""
    swapped = text.replace(",", NARROW).replace(".", ",")
    return re.sub(r" (?=%)", NARROW, swapped)


def spaced(sentence: str) -> str:
    """French typography: a narrow space that does not break stands before % ; : ? ! and inside « »."""
    sentence = re.sub(r" (?=[%;:?!»])", NARROW, sentence)
    return re.sub(r"(?<=«) ", NARROW, sentence)
