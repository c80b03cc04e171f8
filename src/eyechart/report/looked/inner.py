"""Looking further in: what each head of a Vision Transformer looks at, and what a detector took its regions for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.foreign_text import shown
from eyechart.files.folder_names import folder_name_of
from eyechart.report.charts import INK, MUTED, saved_panel
from eyechart.report.looked.overlay import contrast, overlaid
from eyechart.report.looked.words import answer_told
from eyechart.words.numbers import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eyechart.report.looked.seen import Explanation, Seen
    from eyechart.words.speech import Speech

TILE, GAP = 1.15, 0.12  # inches
FRAME = "#B35806"  # PuOr's orange, dark enough for lines
FAINT = 0.05  # score below which a cell of the table stays empty
MOST_REGIONS = 16  # rows of the table


def write_inner(found: Explanation, folder: Path, say: Speech) -> list[Path]:
    """A figure for each contender that can be looked into; the PNG files."""
    written: list[Path] = []
    taken: set[str] = set()
    for seen in found.seen:
        called = folder_name_of(seen.run)
        while called.casefold() in taken:  # "a/b" and "a_b" are called alike
            called += "_"
        taken.add(called.casefold())
        if seen.heads is not None:
            written.append(_write_heads(found, seen, folder / _name(found, "heads", called), say))
        if seen.boxes is not None and seen.scores is not None:
            target = folder / _name(found, "regions", called)
            written.append(_write_regions(found, seen, seen.boxes, seen.scores, target, say))
    return written


def _name(found: Explanation, what: str, called: str) -> str:
    return f"{Path(found.name).stem or 'picture'}-{what}-{called}"


def _write_heads(found: Explanation, seen: Seen, target: Path, say: Speech) -> Path:
    """A row a head, a column a block; `target` has no ending yet."""
    from matplotlib.figure import Figure

    assert seen.heads is not None
    num_blocks, num_heads = seen.heads.shape[:2]
    left, top = 0.75, 0.62
    width, height = left + num_blocks * (TILE + GAP), top + num_heads * (TILE + GAP) + 0.34
    figure = Figure(figsize=(width, height))
    for block in range(num_blocks):
        for head in range(num_heads):
            x, y = left + block * (TILE + GAP), height - top - head * (TILE + GAP) - TILE
            axes = figure.add_axes((x / width, y / height, TILE / width, TILE / height))
            axes.imshow(overlaid(found.image_of(seen), seen.heads[block, head]), interpolation="nearest")
            _bare(axes)
            if head == 0:
                axes.set_title(say(f"block {block + 1}", f"bloc {block + 1}"), fontsize=8, color=MUTED, loc="left")
            if block == 0:
                axes.set_ylabel(say(f"head {head + 1}", f"tête {head + 1}"), fontsize=8, color=MUTED)
    title = say(
        f"{seen.contender}: where each head looks, on {found.name}",
        f"{seen.contender} : où regarde chaque tête, sur {found.name}",
    )
    figure.text(0.12 / width, 1 - 0.12 / height, shortened(shown(title), 62), va="top", color=INK, fontsize=9)
    told = say("orange: more than an even share of all tokens' attention, purple: less",
               "orange : plus qu'une part égale de l'attention, violet : moins")  # fmt: skip
    figure.text(0.12 / width, 0.1 / height, told, color=MUTED, fontsize=7)
    saved_panel(figure, target.name, shown(title), target.parent)
    return target.with_name(f"{target.name}.png")


def _write_regions(
    found: Explanation, seen: Seen, boxes: np.ndarray, scores: np.ndarray, target: Path, say: Speech
) -> Path:
    """The regions on the image, and a table of what each was taken for."""
    from matplotlib.figure import Figure

    boxes, scores = boxes[:MOST_REGIONS], scores[:MOST_REGIONS]
    classes = [shortened(shown(name), 6) for name in found.classes]
    table = max(2.6, 0.34 * len(classes))
    width, height = 3.3 + 0.55 + table + 0.15, 3.3 + 0.75
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.12 / width, 0.32 / height, 3.1 / width, 3.1 / height))
    _bare(axes)
    axes.imshow(1 - 0.5 * contrast(found.image_of(seen)), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    _draw_boxes(axes, boxes, scores, seen.answer)
    grid = figure.add_axes(((3.3 + 0.45) / width, 0.32 / height, table / width, 3.1 / height))
    _draw_table(grid, scores, classes, say)
    answer = answer_told(found, seen, say)
    title = say(
        f"{seen.contender}: {len(boxes)} regions, and what each was taken for; the answer is {answer}",
        f"{seen.contender} : {len(boxes)} régions, et ce pour quoi chacune a été prise ; la réponse est {answer}",
    )
    figure.text(0.12 / width, 1 - 0.12 / height, title, va="top", color=INK, fontsize=9)
    told = say("line width: score of the answer; what a row lacks to 100 % is background",
               "épaisseur : score de la réponse ; ce qui manque à 100 % est l'arrière-plan")  # fmt: skip
    figure.text(0.12 / width, 0.1 / height, told, color=MUTED, fontsize=7)
    saved_panel(figure, target.name, title, target.parent)
    return target.with_name(f"{target.name}.png")


def _draw_boxes(axes: Axes, boxes: np.ndarray, scores: np.ndarray, answer: int) -> None:
    """Pixels are squares whose middles have whole numbers, so a box that begins at 0 is drawn at -.5."""
    from matplotlib.patches import Rectangle

    for number, ((left, top, right, bottom), score) in reversed(list(enumerate(zip(boxes, scores, strict=True), 1))):
        sure = float(score[answer])
        corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=FRAME, linewidth=0.5 + 2.0 * sure,
                                 alpha=0.45 + 0.55 * sure))  # fmt: skip
        axes.text(left - 0.2, top - 0.3, str(number), va="top", fontsize=6.5, color="white",
                  bbox={"facecolor": FRAME, "edgecolor": "none", "pad": 0.6, "alpha": 0.45 + 0.55 * sure})  # fmt: skip


def _draw_table(axes: Axes, scores: np.ndarray, classes: list[str], say: Speech) -> None:
    axes.imshow(scores, cmap="Oranges", vmin=0, vmax=1.35, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(classes)), classes, fontsize=7.5)
    axes.set_yticks(range(len(scores)), [str(number) for number in range(1, len(scores) + 1)], fontsize=7.5)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    for row, column in zip(*np.nonzero(scores >= FAINT), strict=True):
        text = say.number(100 * float(scores[row, column]), 0)
        axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=INK)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(True)
