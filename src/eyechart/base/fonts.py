"""Fonts for names in any script: DejaVu Sans, which matplotlib carries, and what is installed where that lacks a sign.

A picture file cannot borrow letters from its reader's machine.  A sign that no installed font has is written as its
number, \\u732b, which can be read and looked up; a row of empty boxes cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.ImageFont import FreeTypeFont

MOST_NAMED = 10  # signs in one sentence
LAST_RESORT = "Last Resort"  # in the names of fonts that draw no letters


@dataclass(frozen=True)
class Font:
    """An installed font file."""

    family: str
    path: str


@lru_cache(maxsize=2)
def own_font(bold: bool = False) -> Font:
    """The same letters on every machine."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Font("DejaVu Sans", f"{matplotlib.get_data_path()}/fonts/ttf/{name}")


@lru_cache(maxsize=1)
def installed() -> tuple[Font, ...]:
    """Upright fonts that matplotlib finds on this machine, sans-serif and regular ones first, then by name.

    Without those that have a box with a number for every sign there is: matplotlib carries one, as a last resort.
    """
    from matplotlib.font_manager import fontManager

    upright = [font for font in fontManager.ttflist if font.style == "normal" and LAST_RESORT not in font.name]
    upright.sort(key=lambda font: ("Sans" not in font.name, str(font.weight) not in ("400", "regular"), font.fname))
    return tuple(Font(font.name, font.fname) for font in upright)


@cache
def signs_of(path: str) -> frozenset[str]:
    """The characters that a font file has; none where it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


def families_for(texts: Iterable[str]) -> list[str]:
    """Font families for matplotlib, in the order in which it should ask them for a sign; our own first."""
    families, lacking = [own_font().family], _lacking(texts)
    for font in installed() if lacking else ():
        if lacking & signs_of(font.path) and font.family not in families:
            families.append(font.family)
            lacking -= signs_of(font.path)
    return families


def signs_without_font(texts: Iterable[str]) -> list[str]:
    """The characters that no installed font has, sorted."""
    lacking = _lacking(texts)
    for font in installed() if lacking else ():
        lacking -= signs_of(font.path)
    return sorted(lacking)


def pillow_font(text: str, size: int, bold: bool = False) -> tuple[FreeTypeFont, str]:
    """A font of `size` pixels that has every sign of `text`, and the text as it can be drawn with it."""
    from PIL import ImageFont

    fonts = (own_font(bold), *(installed() if _lacking([text]) else ()))
    needed = {sign for sign in text if not sign.isspace()}
    chosen = next((font for font in fonts if needed <= signs_of(font.path)), fonts[0])
    return ImageFont.truetype(chosen.path, size), readable(text, needed - signs_of(chosen.path))


def readable(text: str, lacking: Iterable[str]) -> str:
    """The text with the characters `lacking` as their numbers: "猫" becomes "\\u732b"."""
    numbers: dict[str, str | int | None] = {}
    numbers |= {sign: f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}" for sign in lacking}
    return text.translate(str.maketrans(numbers))


def remark(lacking: list[str]) -> tuple[str, str] | None:
    """A sentence on signs that no font has, in English and French; None where there are none."""
    if not lacking:
        return None
    signs = " ".join(lacking[:MOST_NAMED]) + (" …" if len(lacking) > MOST_NAMED else "")
    return (
        f"No font that is installed here has {signs}, so picture files show their numbers, such as "
        f"{readable(lacking[0], lacking)}. Install a font that has them, such as Noto Sans CJK.",
        f"Aucune police installée ici n'a {signs} ; les fichiers d'image montrent leurs numéros, comme "
        f"{readable(lacking[0], lacking)}. Installez une police qui les a, comme Noto Sans CJK.",
    )


def _lacking(texts: Iterable[str]) -> set[str]:
    """What our own font does not have."""
    return {sign for text in texts for sign in text if not sign.isspace()} - signs_of(own_font().path)
