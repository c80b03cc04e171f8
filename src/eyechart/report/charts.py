"""What all figures share: their size, type and colours, their files, and how they follow light and dark.

Matplotlib draws every figure once, in the colours of the light theme.  That is what the SVG and PNG files beside the
report keep.  Inside the page each of these colours is replaced by a CSS variable (see `inlined`), so that the same
drawing turns with the reader's theme.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eyechart.base import fonts
from eyechart.files.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The light theme; report.css gives each a light and a dark value under the variable's name.
INK, MUTED, GRID, NEUTRAL, HEAT = "#1b1a17", "#5f5b53", "#ddd9cf", "#ece9e1", "#f0a848"
THEME = {INK: "--ink", MUTED: "--muted", GRID: "--line", NEUTRAL: "--neutral", HEAT: "--heat"}
PAPER = "#ffffff"  # behind the PNG files only

CHARACTER_INCHES = 0.6 * 10.0 / 72  # mean width of a letter
Margins = tuple[float, float, float, float]  # left, bottom, right, top, in inches
TYPE_POINTS = 10.0
PNG_DOTS_PER_INCH = 160

MATPLOTLIB_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be selected, searched and set in the page's own type
    "svg.hashsalt": "eyechart",  # the same drawing gives the same file
    "text.parse_math": False,  # a class may be called "$x$"
    "font.family": "DejaVu Sans",  # wide: what fits in it fits in the reader's type; fonts.py adds what it lacks
    "font.size": TYPE_POINTS,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRID,
    "axes.linewidth": 0.8,
    "axes.labelcolor": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.7,
    "lines.markersize": 5.5,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Panel:
    """One drawing, ready for the page, with its files (names inside the folder of figures)."""

    svg: str  # inline, themed
    description: str  # for people who do not see it
    svg_file: str
    png_file: str


@dataclass(frozen=True)
class Chart:
    """One or several panels that share a finding and a caption."""

    anchor: str
    finding: str  # the title: what the data show, or just what is drawn
    caption: str  # n, seeds and what the intervals are
    panels: tuple[Panel, ...]
    layout: Literal["one", "two", "three", "small"] = "one"  # panels in a row


@contextlib.contextmanager
def drawing(names: Iterable[str] = ()) -> Iterator[None]:
    """Inside, figures are made and saved in the report's own style, whatever the user's matplotlibrc says.

    `names` of classes and contenders will be written in them, in any script.
    """
    import matplotlib

    with warnings.catch_warnings(), matplotlib.rc_context():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # of them PNG files show the number
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support .* natively")  # scripts
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(MATPLOTLIB_SETTINGS | {"font.family": fonts.families_for(names)})
        told = logging.getLogger("matplotlib.font_manager")  # that a font has no bold kind is no news to anybody
        level = told.level
        told.setLevel(logging.ERROR)
        try:
            yield
        finally:
            told.setLevel(level)


def new_panel(width: float, height: float, margins: Margins) -> tuple[Figure, Axes]:
    """A drawing of `width` x `height` inches; fixed margins, so that small multiples stand in line."""
    from matplotlib.figure import Figure

    left, bottom, right, top = margins
    figure = Figure(figsize=(width, height))
    place = (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    return figure, figure.add_axes(place)


def text_inches(names: Iterable[str]) -> float:
    """The room that the longest of `names` takes."""
    return CHARACTER_INCHES * max((len(name) for name in names), default=0)


def saved_panel(figure: Figure, name: str, description: str, folder: Path) -> Panel:
    """Write `name`.svg and `name`.png into `folder` and give the drawing for the page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    svg, png = io.StringIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    # Numbers are longer than what they stand for.
    cut: Literal["tight"] | None = "tight" if _write_numbers(figure) else None
    FigureCanvasAgg(figure).print_figure(png, format="png", dpi=PNG_DOTS_PER_INCH, facecolor=PAPER, bbox_inches=cut)
    drawn = svg.getvalue()
    write_bytes(folder / f"{name}.svg", _with_type(drawn, "Helvetica, Arial, sans-serif").encode())
    write_bytes(folder / f"{name}.png", png.getvalue())
    return Panel(inlined(drawn, name), description, f"{name}.svg", f"{name}.png")


def file_name(contender: str) -> str:
    """Its name as part of a drawing's: a contender may be named by a path."""
    return "".join(letter if letter.isalnum() else "-" for letter in contender)


def _write_numbers(figure: Figure) -> bool:
    """Write signs that no font has as their numbers, and say whether there were any; a browser has more fonts."""
    from matplotlib.text import Text

    texts = [artist for artist in figure.findobj(Text) if isinstance(artist, Text)]
    lacking = fonts.signs_without_font(text.get_text() for text in texts)
    if not lacking:
        return False
    for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        labels = [label.get_text() for label in axis.get_ticklabels()]
        if set("".join(labels)) & set(lacking):  # an axis writes its own labels anew
            axis.set_ticks(axis.get_majorticklocs(), [fonts.readable(label, lacking) for label in labels])
    for text in texts:
        text.set_text(fonts.readable(text.get_text(), lacking))
    return True


def inlined(svg: str, name: str) -> str:
    """A drawing of matplotlib as part of the page: ids unique by `name`, colours and type those of the page.

    Contender colours become `var(--k-0072b2, #0072B2)`; report.css and the page define what they are in the dark.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg, count=1)
    svg = _with_type(svg, "var(--type)")
    # Only tags are rewritten: what stands between them may be the name of a class, which is no markup.
    svg = re.sub(r"<[a-z][^>]*>", lambda tag: _inlined_tag(tag.group(), name), svg)
    return re.sub(r"\n\s*", "\n", svg)


def _inlined_tag(tag: str, name: str) -> str:
    tag = re.sub(r'\bid="([^"]+)"', lambda found: f'id="{name}-{found[1]}"', tag)
    tag = re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{name}-{found[1]})", tag)
    tag = re.sub(r'(?:xlink:)?href="#([^"]+)"', lambda found: f'href="#{name}-{found[1]}"', tag)
    return re.sub(r"(?<=: )#[0-9a-f]{6}\b", lambda colour: themed(colour.group()), tag)


def _with_type(svg: str, family: str) -> str:
    """The drawing's text in another type, set in its style attributes."""
    return re.sub(r"""<text [^>]*>""", lambda tag: re.sub(r"'DejaVu Sans'[^;\"]*", family, tag.group()), svg)


def themed(colour: str) -> str:
    """The CSS value that stands for a colour of the light theme."""
    colour = colour.lower()
    variable = THEME.get(colour) or f"--k-{colour[1:]}"
    return f"var({variable}, {colour})"


def dark_colour(colour: str) -> str:
    """A contender's colour on dark paper: mixed with white until it stands out 3.5 : 1 against the paper."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    while _luminance(red, green, blue) < 0.125:
        red, green, blue = (min(255, part + max(2, (255 - part) // 12)) for part in (red, green, blue))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _luminance(*parts: int) -> float:
    """Relative luminance of an sRGB colour, as WCAG 2.2 defines it."""
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
