"""Answers as pictures: a contact sheet of many pictures and contenders, and the steps by which one was prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from eyechart.base.errors import DatasetError, MissingError
from eyechart.base.fonts import pillow_font
from eyechart.base.foreign_text import shown
from eyechart.catalog.palette import style_of
from eyechart.data.pictures import open_layers
from eyechart.files.file_names import readable
from eyechart.files.pictures import as_picture, write_png

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eyechart.inference.panel import Asked
    from eyechart.inference.prediction import PictureAnswer

PAPER, INK, FAINT, LINE, ALERT = "#fbfaf6", "#16161a", "#6b6a66", "#dedbd2", "#a33b20"
MARGIN, TILE, GAP = 24, 72, 12  # pixels
NAME_WIDTH, ANSWER_WIDTH, HEADER = 170, 158, 64
BAR_HEIGHT = 6
MOST_ROWS = 100  # pictures on one sheet; what is left out is said below
STEP_TILE, STEP_TEXT = 180, 88
LETTER = 13


def write_sheet(asked: Sequence[Asked], target: Path) -> None:
    """A PNG with a row a picture: as it came, as the first run sees it, and what each run answers.  Errors of files."""
    runs = asked[0].answers
    shown_rows = asked[:MOST_ROWS]
    row_height = TILE + GAP
    left_of_answers = MARGIN + NAME_WIDTH + 2 * (TILE + GAP)
    width = left_of_answers + ANSWER_WIDTH * len(runs) + MARGIN
    footer = 34 if len(asked) > MOST_ROWS else MARGIN // 2
    sheet = Image.new("RGB", (width, HEADER + row_height * len(shown_rows) + footer), PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, heading in enumerate(("as it came", "as it is seen")):
        _text(draw, (MARGIN + NAME_WIDTH + place * (TILE + GAP), 36), heading, 11, TILE + GAP, FAINT)
    for column, answer in enumerate(runs):
        colour = _colour(answer, runs)
        _text(draw, (left_of_answers + column * ANSWER_WIDTH, 34), answer.run, 15, ANSWER_WIDTH - 10, colour, bold=True)
    draw.line((MARGIN, HEADER - 10, width - MARGIN, HEADER - 10), INK, 1)
    for row, one in enumerate(shown_rows):
        top = HEADER + row * row_height
        _text(draw, (MARGIN, top + TILE // 2), _short_name(one), LETTER, NAME_WIDTH - 10, INK)
        for place, picture in enumerate((_as_it_came(one), _as_seen(one))):
            if picture is not None:
                _paste(sheet, picture, (MARGIN + NAME_WIDTH + place * (TILE + GAP), top), TILE)
        for column, answer in enumerate(one.answers):
            _draw_answer(draw, answer, (left_of_answers + column * ANSWER_WIDTH, top), _colour(answer, runs))
    if len(asked) > MOST_ROWS:
        words = f"The first {MOST_ROWS} of {len(asked):,} pictures."
        _text(draw, (MARGIN, sheet.height - 18), words, 12, width - 2 * MARGIN, FAINT)
    write_png(target, sheet, small=False)


def write_steps(asked: Asked, target: Path) -> None:
    """A PNG with the steps by which a picture was prepared, and below what is answered.  Errors of files."""
    assert asked.seen, "a picture that cannot be read has no steps"
    steps = asked.seen.steps
    width = MARGIN * 2 + len(steps) * (STEP_TILE + GAP) - GAP
    lines = [f"{answer.run}: {_in_short(answer)}" for answer in asked.answers]
    height = 52 + STEP_TILE + STEP_TEXT + 20 * len(lines) + MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    _text(draw, (MARGIN, 26), _short_name(asked), 16, width - 2 * MARGIN, INK, bold=True)
    for place, step in enumerate(steps):
        left = MARGIN + place * (STEP_TILE + GAP)
        _paste(sheet, Image.fromarray(step.picture).convert("RGB"), (left, 52), STEP_TILE)
        _text(draw, (left, 52 + STEP_TILE + 14), f"{place}  {step.name}", LETTER, STEP_TILE, INK, bold=True)
        for line, words in enumerate(_wrapped(step.words, 11, STEP_TILE)[:4]):
            _text(draw, (left, 52 + STEP_TILE + 32 + 14 * line), words, 11, STEP_TILE, FAINT)
    for line, words in enumerate(lines):
        place_of_line = 52 + STEP_TILE + STEP_TEXT + 20 * line + 10
        _text(draw, (MARGIN, place_of_line), words, LETTER, width - 2 * MARGIN, INK)
    write_png(target, sheet, small=False)


def _draw_answer(draw: ImageDraw.ImageDraw, answer: PictureAnswer, corner: tuple[int, int], colour: str) -> None:
    """The class in large letters with a bar as long as its probability; or what is said instead."""
    left, top = corner
    room = ANSWER_WIDTH - 14
    if answer.label is None or answer.probability is None:
        colour = ALERT if answer.remark or answer.error else INK
        for line, part in enumerate(_wrapped(answer.in_short, LETTER, room)[:3]):
            _text(draw, (left, top + 20 + 17 * line), part, LETTER, room, colour)
        return
    _text(draw, (left, top + 24), answer.label, 26, room - 58, INK, bold=True)
    _text(draw, (left + room - 54, top + 27), f"{100 * answer.probability:.1f} %", LETTER, 60, INK)
    draw.rectangle((left, top + 46, left + room, top + 46 + BAR_HEIGHT), fill=LINE)
    draw.rectangle((left, top + 46, left + round(room * answer.probability), top + 46 + BAR_HEIGHT), fill=colour)
    runner_up = next(iter([*answer.probabilities.items()][1:2]), None)
    if runner_up:
        words = f"then {runner_up[0]}, {100 * runner_up[1]:.1f} %"
        _text(draw, (left, top + 64), words, 11, room, FAINT)


def _in_short(answer: PictureAnswer) -> str:
    if answer.probability is None:
        return answer.in_short
    return f"{answer.label}, {100 * answer.probability:.1f} %"


def _colour(answer: PictureAnswer, among: Sequence[PictureAnswer]) -> str:
    return style_of(answer.contender, (each.contender for each in among)).colour


def _short_name(one: Asked) -> str:
    name = readable(one.source.name)
    return "the standard input" if one.source.content is not None else name.replace("\\", "/").rpartition("/")[2]


def _as_it_came(one: Asked) -> Image.Image | None:
    if one.seen and one.seen.steps:
        return Image.fromarray(one.seen.steps[0].picture).convert("RGB")
    try:
        picture, _ = open_layers(one.source.name, one.source.read(), (2 * TILE, 2 * TILE))
    except (DatasetError, MissingError):
        return None
    board = Image.new("RGBA", picture.size, "#c8c8c8")
    return Image.alpha_composite(board, picture.convert("RGBA")).convert("RGB")


def _as_seen(one: Asked) -> Image.Image | None:
    if one.seen is None or one.seen.pixels is None:
        return None
    return as_picture(one.seen.pixels).convert("RGB")


def _paste(sheet: Image.Image, picture: Image.Image, corner: tuple[int, int], side: int) -> None:
    """A picture in a square with a thin frame: small ones keep square pixels, large ones are made small."""
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    tile = picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX)
    place = corner[0] + (side - size[0]) // 2, corner[1] + (side - size[1]) // 2
    sheet.paste(tile, place)
    edges = (place[0] - 1, place[1] - 1, place[0] + size[0], place[1] + size[1])
    ImageDraw.Draw(sheet).rectangle(edges, outline=LINE)


def _text(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    words: str,
    size: int,
    room: int,
    colour: str,
    *,
    bold: bool = False,
) -> None:
    """A line from its left end at the height of its middle, cut to `room` pixels."""
    font, text = pillow_font(shown(words), size, bold)
    if font.getlength(text) > room:
        while text and font.getlength(text + "…") > room:
            text = text[:-1]
        text += "…"
    draw.text(place, text, colour, font, anchor="lm")


def _wrapped(words: str, size: int, room: int) -> list[str]:
    """Lines of whole words that fit into `room` pixels."""
    font, text = pillow_font(shown(words), size)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
