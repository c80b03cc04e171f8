"""Letters and symbols drawn from fonts, no digit among them: a source task that any machine can make by itself.

    masters     every sign in every face that has it, drawn once: outlines of type, and strokes of a pen
    a picture   one of its class's masters, turned, slanted, stretched and bent, heavier or lighter, at its own place

The faces come with packages that eyechart needs anyway: matplotlib carries DejaVu (Bitstream Vera licence), STIX (SIL
Open Font Licence) and Computer Modern (SIL Open Font Licence); Hershey-Fonts (MIT) carries the strokes that A. V.
Hershey drew in 1967, among them two scripts like handwriting.  Strokes are drawn by pens of three widths.

Source: Hershey 1967, "Calligraphy for Computers"; bending as in Simard, Steinkraus and Platt 2003.
"""

from __future__ import annotations

import hashlib
import math
import string
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from eyechart.base.errors import MissingError
from eyechart.base.seeding import derived_seed
from eyechart.data.signs import CLASSES, GREEK, LETTERS, SIGNS, SYMBOLS

VERSION = 1  # of the rule by which a seed becomes pictures
MASTER, MARGIN = 96, 16  # pixels: side of a master, and what stays empty on each side of it
PICTURE, FINE = 28, 2  # pixels: side of a picture, and how many samples it is the mean of along each axis
INK = 20  # pixels: longer side of a sign of average size
BENDS = 4  # points a side on which a picture is pulled about
SOFTNESS = 1.2  # pixels of a master: how soft its edges are, so that a threshold makes it heavier or lighter

TYPE = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic",
    "DejaVuSansMono", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol",
)  # fmt: skip
LATIN_TYPE = ("cmr10", "cmti10", "cmss10", "cmtt10", "cmb10", "cmmi10")  # their other places hold other signs
LATIN_PENS = ("futural", "futuram", "rowmans", "scripts", "scriptc", "cursive", "timesr", "timesi")
GREEK_PENS = ("greekc", "greeks")
PEN_WIDTHS = (4, 7, 10)  # pixels of a master
# Hershey's Greek stands on the first letters of the Latin alphabet, in the order of its own.
GREEK_ALPHABET = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"


class Masters(NamedTuple):
    """Every sign in every face, class after class."""

    ink: np.ndarray  # float32 (M, MASTER, MASTER), 0..1
    first: np.ndarray  # int64 (K + 1,): those of class k are first[k] to first[k + 1]


def pictures(numbers: range, seed: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The pictures of these numbers uint8 (B, 1, 28, 28), white ink on black, and their classes int64 (B,).

    A picture is a function of seed, part and number.  Raises MissingError where a package with faces is not there.
    """
    masters = all_masters()
    made = [_picture(masters, np.random.default_rng(derived_seed(seed, f"glyphs/{part}", n)), n) for n in numbers]
    return np.stack([pixels for pixels, _ in made]), np.array([label for _, label in made], np.int64)


def drawn_with() -> list[str]:
    """All that pictures depend on beside seed and rule: hashes of the fonts, versions of what draws."""
    fonts = [hashlib.sha256((type_folder() / f"{name}.ttf").read_bytes()).hexdigest() for name in (*TYPE, *LATIN_TYPE)]
    try:
        return [*fonts, *(f"{name} {version(name)}" for name in ("Hershey-Fonts", "numpy", "pillow", "scipy"))]
    except PackageNotFoundError as error:
        raise _no_pens() from error


@lru_cache(maxsize=1)
def all_masters() -> Masters:
    """Drawn once a process, in a second or two.  Raises MissingError where a package with faces is not there."""
    found: list[list[np.ndarray]] = [[] for _ in CLASSES]
    for name in (*TYPE, *LATIN_TYPE):
        font = ImageFont.truetype(str(type_folder() / f"{name}.ttf"), MASTER)
        for of_class, sign in zip(found, SIGNS.values(), strict=True):
            if name in TYPE or sign in LETTERS:
                of_class.append(typed(sign, font))
    for name in (*LATIN_PENS, *GREEK_PENS):
        strokes = _strokes_of(name)
        for of_class, sign in zip(found, SIGNS.values(), strict=True):
            if lines := strokes.get(sign):
                of_class += [_penned(lines, width) for width in PEN_WIDTHS]
    counts = [len(of_class) for of_class in found]
    ink = np.stack([master for of_class in found for master in of_class])
    return Masters(ink, np.concatenate([[0], np.cumsum(counts)]))


# --------------------------------------------------------------------------------------------- masters


def type_folder() -> Path:
    """matplotlib's own fonts; the package is not imported, which would take longer than drawing."""
    package = find_spec("matplotlib")
    places = package.submodule_search_locations if package else None
    folder = Path(places[0]) / "mpl-data" / "fonts" / "ttf" if places else None
    if folder is None or not folder.is_dir():
        raise MissingError("Glyphs are drawn in matplotlib's fonts, which are not here. pip install matplotlib")
    return folder


def typed(sign: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """A sign in a face as a master: float32 (MASTER, MASTER), ink 1 on 0."""
    left, top, right, bottom = font.getbbox(sign)
    image = Image.new("L", (max(1, round(right - left)) + 4, max(1, round(bottom - top)) + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), sign, fill=255, font=font)
    return _fitted(image)


def _strokes_of(name: str) -> dict[str, list[np.ndarray]]:
    """What Hershey drew of our signs in one of his faces: points float (P, 2), right and down, line by line."""
    try:
        from HersheyFonts import HersheyFonts
    except ImportError:
        raise _no_pens() from None
    font = HersheyFonts()
    font.load_default_font(name)
    greek = dict(zip(string.ascii_uppercase, GREEK_ALPHABET, strict=False))
    greek |= {letter.lower(): sign.lower() for letter, sign in greek.items()}
    wanted = set(SIGNS.values())
    found = {}
    for letter in (*string.ascii_letters, *SYMBOLS.values()):
        sign = greek.get(letter, "") if name in GREEK_PENS else letter
        if sign in wanted and (name not in GREEK_PENS or sign in GREEK.values()):
            found[sign] = [np.array(line, float) for line in font.strokes_for_text(letter) if len(line) > 1]
    return found


def _no_pens() -> MissingError:
    return MissingError("Glyphs are drawn with Hershey's pens, and these are not here. pip install Hershey-Fonts")


def _penned(lines: list[np.ndarray], width: int) -> np.ndarray:
    points = np.concatenate(lines)
    low, size = points.min(axis=0), float((points.max(axis=0) - points.min(axis=0)).max())
    scale = (MASTER - 2 * MARGIN) / max(size, 1e-6)
    image = Image.new("L", (2 * MASTER, 2 * MASTER))
    draw = ImageDraw.Draw(image)
    for line in lines:
        places = [tuple(point) for point in (line - low) * scale + MASTER / 2]
        draw.line(places, fill=255, width=width, joint="curve")
        for x, y in (places[0], places[-1]):  # a pen is round
            draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)
    return _fitted(image)


def _fitted(image: Image.Image) -> np.ndarray:
    """The ink alone, its longer side filling a master but for the margin, its middle in the middle."""
    from scipy.ndimage import gaussian_filter

    image = image.crop(image.getbbox())
    scale = (MASTER - 2 * MARGIN) / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    master = Image.new("L", (MASTER, MASTER))
    master.paste(image.resize((width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC),
                 ((MASTER - width) // 2, (MASTER - height) // 2))  # fmt: skip
    soft: np.ndarray = gaussian_filter(np.asarray(master, np.float32) / 255, SOFTNESS)
    return soft


# --------------------------------------------------------------------------------------------- pictures


def _picture(masters: Masters, random: np.random.Generator, number: int) -> tuple[np.ndarray, int]:
    from scipy.ndimage import map_coordinates

    label = number % len(CLASSES)  # every class as often
    master = masters.ink[random.integers(masters.first[label], masters.first[label + 1])]
    rows, columns = _sampled_places(random)
    ink = map_coordinates(master, [rows, columns], order=1, mode="constant", prefilter=False)
    ink = np.clip((ink - random.uniform(0.25, 0.65)) * 4 + 0.5, 0, 1)  # a lower threshold: more ink
    pixels = ink.reshape(PICTURE, FINE, PICTURE, FINE).mean(axis=(1, 3))
    pixels = random.uniform(0.75, 1.0) * pixels ** random.uniform(0.7, 1.3)
    return np.rint(255 * pixels).astype(np.uint8)[None], label


def _sampled_places(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where in a master each sample of a picture is taken: rows and columns (S, S)."""
    angle, slant = random.uniform(-0.25, 0.25), random.uniform(-0.3, 0.3)  # radians, and share of the height
    size = INK * random.uniform(0.75, 1.15) / (MASTER - 2 * MARGIN)
    stretch = math.exp(random.uniform(-0.25, 0.25))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    forward = size * turn @ np.array([[1.0, 0.0], [slant, 1.0]]) @ np.diag([stretch, 1 / stretch])  # (row, column)
    steps = (np.arange(PICTURE * FINE) + 0.5) / FINE - PICTURE / 2
    centre = random.uniform(-2, 2, 2)
    row, column = np.meshgrid(steps - centre[0], steps - centre[1], indexing="ij")
    back = np.linalg.inv(forward)
    bend = random.normal(0, random.uniform(0, 3.0), (2, BENDS, BENDS))  # pixels of a master
    pull = _BASIS @ bend @ _BASIS.T  # (2, S, S)
    middle = (MASTER - 1) / 2
    return (
        back[0, 0] * row + back[0, 1] * column + middle + pull[0],
        back[1, 0] * row + back[1, 1] * column + middle + pull[1],
    )


def _basis() -> np.ndarray:
    """(S, BENDS): how much each point along one axis pulls at each sample, smooth and summing to 1."""
    places = np.linspace(0, BENDS - 1, PICTURE * FINE)[:, None] - np.arange(BENDS)
    weights = np.exp(-0.5 * (places / 0.6) ** 2)
    shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return shares


_BASIS = _basis()
