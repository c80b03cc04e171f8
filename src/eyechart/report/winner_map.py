"""Who wins where: a row a level of a context, a column a need; ties are ties, and "not shown" is nobody's win."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

from eyechart.base.foreign_text import in_markdown
from eyechart.catalog.palette import style_of
from eyechart.comparison.winners import Best, best_in, least_of
from eyechart.report.charts import GRID, INK, MUTED, drawing, new_panel, saved_panel, text_inches
from eyechart.report.context_words import context_name, level_words, severity_words
from eyechart.report.markdown import table
from eyechart.words.speech import Speech, speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eyechart.schema import Comparison
    from eyechart.schema.contexts import ContextRecord, LevelResult

NEEDS: dict[str, tuple[str, str]] = {
    "accuracy": ("accuracy", "exactitude"),
    "loss": ("loss", "perte"),
    "robustness": ("robustness", "robustesse"),
    "training_seconds": ("training time", "temps d'entraînement"),
    "memory": ("memory", "mémoire"),
}
COLUMN_INCHES, LINE_INCHES, HEAD_INCHES, TITLE_LINE_INCHES = 1.55, 0.19, 0.34, 0.18
CELL_CHARACTERS, MOST_NAMED = 17, 3
LIGHT, EDGE_INCHES = 0.22, 0.06  # of a contender's colour: behind its name, and at the left edge


class Row(NamedTuple):
    """One level: where it belongs, its name, and who is best in each need; None: not measured."""

    group: str
    label: str
    cells: dict[str, Best | None]


def rows_of(record: ContextRecord, say: Speech, axis: tuple[str, str] = ("", "")) -> list[Row]:
    """The levels of a context in their order; where levels have a mean, that stands for them."""
    group = f"{context_name(record, say)}, {record.dataset}"
    if record.means:
        in_means = {label for mean in record.means for label in mean.labels}
        rows = [(each.severity, _MEANS[each.name][say.lang == "fr"], each.comparison) for each in record.means]
        rows += [
            (each.severity, level_words(each, say), each.comparison)
            for each in record.levels
            if each.label not in in_means
        ]
        severities = list(dict.fromkeys(severity for severity, *_ in rows))
        rows.sort(key=lambda row: severities.index(row[0]))
        several = len(severities) > 1
        return [Row(f"{group}, {severity_words(severity, say)}" if several else group, label, cells_of(compared))
                for severity, label, compared in rows]  # fmt: skip
    return [
        Row(
            group,
            _label(level, say, axis),
            cells_of(level.comparison, level.robustness, level.peak_memory, is_timed=level.seconds is not None),
        )
        for level in record.levels
    ]


def _label(level: LevelResult, say: Speech, axis: tuple[str, str]) -> str:
    """A number of what the axis counts, or the words of pictures that were judged again."""
    if level.severity or not level.label[:1].isdigit():
        return level_words(level, say)
    return f"{say.count(level.value)} {say(*axis)}".strip()


_MEANS = {
    "untouched": ("untouched", "intactes"),
    "not geometric": ("not geometric", "non géométriques"),
    "geometric": ("geometric", "géométriques"),
}


def cells_of(
    comparison: Comparison,
    robustness: Comparison | None = None,
    peak_memory: dict[str, float] | None = None,
    *,
    is_timed: bool = False,
) -> dict[str, Best | None]:
    """Who is best in each need.  Where all train for the same time by rule, nobody is the quickest."""
    return {
        "accuracy": best_in(comparison, "accuracy"),
        "loss": best_in(comparison, "loss"),
        "robustness": best_in(robustness, "accuracy") if robustness else None,
        "training_seconds": None if is_timed else best_in(comparison, "training_seconds"),
        "memory": least_of(peak_memory or {}),
    }


def in_words(best: Best | None, say: Speech) -> str:
    """ "cnn", "cnn = vit", "cnn, vit?", "one of 5?"; in brackets what is of these runs alone."""
    if best is None:
        return ""
    many = len(best.contenders)
    if best.kind == "not shown":
        named = say(f"one of {many}", f"l'un des {many}") if many > MOST_NAMED else ", ".join(best.contenders)
        return named + say("?", " ?")
    told = say(f"{many} alike", f"{many} à égalité") if many > MOST_NAMED else " = ".join(best.contenders)
    return told if best.is_of_architectures else f"({told})"


def legend(say: Speech) -> str:
    """How a cell is read."""
    return say(
        "One name: better than every other, or than those who beat the rest. =: equivalent. ?: who of these is best is "
        "not shown. In brackets: of these runs, too few seeds to speak of architectures. Empty: not measured, the same "
        "by rule, or beside other work. Memory: peak of the training process, within 10 % the same.",
        "Un nom : meilleur que chacun des autres, ou que ceux qui battent le reste. = : équivalents. ? : lequel est le "
        "meilleur n'est pas démontré. Entre parenthèses : dans ces entraînements, trop peu de graines pour parler "
        "d'architectures. Vide : non mesuré, égal par règle, ou à côté d'un autre travail. Mémoire : maximum du "
        "processus d'entraînement, à 10 % près.",
    )


def in_markdown_table(rows: Sequence[Row], say: Speech) -> str:
    """A table a group."""
    text = []
    needs = _needs(rows)
    for group in dict.fromkeys(row.group for row in rows):
        head = [in_markdown(group), *(say(*NEEDS[need]) for need in needs)]
        lines = [
            [in_markdown(row.label), *(in_markdown(in_words(row.cells.get(need), say)) for need in needs)]
            for row in rows
            if row.group == group
        ]
        text.append(table(head, lines, words=range(len(head))))
    return "\n\n".join(text)


def _needs(rows: Sequence[Row]) -> list[str]:
    """Those of which some row says anything."""
    return [need for need in NEEDS if any(row.cells.get(need) for row in rows)]


# --------------------------------------------------------------------------------------------- the picture


def write_map(rows: Sequence[Row], folder: Path, lang: str, name: str = "winner-map") -> bool:
    """`name`.png and .svg into `folder`; False, and nothing, where there is nothing to compare."""
    if not (needs := _needs(rows)):
        return False
    say = speech(lang)
    with drawing([*_names(rows), *(row.label for row in rows)]):
        _write_map(rows, needs, name, folder, say)
    return True


def _write_map(rows: Sequence[Row], needs: Sequence[str], name: str, folder: Path, say: Speech) -> None:
    beside = _names(rows)
    written = [{need: _lines(row.cells.get(need), say) for need in needs} for row in rows]
    heights = [max(len(lines) for lines in cells.values()) * LINE_INCHES + 0.16 for cells in written]
    groups = list(dict.fromkeys(row.group for row in rows))
    left = max(text_inches(row.label for row in rows), 0.8) + 0.3
    width = left + COLUMN_INCHES * len(needs) + 0.15
    note = wrap(legend(say), round(width * 13.2))
    above, below = HEAD_INCHES + 0.42, TITLE_LINE_INCHES * len(note) + 0.15
    height = sum(heights) + HEAD_INCHES * len(groups) + above + below
    figure, axes = new_panel(width, height, (0, 0, 0, 0))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    title = say("Who wins where", "Qui gagne où")
    axes.text(0.12, 0.22, title, color=INK, fontsize=12, va="center")
    for column, need in enumerate(needs):
        x = left + COLUMN_INCHES * (column + 0.5)
        axes.text(x, 0.42 + HEAD_INCHES / 2, say(*NEEDS[need]), color=MUTED, ha="center", va="center")
    y = above
    for place, row in enumerate(rows):
        if place == 0 or rows[place - 1].group != row.group:
            axes.text(0.12, y + HEAD_INCHES / 2 + 0.04, row.group, color=MUTED, fontsize=9, va="center")
            y += HEAD_INCHES
        axes.text(left - 0.14, y + heights[place] / 2, row.label, color=INK, ha="right", va="center")
        for column, need in enumerate(needs):
            box = (left + COLUMN_INCHES * column, y, heights[place])
            _draw_cell(axes, row.cells.get(need), written[place][need], box, beside)
        y += heights[place]
    axes.text(0.12, y + 0.12, "\n".join(note), color=MUTED, fontsize=8.5, va="top", linespacing=1.25)
    saved_panel(figure, name, f"{title}. {in_markdown_table(rows, say)}", folder)


def _names(rows: Sequence[Row]) -> list[str]:
    """All contenders of a map, for colours that differ."""
    return sorted({each for row in rows for best in row.cells.values() if best for each in best.contenders})


def _lines(best: Best | None, say: Speech) -> list[str]:
    return wrap(in_words(best, say), CELL_CHARACTERS, break_long_words=False, break_on_hyphens=False) or [""]


def _draw_cell(
    axes: Axes, best: Best | None, lines: Sequence[str], box: tuple[float, float, float], beside: Sequence[str]
) -> None:
    """The colours of the winners side by side, where somebody wins; what is of these runs alone has an outline only."""
    from matplotlib.patches import Rectangle

    left, top, height = box
    gap = 0.04
    inside, tall = COLUMN_INCHES - 2 * gap, height - 2 * gap
    axes.add_patch(Rectangle((left + gap, top + gap), inside, tall, facecolor="none", edgecolor=GRID, linewidth=0.8))
    if best is None:
        return
    if best.kind != "not shown":
        many = len(best.contenders)
        for place, contender in enumerate(best.contenders):
            colour = style_of(contender, beside).colour
            if best.is_of_architectures:
                corner = (left + gap + place * inside / many, top + gap)
                axes.add_patch(Rectangle(corner, inside / many, tall, facecolor=colour, alpha=LIGHT, linewidth=0))
            edge = (left + gap, top + gap + place * tall / many)
            axes.add_patch(Rectangle(edge, EDGE_INCHES, tall / many, facecolor=colour, linewidth=0))
    colour = INK if best.kind != "not shown" else MUTED
    axes.text(
        left + COLUMN_INCHES / 2 + 0.02, top + height / 2, "\n".join(lines), color=colour, fontsize=9, ha="center",
        va="center", linespacing=1.15,
    )  # fmt: skip
