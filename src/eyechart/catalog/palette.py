"""One colour, marker and dash for every contender, the same in the terminal, the report, the page and the figures.

The colours are those of Okabe and Ito (2008), "Color Universal Design", which colour-blind readers can tell apart;
marker and dash are the second cue, in Matplotlib's codes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

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
}

FALLBACK_STYLES: tuple[Style, ...] = (
    Style("#56B4E9", "v", (0, (1, 1))),
    Style("#000000", "P", (0, (5, 1))),
    Style("#7F6A00", "X", (0, (3, 1, 1, 1))),
    Style("#882255", "<", (0, (5, 5))),
    Style("#44AA99", ">", (0, (3, 5, 1, 5))),
    Style("#332288", "h", (0, (1, 5))),
)


def style_of(contender: str) -> Style:
    """The style of `contender`; an unknown name gets a fallback that depends on the name alone, so it never changes."""
    if contender in CONTENDER_STYLE:
        return CONTENDER_STYLE[contender]
    return FALLBACK_STYLES[zlib.crc32(contender.encode()) % len(FALLBACK_STYLES)]
