"""Numbers for people, in English and French: units, thousands, and the digits that their interval deserves.

French has a decimal comma, a narrow no-break space between thousands and before %, and the singular below two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eyechart.schema import Language

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
MISSING = "–"
MOST_DECIMALS = 6
ALPHA = 0.05
_BEFORE_LES = {"de": "des", "à": "aux"}
TIME_UNITS = ((86400, "d", "j"), (3600, "h", "h"), (60, "min", "min"), (1, "s", "s"), (0.001, "ms", "ms"))


def elided(word: str, name: str) -> str:
    """French "que", "de" or "à" before a name: "que vit", "qu'alexnet", "d'alexnet", "des deux autres", "aux deux"."""
    if word in _BEFORE_LES and name.startswith("les "):
        return f"{_BEFORE_LES[word]} {name.removeprefix('les ')}"
    is_elided = word != "à" and name[:1].lower() in "aeiouâéèêîô" and not name.startswith("onze")
    return f"{word[:-1]}'{name}" if is_elided else f"{word} {name}"


def number(value: float, decimals: int = 0, lang: Language = "en") -> str:
    """1234.5, 1 -> "1,234.5", in French "1 234,5"; never "-0.0"."""
    if not math.isfinite(value):
        return MISSING
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):  # what rounds to nothing has no sign
        text = text.lstrip("-")
    if lang == "fr":
        text = text.replace(",", NARROW_SPACE).replace(".", ",")
    return text


def significant(value: float, digits: int = 3, lang: Language = "en") -> str:
    """Rounded to `digits` significant digits, never in powers of ten: 123.4 -> "123", 1.234 -> "1.23"."""
    if not math.isfinite(value) or value == 0:
        return number(value, 0, lang)
    rounded = round(value, digits - 1 - math.floor(math.log10(abs(value))))
    decimals = digits - 1 - math.floor(math.log10(abs(rounded)))  # 0.9997 has become 1.00
    return number(rounded, max(0, min(decimals, 9)), lang)


def interval_decimals(low: float, high: float, fallback: int = 2) -> int:
    """Decimals that an interval deserves: half widths of 0.02, 0.09, 0.16, 0.4 and 1.2 get 3, 2, 2, 1 and 1.

    One or two digits of the half width (two while it begins with 1 or 2).  Up to two more when an end that is not 0
    would otherwise be written as 0: whether an interval holds 0 is what readers look for.
    """
    half = (high - low) / 2
    if not math.isfinite(half) or half <= 0:
        return fallback
    decimals = min(MOST_DECIMALS, max(0, -math.floor(math.log10(half / 3) + 1e-9)))
    for more in range(3):
        if not any(end != 0 and round(end, decimals + more) == 0 for end in (low, high)):
            return min(MOST_DECIMALS, decimals + more)
    return decimals  # an end so close to 0 is 0 for readers


def decimals_in_order(values: Sequence[float], decimals: Sequence[int]) -> list[int]:
    """The decimals of ascending values, raised where rounding would write a smaller value as the larger one.

    1.125 and 1.375 with one decimal and none are "1.1" and "1": the second gets one more.
    """
    found = list(decimals)
    for later in range(len(values)):
        for earlier in range(later):
            while round(values[earlier], found[earlier]) > round(values[later], found[later]):
                coarser = earlier if found[earlier] < found[later] else later
                if found[coarser] >= MOST_DECIMALS:
                    break
                found[coarser] += 1
    return found


def interval(low: float, high: float, decimals: int, lang: Language = "en") -> str:
    """0.12, 0.3 -> "0.12 to 0.30", in French "0,12 à 0,30"."""
    return f"{number(low, decimals, lang)} {'to' if lang == 'en' else 'à'} {number(high, decimals, lang)}"


def percent(ratio: float, decimals: int = 2, lang: Language = "en") -> str:
    """0.0063 -> "0.63 %"."""
    text = number(100 * ratio, decimals, lang)
    return text if text == MISSING else f"{text}{percent_sign(lang)}"


def percent_sign(lang: Language = "en") -> str:
    return (NARROW_SPACE if lang == "fr" else " ") + "%"


def percent_interval(low: float, high: float, lang: Language = "en", decimals: int | None = None) -> str:
    """(0.0050, 0.0081) -> "0.50 to 0.81 %"."""
    decimals = interval_decimals(100 * low, 100 * high) if decimals is None else decimals
    return interval(100 * low, 100 * high, decimals, lang) + percent_sign(lang)


def p_value(p: float, lang: Language = "en") -> str:
    """ "p = .004", "p < .001", "p = .21", "p = 1"; in French with the zero that is usual there: "p = 0,004".

    A p on one side of .05 is never written as .05 itself.
    """
    if not math.isfinite(p):
        return f"p = {MISSING}"
    if p < 0.001:
        return f"p < {_probability(0.001, 3, lang)}"
    decimals = 3 if p < 0.0995 else 2
    while p != ALPHA and round(p, decimals) == ALPHA and decimals < MOST_DECIMALS:
        decimals += 1
    return f"p = {_probability(p, decimals, lang)}"


def _probability(p: float, decimals: int, lang: Language) -> str:
    text = number(p, decimals, lang)
    if float(f"{p:.{decimals}f}") == 1:
        return "1"
    return text.removeprefix("0") if lang == "en" else text


def times(ratio: float, lang: Language = "en", decimals: int | None = None) -> str:
    """How many times as much: 1.349 -> "1.35 times", "1,35 fois"; 31.4 -> "31.4 times"."""
    text = significant(ratio, 3, lang) if decimals is None else number(ratio, decimals, lang)
    return f"{text} {'times' if lang == 'en' else 'fois'}"


def seconds(value: float, lang: Language = "en") -> str:
    """0.0012 -> "1.2 ms", 12.34 -> "12.3 s", 200 -> "3 min 20 s", 4000 -> "1 h 07 min"."""
    if not math.isfinite(value):
        return MISSING
    if value < 0.9995:
        return f"{significant(1000 * value, 2 if value < 0.1 else 3, lang)} ms"
    if value < 99.95:
        return f"{number(value, 1, lang)} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    minutes = round(value / 60)
    return f"{number(minutes // 60, 0, lang)} h {minutes % 60:02d} min"


def counted(count: float, one: str, many: str, lang: Language = "en") -> str:
    """3, "seed", "seeds" -> "3 seeds"; French takes the singular for 0 and 1, and for 1.9."""
    is_one = abs(count) < 2 if lang == "fr" else count == 1
    decimals = 0 if count == round(count) else 1
    return f"{number(count, decimals, lang)} {one if is_one else many}"


def with_unit(value: float, decimals: int, units: str, lang: Language = "en") -> str:
    """ "0.21 points", "1 point", "2,0 points": number and unit agree as they are written."""
    text = number(value, decimals, lang)
    is_one = abs(round(value, decimals)) < 2 if lang == "fr" else text.lstrip("-") == "1"
    return f"{text} {units.removesuffix('s') if is_one else units}"


def spoken_list(names: Sequence[str], lang: Language = "en", most: int | None = None) -> str:
    """["a", "b", "c"] -> "a, b and c"; of more than `most` the first ones: "a, b and 3 more"."""
    if most is not None and len(names) > most:
        names = [*names[:most], and_more(len(names) - most, lang)]
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + (" and " if lang == "en" else " et ") + names[-1]


def and_more(left: int, lang: Language = "en") -> str:
    """What stands for names that a list has no room for: "3 more", "1 autre"."""
    if lang == "en":
        return f"{number(left)} more"
    return f"{number(left, 0, lang)} autre{'s' if left > 1 else ''}"


def percent_decimals(low: float, high: float) -> int:
    """Decimals of a percentage whose interval is (low, high) as ratios."""
    return interval_decimals(100 * low, 100 * high)


def short_percent(ratio: float, lang: Language = "en") -> str:
    """For ticks, without needless zeros: 0.005 -> "0.5 %", 0.1 -> "10 %"."""
    return plain(float(f"{100 * ratio:.6g}"), lang) + percent_sign(lang)


def plain(value: float, lang: Language = "en") -> str:
    """As short as it goes, for ticks: 0.05, 20, 1e+06."""
    text = f"{value:.10g}"
    return text.replace(".", ",") if lang == "fr" else text


def time_label(value: float, lang: Language = "en") -> str:
    """For ticks of a clock: 120 -> "2 min", 90 -> "90 s"."""
    if 60 < value < 600 and value % 60:
        return f"{plain(value, lang)} s"
    for size, unit, french in TIME_UNITS:
        if value >= size:
            return f"{plain(float(f'{value / size:.6g}'), lang)} {unit if lang == 'en' else french}"
    return f"{plain(float(f'{value * 1e6:.6g}'), lang)} µs"


def count(value: float, lang: Language = "en") -> str:
    """1234567 -> "1,234,567"; means of several runs keep one decimal when they need it."""
    if not math.isfinite(value):
        return MISSING
    return number(value, 0 if value == round(value) or value >= 1000 else 1, lang)


def scaled(value: float, unit: str, lang: Language = "en") -> str:
    """21_000_000, "FLOP" -> "21.0 MFLOP"; an empty unit gives "21.0 M"; French writes bytes (B) as octets (o)."""
    if not math.isfinite(value):
        return MISSING
    unit = "o" if unit == "B" and lang == "fr" else unit
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor * 0.9995:
            return f"{significant(value / factor, 3, lang)} {prefix}{unit}"
    return f"{significant(value, 3, lang)} {unit}".rstrip()


def loss(value: float, lang: Language = "en") -> str:
    return number(value, 4, lang)


def unbroken(text: str) -> str:
    """Sentences whose numbers stay on one line with their units."""
    return re.sub(r"(?<=\d) (?=(?:%|s|ms|min|h)(?!\w))", "\N{NO-BREAK SPACE}", text)


def shortened(text: str, longest: int = 18) -> str:
    """`text`, cut with an ellipsis when it is longer than a figure has room for."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
