"""Per class: which classes are hard (F1), and what they are taken for (confusion matrices)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base import fonts
from eyechart.comparison.uncertainty import mean_interval
from eyechart.report import axes as scales
from eyechart.report.answer import finished_seeds_text
from eyechart.report.charts import HEAT, INK, MUTED, NEUTRAL, Chart, Panel, new_panel, saved_panel, text_inches
from eyechart.report.entries import MOST_SHOWN, Entry
from eyechart.report.section import Section
from eyechart.words.class_means import absent_classes, lacking
from eyechart.words.numbers import shortened
from eyechart.words.speech import Speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES_WITH_COUNTS = 15  # more, and the counts in the cells could not be read
MOST_CLASSES_DRAWN = 60
MOST_TOLD = 5  # classes or mistakes of a contender, in words
F1_INCHES = 5.4  # width of the drawing
LEAST_SHORTFALL = 0.0002  # F1 of 1 stands where 99.98 % would: a log axis has no room for it
F1_TICKS = (0.9995, 0.999, 0.998, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0)


def per_class_f1(everyone: list[Entry], folder: Path, say: Speech) -> Chart:
    """One dot a contender and class, on an axis that spreads the values near 100 %; words for too many classes."""
    title, entries = _hardest_class(everyone, say), everyone[:MOST_SHOWN]
    classes = entries[0].first.dataset.classes
    if len(classes) > MOST_CLASSES_DRAWN:
        return Chart("classes", title, _lowest_f1(entries, say), ())
    names = [shortened(name) for name in classes]
    columns = max(1, int(F1_INCHES / (0.22 + text_inches(shortened(entry.label(say)) for entry in entries))))
    legend_inches = 0.15 + 0.24 * math.ceil(len(entries) / columns)
    margins = (0.25 + text_inches(names), 0.55, 0.15, legend_inches)
    figure, axes = new_panel(F1_INCHES, 0.55 + legend_inches + 0.34 * len(classes), margins)
    shortfalls = [_draw_f1(axes, entry, _offset(i, len(entries)), say) for i, entry in enumerate(entries)]
    _set_f1_axis(axes, [value for values in shortfalls for value in values], say)
    for row in entries[0].first.test_scores.per_class.absent:
        none = say("– no test image", "– aucune image de test")
        axes.text(0.01, row, none, transform=axes.get_yaxis_transform(), va="bottom", color=MUTED, fontsize=8.5)
    axes.set_yticks(range(len(classes)), names)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(axis="x", visible=False)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, frameon=False, handletextpad=0.1)
    axes.set_xlabel(
        say(
            "F1 (log axis of what lacks to 100 %; further right is better)",
            "F1 (axe log de ce qui manque à 100 % ; mieux vers la droite)",
        )
    )
    described = say("F1 of every class, a dot a contender", "F1 de chaque classe, un point par concurrent")
    panel = saved_panel(figure, "classes-f1", described, folder)
    caption = _f1_caption(entries, say)
    if remark := fonts.remark(fonts.signs_without_font(names)):
        caption += f" {say(*remark)}"
    return Chart("classes", title, caption, (panel,))


def _offset(index: int, number: int) -> float:
    return 0.0 if number == 1 else 0.52 * (index / (number - 1) - 0.5)


def _draw_f1(axes: Axes, entry: Entry, offset: float, say: Speech) -> list[float]:
    """The dots of one contender, with intervals over seeds where there are several; gives the shortfalls 1 - F1."""
    drawn = []
    axes.plot([], [], entry.style.marker, color=entry.style.colour, label=shortened(entry.label(say)))  # for the legend
    for row, values in enumerate(entry.f1_by_class()):
        if not values:
            continue
        shortfall = max(1 - statistics.fmean(values), LEAST_SHORTFALL)
        if len(values) > 1:
            low, high = mean_interval(values)
            ends = [max(1 - high, LEAST_SHORTFALL), min(max(1 - low, LEAST_SHORTFALL), 1.0)]
            axes.plot(ends, [row + offset] * 2, color=entry.style.colour, linewidth=1.2)
        axes.plot([shortfall], [row + offset], entry.style.marker, color=entry.style.colour, markersize=5.5)
        drawn.append(shortfall)
    return drawn


def _set_f1_axis(axes: Axes, shortfalls: list[float], say: Speech) -> None:
    low, high = scales.log_limits(shortfalls)
    ticks = [1 - f1 for f1 in F1_TICKS if low <= 1 - f1 <= high]
    scales.set_log(axes.xaxis, (low, high), ticks, lambda tick: say.short_percent(1 - tick))
    axes.invert_xaxis()


def _hardest_class(entries: list[Entry], say: Speech) -> str:
    standing = [entry for entry in entries if not entry.diverged]
    neutral = say("F1 of every class", "F1 de chaque classe")
    if not standing:
        return neutral
    classes = entries[0].first.dataset.classes
    hardest = [classes[worst] for entry in standing if (worst := lowest_class(entry)) is not None]
    if not hardest:
        return neutral
    name = max(classes, key=hardest.count)
    number = hardest.count(name)
    lowest = say(f"Class {name} has the lowest F1", f"La classe {name} a le F1 le plus bas")
    if len(standing) == 1:
        return lowest
    if number == len(standing):
        return lowest + say(" for every contender", " pour tous les concurrents")
    of_all = say(f" for {number} of {len(standing)} contenders", f" pour {number} concurrents sur {len(standing)}")
    return lowest + of_all if number > 1 else neutral


def mean_f1(entry: Entry) -> dict[int, float]:
    """F1 of every class that has test images, mean over the runs, the lowest first."""
    means = {k: statistics.fmean(values) for k, values in enumerate(entry.f1_by_class()) if values}
    return dict(sorted(means.items(), key=lambda item: item[1]))


def lowest_class(entry: Entry) -> int | None:
    """The one class with the lowest mean F1; None when there is no single one."""
    f1 = list(mean_f1(entry).items())
    return f1[0][0] if len(f1) > 1 and f1[0][1] < f1[1][1] else None


def _lowest_f1(entries: list[Entry], say: Speech) -> str:
    """What is told when the classes are too many to draw."""
    classes = entries[0].first.dataset.classes
    told = []
    for entry in entries:
        worst = list(mean_f1(entry).items())[:MOST_TOLD]
        told.append(_labelled(entry, ", ".join(f"{classes[i]} {say.percent(f1, 1)}" for i, f1 in worst), say))
    lowest = say(" The lowest F1 — ", " Les F1 les plus bas — ") + _joined(told, say)
    return _too_many(len(classes), say) + lowest + _absent_text(entries, say)


def _too_many(number: int, say: Speech) -> str:
    return say(f"{number} classes are too many to draw.", f"{number} classes, c'est trop pour un dessin.")


def _labelled(entry: Entry, text: str, say: Speech) -> str:
    return say(f"{entry.label(say)}: {text}", f"{entry.label(say)} : {text}")


def _joined(told: list[str], say: Speech) -> str:
    return say.semicolons(told) + "."


def _f1_caption(entries: list[Entry], say: Speech) -> str:
    support = [number for number in entries[0].first.test_scores.per_class.support if number]
    few, many = say.count(min(support)), say.count(max(support))
    sizes = few if few == many else say(f"{few} to {many}", f"{few} à {many}")
    n = say(f"n = {sizes} test images a class", f"n = {sizes} images de test par classe")
    if all(len(entry.judged) == 1 for entry in entries):
        return (
            n
            + say(", one seed; an interval needs several seeds.", ", une graine ; un intervalle en demande plusieurs.")
            + _absent_text(entries, say)
        )
    shown = finished_seeds_text(entries, say)
    return (
        n
        + say(
            f". Means over {shown} with 95 % t-intervals, cut at the frame.",
            f". Moyennes sur {shown} avec intervalles t à 95 %, coupés au cadre.",
        )
        + _absent_text(entries, say)
    )


def _absent_text(entries: list[Entry], say: Speech) -> str:
    """What the dashes stand for; empty where test has images of every class."""
    absent = absent_classes(entries[0].first)
    return f" –\N{NO-BREAK SPACE}: {lacking(absent, say.lang)}." if absent else ""


# --------------------------------------------------------------------------------------------- confusion


def confusion_matrices(everyone: list[Entry], folder: Path, say: Speech) -> Chart:
    """One matrix a contender, on one common colour scale; words for too many classes."""
    matrices = [mean_confusion(entry) for entry in everyone]
    finding = _most_frequent(everyone, matrices, say)
    entries, matrices = everyone[:MOST_SHOWN], matrices[:MOST_SHOWN]
    if len(entries[0].first.dataset.classes) > MOST_CLASSES_DRAWN:
        return Chart("confusion", finding, _frequent_mistakes(entries, matrices, say), (), "small")
    most = max((value for matrix in matrices for _, _, value in mistakes(matrix)), default=1.0)
    panels = tuple(
        _matrix_panel(entry, matrix, most, (f"confusion-{i}", folder), say)
        for i, (entry, matrix) in enumerate(zip(entries, matrices, strict=True))
    )
    return Chart("confusion", finding, _confusion_caption(entries, say), panels, "small")


def _confusion_caption(entries: list[Entry], say: Speech) -> str:
    n = say.count(entries[0].first.num_judged)
    seeds = max(len(entry.judged) for entry in entries)
    rows = say(
        f"Rows: truth, columns: answer; n = {n} test images.",
        f"Lignes : vérité, colonnes : réponse ; n = {n} images de test.",
    )
    means = say("One seed.", "Une graine.")
    if seeds > 1:
        means = say(f"Means a run, over up to {seeds} seeds.", f"Moyennes par entraînement, jusqu'à {seeds} graines.")
    shades = say(
        "Mistakes are shaded on one common scale, right answers are not.",
        "Les erreurs sont teintées selon une échelle commune, les bonnes réponses non.",
    )
    return f"{rows} {means} {shades}{_absent_text(entries, say)}"


def _frequent_mistakes(entries: list[Entry], matrices: list[list[list[float]]], say: Speech) -> str:
    """What is told when the classes are too many to draw."""
    classes = entries[0].first.dataset.classes
    told = []
    for entry, matrix in zip(entries, matrices, strict=True):
        found = [
            say(
                f"{classes[i]} as {classes[j]} {_count(value, say)}",
                f"{classes[i]} pour {classes[j]} {_count(value, say)}",
            )
            for i, j, value in mistakes(matrix)[:MOST_TOLD]
        ]
        told.append(_labelled(entry, ", ".join(found) or say("none", "aucune"), say))
    most = say(" The most frequent mistakes a run — ", " Les erreurs les plus fréquentes par entraînement — ")
    return _too_many(len(classes), say) + most + _joined(told, say)


def mean_confusion(entry: Entry) -> list[list[float]]:
    """Counts a run, mean over the runs: rows are the truth, columns the answer."""
    tables = [run.record.test_scores.confusion for run in entry.judged]
    return [[statistics.fmean(cells) for cells in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]


def mistakes(matrix: Sequence[Sequence[float]]) -> list[tuple[int, int, float]]:
    """(truth, answer, count) of everything off the diagonal that occurs, the most frequent first."""
    found = [(i, j, value) for i, row in enumerate(matrix) for j, value in enumerate(row) if i != j and value > 0]
    return sorted(found, key=lambda mistake: -mistake[2])


def _matrix_panel(entry: Entry, matrix: list[list[float]], most: float, file: tuple[str, Path], say: Speech) -> Panel:
    classes = [shortened(each, 10) for each in entry.first.dataset.classes]
    names = text_inches(classes)
    figure, axes = new_panel(3.6 + names, 3.6 + names, (0.45 + names, 0.45 + names, 0.05, 0.4))
    size = len(classes)
    _draw_cells(axes, matrix, most, say if size <= MOST_CLASSES_WITH_COUNTS else None)
    step = math.ceil(size / 30)
    is_long = max(len(each) for each in classes[::step]) > 2
    axes.set_xticks(range(0, size, step), classes[::step], rotation=90 if is_long else 0)
    axes.set_yticks(range(0, size, step), classes[::step])
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal")
    axes.set(xlabel=say("answer", "réponse"), ylabel=say("truth", "vérité"))
    axes.grid(visible=False)
    axes.plot([0.0], [1.045], entry.style.marker, color=entry.style.colour, transform=axes.transAxes, clip_on=False)
    axes.text(0.035, 1.045, shortened(entry.label(say), 30), transform=axes.transAxes, va="center", weight="bold")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return saved_panel(figure, file[0], say("confusion matrix ", "matrice de confusion ") + say.of(entry.name), file[1])


def _draw_cells(axes: Axes, matrix: list[list[float]], most: float, say: Speech | None) -> None:
    """Right answers on neutral grey, mistakes in one hue that deepens with the square root of their number."""
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    squares, shades = [], []
    for i, row in enumerate(matrix):
        if not any(row):  # no test image of this class
            axes.text(i, i, "–", ha="center", va="center_baseline", color=MUTED, fontsize=8.5)
            continue
        for j, value in enumerate(row):
            if value == 0 and i != j:
                continue
            squares.append(Rectangle((j - 0.47, i - 0.47), 0.94, 0.94))
            shades.append(to_rgba(NEUTRAL) if i == j else to_rgba(HEAT, 0.12 + 0.88 * math.sqrt(value / most)))
            if say is not None:  # room for counts
                colour = MUTED if i == j else INK
                axes.text(j, i, _count(value, say), ha="center", va="center_baseline", color=colour, fontsize=8.5)
    axes.add_collection(PatchCollection(squares, facecolors=shades, linewidths=0))


def _count(value: float, say: Speech) -> str:
    """A count, or a mean of counts: one decimal where it says something."""
    decimals = 0 if value >= 10 or value == round(value) else 1
    return say.number(value, decimals)


def _most_frequent(entries: list[Entry], matrices: list[list[list[float]]], say: Speech) -> str:
    """The most frequent confusion over all contenders that finished."""
    standing = [matrix for entry, matrix in zip(entries, matrices, strict=True) if not entry.diverged]
    found = most_frequent_mistake(standing)
    if found is None:
        return say("What is taken for what", "Ce qui est pris pour quoi")
    classes = entries[0].first.dataset.classes
    truth, answer, number = classes[found[0]], classes[found[1]], _count(found[2], say)
    over = ""
    if len(standing) > 1:
        over = say(
            f" in one run of each of {len(standing)} contenders",
            f" dans un entraînement de chacun des {len(standing)} concurrents",
        )
    return say(
        f"{truth} taken for {answer} is the most frequent mistake: {number} times{over}",
        f"{truth} pris pour {answer} est l'erreur la plus fréquente : {number} fois{over}",
    )


def most_frequent_mistake(matrices: list[list[list[float]]]) -> tuple[int, int, float] | None:
    """(truth, answer, count) over all matrices together; None when there is none, or no single one."""
    if not matrices:
        return None
    together = [[math.fsum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]
    found = mistakes(together)
    return found[0] if found and (len(found) == 1 or found[0][2] > found[1][2]) else None


SECTION = Section(
    "classes", ("Per class", "Par classe"), lambda draft: per_class_f1(draft.entries, draft.figures, draft.say)
)
CONFUSION = Section(
    "confusion", ("Confusion", "Confusions"), lambda draft: confusion_matrices(draft.entries, draft.figures, draft.say)
)
