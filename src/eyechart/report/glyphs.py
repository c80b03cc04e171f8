"""The contenders' marks as little drawings for tables and cards: the same shapes that the figures use."""

from __future__ import annotations

from markupsafe import Markup

from eyechart.catalog.palette import Style
from eyechart.report.charts import themed

# One path for each of Matplotlib's marker codes, in a box from -8 to 8.
PATHS = {
    "o": "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",
    "s": "M-5.4-5.4h10.8v10.8h-10.8z",
    "^": "M0-6.4L6.6 5.4H-6.6z",
    "v": "M0 6.4L6.6-5.4H-6.6z",
    "<": "M-6.4 0L5.4-6.6V6.6z",
    ">": "M6.4 0L-5.4-6.6V6.6z",
    "D": "M0-7L7 0L0 7L-7 0z",
    "*": "M0-7.6L1.8-2.4L7.2-2.3L2.9 .9L4.5 6.2L0 3L-4.5 6.2L-2.9 .9L-7.2-2.3L-1.8-2.4z",
    "P": "M-2.3-6.6h4.6v4.3h4.3v4.6h-4.3v4.3h-4.6v-4.3h-4.3v-4.6h4.3z",
    "X": "M-6.2-3.2L-3.2-6.2L0-3L3.2-6.2L6.2-3.2L3 0L6.2 3.2L3.2 6.2L0 3L-3.2 6.2L-6.2 3.2L-3 0z",
    "h": "M0-6.6L5.7-3.3V3.3L0 6.6L-5.7 3.3V-3.3z",
}


def mark(style: Style) -> Markup:
    """The contender's mark as an inline drawing."""
    path = PATHS.get(style.marker, PATHS["o"])
    drawing = '<svg class="mark" viewBox="-8 -8 16 16" aria-hidden="true"><path d="{}" fill="{}"/></svg>'
    return Markup(drawing).format(path, themed(style.colour))


def mark_path(style: Style) -> str:
    """The mark's outline alone, for a drawing of which it is a part."""
    return PATHS.get(style.marker, PATHS["o"])
