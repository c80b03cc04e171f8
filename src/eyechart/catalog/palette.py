"""One colour, marker and dash for every contender, the same in the terminal, the report, the page and the figures.

The colours are those of Okabe and Ito (2008), "Color Universal Design", which colour-blind readers can tell apart;
marker and dash are the second cue, in Matplotlib's codes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from eyechart.catalog.zoo import architecture_of

# Matplotlib's marker codes as characters that are one column wide.
GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "*": "★", "v": "▼", "P": "✚", "X": "✕", "<": "◄", ">": "►", "h": "⬢"}

Dash = str | tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Style:
    """How one contender is drawn: `colour` as #RRGGBB, `marker` and `dash` as Matplotlib understands them."""

    colour: str
    marker: str
    dash: Dash

    @property
    def glyph(self) -> str:
        """The marker as one character, for a terminal."""
        return GLYPHS[self.marker]


CONTENDER_STYLE: dict[str, Style] = {
    "cnn": Style("#0072B2", "o", "-"),
    "vit": Style("#D55E00", "s", "--"),
    "vgg16": Style("#009E73", "^", ":"),
    "alexnet": Style("#CC79A7", "D", "-."),
    "fasterrcnn": Style("#E69F00", "*", (0, (8, 3))),
    "tutorial_vit": Style("#8A4B08", "X", (0, (3, 1, 1, 1))),
}

FALLBACK_STYLES: tuple[Style, ...] = (
    Style("#56B4E9", "v", (0, (1, 1))),
    Style("#000000", "P", (0, (5, 1))),
    Style("#7F6A00", "X", (0, (3, 1, 1, 1))),
    Style("#882255", "<", (0, (5, 5))),
    Style("#44AA99", ">", (0, (3, 5, 1, 5))),
    Style("#332288", "h", (0, (1, 5))),
)
NUM_FALLBACKS = len(FALLBACK_STYLES) ** 2  # every colour with every mark


def style_of(contender: str, beside: Iterable[str] = ()) -> Style:
    """The style of a contender's architecture, whatever its weights and regime: "vgg16:hed:head" looks as "vgg16".

    One without a style of its own gets a fallback, by its name alone.  `beside` are all contenders of the table or
    figure: where two of them would look alike, the later one in the alphabet gets the next that is free.
    """
    architecture = architecture_of(contender)
    if architecture in CONTENDER_STYLE:
        return CONTENDER_STYLE[architecture]
    taken: dict[int, str] = {}
    for each in sorted({architecture, *map(architecture_of, beside)} - set(CONTENDER_STYLE)):
        place = zlib.crc32(each.encode()) % len(FALLBACK_STYLES)
        while place in taken:
            place = (place + 1) % NUM_FALLBACKS
        taken[place] = each
        if each == architecture:
            return _fallback(place)
        if len(taken) == NUM_FALLBACKS:  # more than can be told apart
            taken.clear()
    raise AssertionError("the architecture is one of those that were walked through")


def _fallback(place: int) -> Style:
    """The first are those of the table; then come their colours with the mark and the dash of another one."""
    turn, number = divmod(place, len(FALLBACK_STYLES))
    marked = FALLBACK_STYLES[(number + turn) % len(FALLBACK_STYLES)]
    return Style(FALLBACK_STYLES[number].colour, marked.marker, marked.dash)
