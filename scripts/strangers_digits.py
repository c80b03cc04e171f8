"""Digits as strangers hand them in, drawn by code: pens, colours, places, scans, photos with shadow; who reads them?

    python scripts/strangers_digits.py runs/accuracy-quick           per cent read by each contender, + told instead
    python scripts/strangers_digits.py runs/accuracy-quick --raw     as they come
    python scripts/strangers_digits.py --sheet digits.png            what they look like

Strokes are those that people write: our own (HAND), and single-line faces of Hershey's, each turned, slanted, stretched
and trembling a little.  `type` are printed faces, which nobody writes and networks of handwriting need not know.
A picture is a function of source, way, digit and number.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from eyechart.base.seeding import derived_seed
from eyechart.inference.panel import Panel, open_panel
from eyechart.inference.seeing import Source

Lines = list[np.ndarray]  # each float (P, 2), x to the right and y down, the digit 1 high

# Points of strokes in a box of 10 x 16, drawn as smooth curves through them; "|" begins a new stroke, "-" before a
# point makes a sharp corner there.  Several ways for the digits that people write in several ways.
HAND: dict[int, tuple[str, ...]] = {
    0: ("5,0 1,4 0,9 2,15 5,16 9,13 10,7 8,1 5,0", "6,0 2,2 0,8 3,15 7,15 10,9 9,3 5,0 3,1"),
    1: ("5,0 5,16", "6,0 4.5,16", "2,4 -6,0 6,16"),
    2: (
        "1,3 4,0 8,1 9,5 6,10 -0,16 10,16", "0,4 3,0 7,0 9,4 7,9 2,14 0.5,15 2,16 5,15 10,16",
        "1,2 5,0 9,2 8,7 4,12 -1,16 9,15.5",
    ),
    3: ("1,1 5,0 9,3 7,7 -4,7.5 8,9 10,12 7,16 3,16 0,14", "1,0 -9,0 -5,6 9,9 9,13 5,16 0,14"),
    4: ("6,0 -0,10 10,10 | 7,5 7,16", "1,0 0.5,8 3,9 9,8 | 9,0 8.5,16", "7,0 -0,11 -10,11 | 7,0 7,16"),
    5: ("9,0 -2,0 -1,7 5,6 9,9 9,13 6,16 1,15", "2,0 -1.5,7 6,6 9,10 7,15 3,16 0,15 | 2,0 9,0"),
    6: ("8,0 3,4 0,10 2,15 6,16 9,12 7,9 3,9 0.5,12", "6,0 2,5 1,11 4,16 9,14 9,10 5,8 1,11"),
    7: ("0,0 -10,0 6,8 4,16", "0,1 -9,0 3,16", "0,0 -10,0.5 5,16 | 2,8 9,8"),
    8: (
        "8,2 4,0 1,3 4,7 8,10 9,14 5,16 1,14 1.5,10 5,8 9,4 8,2", "5,0 1,3 5,7.5 9,12 5,16 1,12 5,7.5 9,3 5,0",
    ),
    9: ("9,3 5,0 1,3 2,7 6,8 9,4 9,3 8.5,10 8,16", "8,1 4,0 1,4 3,8 7,7 9,2 8.5,9 6,14 2,16"),
}  # fmt: skip
HERSHEY = ("futural", "rowmans", "scripts", "cursive")
TYPE = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "cmss10")
SOURCES = ("hand", "hershey", "type")
CURVE_POINTS = 12  # of a curve between two corners


# --------------------------------------------------------------------------------------------- strokes


def strokes_of(source: str, digit: int, random: np.random.Generator) -> Lines:
    """One digit of a source, jittered."""
    if source == "hand":
        ways = HAND[digit]
        lines = [_curve(stroke) for stroke in ways[random.integers(len(ways))].split("|")]
    else:
        lines = _hershey(HERSHEY[random.integers(len(HERSHEY))], digit)
    return _jittered(_one_high(lines), random)


def _curve(stroke: str) -> np.ndarray:
    """A Catmull-Rom curve through its points, cut at sharp corners."""
    points = [(tuple(float(each) for each in text.lstrip("-").split(",")), text[0] == "-") for text in stroke.split()]
    runs: list[list[tuple[float, ...]]] = [[]]
    for point, is_sharp in points:
        runs[-1].append(point)
        if is_sharp and len(runs[-1]) > 1:
            runs.append([point])
    return np.concatenate([_through(np.array(run)) for run in runs if len(run) > 1])


def _through(points: np.ndarray) -> np.ndarray:
    if len(points) == 2:
        return points
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    steps = np.linspace(0, 1, CURVE_POINTS, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(
            0.5
            * (2 * b + (c - a) * steps + (2 * a - 5 * b + 4 * c - d) * steps**2 + (3 * b - a - 3 * c + d) * steps**3)
        )
    return np.concatenate([*pieces, points[-1:]])


@cache
def _face(name: str) -> object:
    from HersheyFonts import HersheyFonts

    font = HersheyFonts()
    font.load_default_font(name)
    return font


def _hershey(name: str, digit: int) -> Lines:
    return [np.array(line, float) for line in _face(name).strokes_for_text(str(digit)) if len(line) > 1]  # type: ignore[attr-defined]


def _one_high(lines: Lines) -> Lines:
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    return [(line - (low + high) / 2) / max(high[1] - low[1], 1e-6) for line in lines]


def _jittered(lines: Lines, random: np.random.Generator) -> Lines:
    """Turned by up to 10 degrees, slanted, wider or narrower, and trembling with low frequencies."""
    angle, slant, stretch = random.uniform(-0.17, 0.17), random.uniform(-0.05, 0.25), random.uniform(0.85, 1.2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = turn @ np.array([[stretch, -slant], [0, 1]])
    phases, pulls = random.uniform(0, 2 * np.pi, (2, 3)), random.normal(0, 0.012, (2, 3))
    jittered = []
    for line in lines:
        dense = np.concatenate([np.linspace(a, b, 6, endpoint=False) for a, b in pairwise(line)])
        dense = np.concatenate([dense, line[-1:]])
        along = dense.sum(axis=1)[:, None] * np.array([4.0, 7.0, 11.0])
        tremble = np.stack([(pulls[axis] * np.sin(along + phases[axis])).sum(axis=1) for axis in (0, 1)], axis=1)
        jittered.append((dense + tremble) @ shape.T)
    return jittered


def ink_of(source: str, digit: int, height: float, pen: float, size: tuple[int, int], at: tuple[float, float],
           random: np.random.Generator) -> np.ndarray:  # fmt: skip
    """Ink 0..1 float32 (H, W): a digit `height` high with its middle `at`, drawn with a pen so wide, in pixels."""
    fine = 2 if max(size) <= 700 else 1
    image = Image.new("L", (fine * size[0], fine * size[1]))
    draw = ImageDraw.Draw(image)
    if source == "type":
        folder = Path(_fonts())
        font = ImageFont.truetype(str(folder / f"{TYPE[random.integers(len(TYPE))]}.ttf"), int(fine * height * 1.35))
        draw.text((fine * at[0], fine * at[1]), str(digit), fill=255, font=font, anchor="mm")
    else:
        for line in strokes_of(source, digit, random):
            points = [tuple(point) for point in fine * (height * line + np.array(at))]
            wide = fine * pen
            draw.line(points, fill=255, width=max(1, round(wide)), joint="curve")
            for x, y in (points[0], points[-1]):
                draw.ellipse([x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2], fill=255)
    shrunk = image.resize(size, Image.Resampling.BOX) if fine > 1 else image
    return np.asarray(shrunk, np.float32) / 255


def _fonts() -> str:
    import matplotlib

    return f"{matplotlib.get_data_path()}/fonts/ttf"


# --------------------------------------------------------------------------------------------- ways


def _drawing(source: str, digit: int, random: np.random.Generator, side: int, share: tuple[float, float],
             pen: tuple[float, float], off: float = 0.1) -> np.ndarray:  # fmt: skip
    """Ink on a square canvas: the digit takes `share` of it, the pen `pen` of the digit, its place is off by `off`."""
    height = side * random.uniform(*share)
    middle = [side / 2 + random.uniform(-off, off) * side for _ in range(2)]
    return ink_of(source, digit, height, height * random.uniform(*pen), (side, side), (middle[0], middle[1]), random)


def _coloured(ink: np.ndarray, paper: tuple[int, ...], pen: tuple[int, ...]) -> Image.Image:
    mixed = ink[:, :, None] * np.array(pen, np.float32) + (1 - ink[:, :, None]) * np.array(paper, np.float32)
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _light(side: tuple[int, int], random: np.random.Generator, shadow: float) -> np.ndarray:
    """What a lamp, a lens and a hand leave of the light, 0..1 (H, W): slope, dark corners, a shadow with an edge."""
    width, height = side
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    angle = random.uniform(0, 2 * np.pi)
    light = 0.8 + 0.18 * (np.cos(angle) * x + np.sin(angle) * y) * random.uniform(0.3, 1)
    light *= 1 - random.uniform(0.05, 0.25) * (x**2 + y**2) / 2
    if shadow:
        angle, where = random.uniform(0, 2 * np.pi), random.uniform(-0.5, 0.5)
        edge = (np.cos(angle) * x + np.sin(angle) * y - where) / 0.06
        light *= 1 - shadow / (1 + np.exp(-np.clip(edge, -30, 30)))
    return light.astype(np.float32)


def _photo(ink: np.ndarray, random: np.random.Generator, *, paper: float = 225, pen: float = 45, shadow: float = 0.0,
           noise: float = 4.0) -> Image.Image:  # fmt: skip
    """A photo of a sheet: light, blur, noise, JPEG."""
    clean = (ink * pen + (1 - ink) * paper) * _light((ink.shape[1], ink.shape[0]), random, shadow)
    blurred = Image.fromarray(clean.astype(np.uint8)).filter(ImageFilter.GaussianBlur(max(ink.shape) / 700))
    noisy = np.asarray(blurred, np.float32) + random.normal(0, noise, ink.shape)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).convert("RGB").save(buffer, "JPEG", quality=80)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


Way = Callable[[str, int, np.random.Generator], Image.Image]
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def _scan(source: str, digit: int, random: np.random.Generator) -> Image.Image:
    """With the dark edge of the lid on two sides, and dust."""
    ink = _drawing(source, digit, random, 420, (0.35, 0.55), (0.05, 0.1), 0.08)
    pixels = np.asarray(_coloured(ink, (244, 243, 240), (40, 42, 60))).copy()
    pixels[: random.integers(4, 14)] = 60
    pixels[:, -random.integers(4, 14) :] = 30
    for row, column in random.integers(25, 390, (8, 2)):
        pixels[row : row + 2, column : column + 2] = 90
    return Image.fromarray(np.clip(pixels + random.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8))


def _transparent(ink: np.ndarray, pen: int) -> Image.Image:
    pixels = np.zeros((*ink.shape, 4), np.uint8)
    pixels[..., :3] = pen
    pixels[..., 3] = np.rint(255 * ink)
    return Image.fromarray(pixels)


WAYS: dict[str, Way] = {
    "fine pen": lambda s, d, r: _coloured(_drawing(s, d, r, 280, (0.5, 0.75), (0.02, 0.04)), WHITE, BLACK),
    "felt pen": lambda s, d, r: _coloured(_drawing(s, d, r, 280, (0.5, 0.75), (0.06, 0.1)), WHITE, (20, 20, 25)),
    "brush": lambda s, d, r: _coloured(_drawing(s, d, r, 280, (0.6, 0.75), (0.13, 0.17)), WHITE, BLACK),
    "white on black": lambda s, d, r: _coloured(_drawing(s, d, r, 300, (0.4, 0.7), (0.05, 0.12)), BLACK, WHITE),
    "red on yellow": lambda s, d, r: _coloured(
        _drawing(s, d, r, 320, (0.4, 0.7), (0.05, 0.1)), (250, 240, 150), (200, 40, 40)
    ),
    "yellow on white": lambda s, d, r: _coloured(
        _drawing(s, d, r, 320, (0.4, 0.7), (0.07, 0.12)), WHITE, (250, 225, 40)
    ),
    "transparent, dark ink": lambda s, d, r: _transparent(_drawing(s, d, r, 400, (0.4, 0.7), (0.05, 0.12)), 10),
    "transparent, white ink": lambda s, d, r: _transparent(_drawing(s, d, r, 400, (0.4, 0.7), (0.05, 0.12)), 255),
    "in a corner": lambda s, d, r: _coloured(_drawing(s, d, r, 800, (0.1, 0.22), (0.05, 0.1), 0.33), WHITE, BLACK),
    "large canvas": lambda s, d, r: _coloured(_drawing(s, d, r, 1200, (0.5, 0.8), (0.03, 0.08)), WHITE, (30, 60, 160)),
    "small picture": lambda s, d, r: _coloured(_drawing(s, d, r, 48, (0.6, 0.75), (0.08, 0.12), 0.06), WHITE, BLACK),
    "pencil": lambda s, d, r: _photo(_drawing(s, d, r, 500, (0.4, 0.6), (0.025, 0.04)), r, paper=230, pen=150, noise=3),
    "photo": lambda s, d, r: _photo(_drawing(s, d, r, 900, (0.3, 0.55), (0.04, 0.08), 0.12), r, noise=8),
    "photo with shadow": lambda s, d, r: _photo(_drawing(s, d, r, 700, (0.35, 0.6), (0.05, 0.09)), r, shadow=0.45),
    "blackboard": lambda s, d, r: _photo(
        _drawing(s, d, r, 700, (0.35, 0.6), (0.05, 0.08)), r, paper=60, pen=215, noise=6
    ),
    "scan": _scan,
}


def picture(source: str, way: str, digit: int, number: int) -> Image.Image:
    """A digit as somebody hands it in, mode RGB or RGBA."""
    return WAYS[way](source, digit, np.random.default_rng(derived_seed(number, f"strangers/{source}/{way}", digit)))


def as_source(way: str, digit: int, number: int, picture_of: Image.Image) -> Source:
    content = io.BytesIO()
    picture_of.save(content, "PNG", compress_level=1)
    return Source(f"{way}, {digit}, number {number}", content.getvalue())


class Tally(NamedTuple):
    """Of the pictures of one way, how many one run answered how."""

    right: int
    told: int  # not named, but told to be unlike the training images, several things, ...
    all: int

    @property
    def wrong(self) -> int:
        return self.all - self.right - self.told


def ask(panel: Panel, source: str, numbers: range, *, raw: bool) -> dict[str, dict[str, Tally]]:
    """Way -> run -> what came of its pictures."""
    tallies: dict[str, dict[str, Tally]] = {}
    for way in WAYS:
        wanted = [(digit, number) for digit in range(10) for number in numbers]
        sources = [as_source(way, *one, picture(source, way, *one)) for one in wanted]
        asked = list(panel.ask(sources, raw=raw))
        for place, predictor in enumerate(panel.predictors):
            answers = [one.answers[place] for one in asked]
            right = sum(answer.label == str(digit) for answer, (digit, _) in zip(answers, wanted, strict=True))
            told = sum(answer.label is None for answer in answers)
            tallies.setdefault(way, {})[predictor.record.run] = Tally(right, told, len(wanted))
    return tallies


def table(tallies: dict[str, dict[str, Tally]]) -> str:
    """In Markdown: per cent right, and behind a plus those that were told instead of named."""
    runs = list(next(iter(tallies.values())))
    rows = [f"| way | {' | '.join(runs)} |", f"| --- |{' --: |' * len(runs)}"]
    sums = {
        run: Tally(*(sum(part) for part in zip(*(each[run] for each in tallies.values()), strict=True))) for run in runs
    }
    for way, of_runs in (*tallies.items(), ("all", sums)):
        cells = [f"{100 * one.right / one.all:.1f} + {100 * one.told / one.all:.1f}" for one in of_runs.values()]
        rows.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(rows)


def draw_sheet(source: str, target: Path) -> None:
    """Every way with every digit once."""
    sheet = Image.new("RGB", (10 * 90, len(WAYS) * 90), "#808080")
    for row, way in enumerate(WAYS):
        for digit in range(10):
            tile = picture(source, way, digit, 0)
            tile.thumbnail((86, 86))
            sheet.paste(tile, (90 * digit, 90 * row), tile if tile.mode == "RGBA" else None)
    sheet.save(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="runs or studies")
    parser.add_argument("--source", default="hand", choices=SOURCES)
    parser.add_argument("--each", type=int, default=2, help="pictures of each digit and way")
    parser.add_argument("--first", type=int, default=0, help="the number of the first")
    parser.add_argument("--raw", action="store_true", help="as they come")
    parser.add_argument("--sheet", type=Path, help="draw them, and ask nobody")
    arguments = parser.parse_args()
    if arguments.sheet:
        draw_sheet(arguments.source, arguments.sheet)
        return
    numbers = range(arguments.first, arguments.first + arguments.each)
    panel = open_panel(arguments.runs, device="cpu")
    print(table(ask(panel, arguments.source, numbers, raw=arguments.raw)))


if __name__ == "__main__":
    main()
