"""One image: contenders below each other, methods side by side, and beside each map whether it is to be trusted."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.foreign_text import shown
from eyechart.catalog.palette import style_of
from eyechart.report.charts import INK, MUTED, drawing, saved_panel
from eyechart.report.looked.inner import write_inner
from eyechart.report.looked.overlay import COLOURS, REACH, overlaid, plain
from eyechart.report.looked.words import (
    answer_told,
    check_lines,
    check_verdict,
    explained_checks,
    is_trusted,
    method_name,
    reason,
    remark_told,
)
from eyechart.words.numbers import shortened
from eyechart.words.speech import Speech, speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eyechart.report.looked.seen import Explanation, Seen
    from eyechart.schema.explain import MethodName

COLUMNS: tuple[tuple[MethodName, ...], ...] = (
    ("occlusion",), ("integrated gradients",), ("grad-cam",), ("attention rollout", "regions"),
)  # fmt: skip  # who has its own way to be looked into has it in the last one
NAMES, TILE, GAP, HEAD, SHOWN = 1.55, 1.36, 0.42, 1.62, 1.0  # inches
BELOW, BELOW_ALONE = 0.76, 0.3  # where numbers of checks stand under a tile, and where none do
FOOT_LINE = 0.15
FOOT_CHARACTERS = 17.5  # in an inch
SMALL = 6.3  # points
SUREST = 0.999


def write_figures(found: Explanation, folder: Path, lang: str) -> list[Path]:
    """PNG and SVG into `folder`: all contenders on one sheet, and the inner views of those that have any; the PNGs."""
    say = speech(lang)
    with drawing([*found.classes, *(each.contender for each in found.seen)]):
        return [_write_sheet(found, folder, say), *write_inner(found, folder, say)]


def sheet_name(found: Explanation) -> str:
    return Path(found.name).stem or "picture"


def finding(found: Explanation, say: Speech) -> str:
    """Who says what."""
    by_answer: dict[str, list[str]] = {}
    for each in found.seen:
        by_answer.setdefault(answer_told(found, each, say), []).append(each.contender)
    if len(by_answer) == 1 and len(found.seen) > 1 and found.seen[0].remark is None:
        (name,) = by_answer
        return say(f"All say {name}; what each of them looked at", f"Tous disent {name} ; ce que chacun a regardé")
    return say.semicolons(f"{say.listed(names)}{say.colon} {answer}" for answer, names in by_answer.items())


def certainty(probability: float, say: Speech) -> str:
    """A tenth of a per cent, without claiming a certainty of 100 % that is not there."""
    return f"> {say.percent(SUREST, 1)}" if SUREST < probability < 1 else say.percent(probability, 1)


def _write_sheet(found: Explanation, folder: Path, say: Speech) -> Path:
    from matplotlib.figure import Figure

    foot = _foot(found, say)
    width = NAMES + len(COLUMNS) * (TILE + GAP)
    foot_lines = wrap(foot, round(FOOT_CHARACTERS * width))
    bottom = 0.25 + FOOT_LINE * len(foot_lines)
    pitch = TILE + (BELOW if any(seen.checks for seen in found.seen) else BELOW_ALONE)
    height = HEAD + len(found.seen) * pitch + bottom
    figure = Figure(figsize=(width, height))
    _draw_head(figure, found, say)
    for row, seen in enumerate(found.seen):
        top = height - HEAD - row * pitch
        _draw_name(figure, found, seen, top, say)
        for column, methods in enumerate(COLUMNS):
            left = NAMES + column * (TILE + GAP)
            axes = _axes(figure, left, top - TILE, TILE)
            _draw_cell(axes, found, seen, methods, say)
    figure.text(0.1 / width, 0.1 / height, "\n".join(foot_lines), color=MUTED, fontsize=7, linespacing=1.35)
    saved_panel(figure, sheet_name(found), finding(found, say), folder)
    return folder / f"{sheet_name(found)}.png"


def _axes(figure: Figure, left: float, bottom: float, side: float) -> Axes:
    """Empty axes of `side` inches."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(True)
    return axes


def _draw_head(figure: Figure, found: Explanation, say: Speech) -> None:
    width, height = figure.get_size_inches()
    axes = _axes(figure, 0.12, height - 0.12 - SHOWN, SHOWN)
    axes.imshow(plain(found.image), interpolation="nearest")
    beside = 0.12 + SHOWN + 0.2
    lines = wrap(finding(found, say), round(11.5 * (width - beside)))[:3]
    figure.text(beside / width, 1 - 0.14 / height, "\n".join(lines), va="top", color=INK, linespacing=1.3)
    figure.text(beside / width, 1 - (0.42 + 0.2 * (len(lines) - 1)) / height, shortened(shown(found.name), 60),
                va="top", color=MUTED, fontsize=8)  # fmt: skip
    _draw_scale(figure, beside, height - 1.12, say)
    for column, methods in enumerate(COLUMNS):
        left = NAMES + column * (TILE + GAP)
        title = method_name(methods[0], say) if len(methods) == 1 else say("from inside", "de l'intérieur")
        figure.text(left / width, 1 - (HEAD - 0.07) / height, title, va="bottom", color=INK, fontsize=9)


def _draw_scale(figure: Figure, left: float, bottom: float, say: Speech) -> None:
    """What the colours mean."""
    import matplotlib

    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, bottom / height, 1.4 / width, 0.1 / height))
    shades = matplotlib.colormaps[COLOURS](np.linspace(0.5 - REACH, 0.5 + REACH, 101))
    axes.imshow(shades[None, :, :3], aspect="auto")
    axes.set_axis_off()
    for place, text, side in (
        (0, say("against the answer", "contre la réponse"), "left"), (100, say("for it", "pour"), "right"),
    ):  # fmt: skip
        axes.text(place, 0.9, text, ha=side, va="top", fontsize=SMALL, color=MUTED)


def _draw_name(figure: Figure, found: Explanation, seen: Seen, top: float, say: Speech) -> None:
    """The contender, its answer and its probability."""
    width, height = figure.get_size_inches()
    style = style_of(seen.contender, (each.contender for each in found.seen))
    axes = figure.add_axes((0.12 / width, (top - 0.2) / height, 0.16 / width, 0.16 / height))
    axes.plot([0], [0], style.marker, color=style.colour, clip_on=False)
    axes.set_axis_off()
    lines = [(shortened(shown(seen.contender), 17), 9.0, INK, 0.04)]
    lines.append((shortened(shown(found.classes[seen.answer]), 12), 14.0, INK, 0.27))
    lines.append((certainty(seen.probability, say), 9.0, MUTED, 0.55))
    if seen.remark:
        told = wrap(remark_told(seen.remark, found.classes, say), 17)
        lines.append(("\n".join(told), 7.0, INK, 0.75))
    for text, size, colour, down in lines:
        figure.text(0.34 / width, (top - down) / height, text, va="top", fontsize=size, color=colour)


def _draw_cell(axes: Axes, found: Explanation, seen: Seen, methods: tuple[MethodName, ...], say: Speech) -> None:
    method = next((each for each in methods if each in seen.maps), None)
    if method is None and len(methods) > 1:
        axes.set_axis_off()
        return
    if method is None:
        why = reason(seen.cannot[methods[0]], say)
        axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", fontsize=7, color=MUTED)
        return
    axes.imshow(overlaid(found.image_of(seen), seen.maps[method]), interpolation="nearest")
    lines = [method_name(method, say)] if len(methods) > 1 else []
    rows, columns = seen.cells[method]
    if (rows, columns) != seen.maps[method].shape:
        lines.append(say(f"{rows} × {columns} cells", f"{rows} × {columns} cases"))
    if not np.any(seen.maps[method]):
        lines.append(say("marks nothing here", "ne marque rien ici"))
    _write_checks(axes, [", ".join(lines)] if lines else [], seen, method, say)


def _write_checks(axes: Axes, lines: list[str], seen: Seen, method: MethodName, say: Speech) -> None:
    """Under a tile: what it is, the numbers of its checks, and what they say."""
    check = seen.checks.of(method) if seen.checks else None
    if check is not None and seen.checks is not None:
        lines = [*lines, *check_lines(check, seen.checks, say)]
    below = -0.04
    for line in lines:
        axes.text(0, below, line, transform=axes.transAxes, va="top", fontsize=SMALL, color=MUTED)
        below -= 0.085
    if check is not None:
        weight = "bold" if is_trusted(check) else "normal"
        axes.text(0, below, "\n".join(check_verdict(check, say)), transform=axes.transAxes, va="top", fontsize=SMALL,
                  color=INK, weight=weight, linespacing=1.3)  # fmt: skip


def _foot(found: Explanation, say: Speech) -> str:
    records = [seen.checks for seen in found.seen if seen.checks]
    told = say(
        "Each map has its own scale. Explained is the log-odds of the answer; what is taken away takes the colour of "
        "the image's edge.",
        "Chaque carte a sa propre échelle. On explique le logit de la réponse, ln p/(1−p) ; ce qui est enlevé prend "
        "la couleur du bord de l'image.",
    )
    if any(seen.own_image is not None for seen in found.seen):
        told += say(
            " Each contender is given the picture as its training images are; the one above is the first one's.",
            " Chaque concurrent reçoit l'image telle que sont ses images d'entraînement ; celle du haut est celle du "
            "premier.",
        )
    return f"{told} {explained_checks(records[0] if records else None, say)}"
