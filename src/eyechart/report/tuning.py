"""What tuning gained: the validation error to expect of the best of n trials, a line for each tuned contender."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.comparison.tuning import ExpectedBest, expected_best
from eyechart.report import axes as scales
from eyechart.report.charts import Chart, new_panel, saved_panel, text_inches
from eyechart.report.entries import Entry
from eyechart.report.section import Section
from eyechart.schema import Tuning
from eyechart.words.numbers import shortened
from eyechart.words.speech import Speech

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MARKED = 25  # trials: more marks would hide the line
LEAST_GAIN = 0.01  # share of the error, below which there is nothing to tell
TINY = 1e-9  # an error that is 0 but for rounding


@dataclass(frozen=True)
class Curve:
    """One contender: its search, and the best to expect for every number of trials."""

    entry: Entry
    tuning: Tuning
    points: list[ExpectedBest]


def tuning_curves(entries: list[Entry], folder: Path, say: Speech) -> Chart | None:
    """One panel; None when no contender was tuned."""
    curves = [
        Curve(entry, tuning, expected_best(tuning.accuracies))
        for entry in entries
        if (tuning := entry.first.recipe.tuning) and tuning.accuracies
    ]
    if not curves:
        return None
    names = text_inches(shortened(curve.entry.label(say)) for curve in curves)
    figure, axes = new_panel(6.6, 3.6, (0.72, 0.5, 0.42 + names, 0.1))
    floor = 0.5 / max(1, min(curve.entry.first.splits.num_validation for curve in curves))
    _draw(axes, curves, floor, say)
    axes.set_xlabel(say("trials (0: the recipe as it stood)", "essais (0 : la recette telle quelle)"))
    axes.set_ylabel(say("validation error, best of n", "erreur de validation, meilleur de n"))
    description = say(
        "Expected validation error of the best of n trials, a line a contender",
        "Erreur de validation attendue du meilleur de n essais, une ligne par concurrent",
    )
    panel = saved_panel(figure, "tuning", description, folder)
    return Chart("tuning", _finding(curves, say), _caption(entries, curves, say), (panel,))


def _draw(axes: Axes, curves: list[Curve], floor: float, say: Speech) -> None:
    from matplotlib.ticker import MaxNLocator

    def error(accuracy: float) -> float:
        return max(1 - accuracy, floor)

    drawn = [error(point.mean) for curve in curves for point in curve.points]
    limits = scales.log_limits(drawn + [error(curve.tuning.accuracies[0]) for curve in curves])
    scales.set_log(axes.yaxis, limits, scales.log_ticks(*limits), say.short_percent)
    axes.set_xlim(-0.5, 1.03 * max(len(curve.points) for curve in curves) + 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    ends = []
    for curve in curves:
        style, numbers = curve.entry.style, [float(point.num_trials) for point in curve.points]
        means = [error(point.mean) for point in curve.points]
        marker = style.marker if len(numbers) <= MOST_MARKED else ""
        axes.plot(numbers, means, color=style.colour, marker=marker, linestyle=style.dash)
        low, high = [error(point.high) for point in curve.points], [error(point.low) for point in curve.points]
        axes.fill_between(numbers, low, high, color=style.colour, alpha=0.14, linewidth=0)
        as_it_stood = error(curve.tuning.accuracies[0])
        axes.plot([0], [as_it_stood], style.marker, color=style.colour, fillstyle="none")
        ends.append((numbers[-1], means[-1], curve.entry.label(say), style))
    scales.label_line_ends(axes, ends)


# --------------------------------------------------------------------------------------------- words


def _finding(curves: list[Curve], say: Speech) -> str:
    """The contender that more trials moved the most: a fact about the trials that were made, no verdict."""

    def gained(curve: Curve) -> float:
        """The share of the first trial's expected error that went away, 0..1."""
        first, last = (1 - point.mean for point in (curve.points[0], curve.points[-1]))
        return (first - last) / first if first > TINY else 0.0

    curve = max(curves, key=gained)
    if gained(curve) < LEAST_GAIN:
        return say("Validation error to expect of the best of n trials", "Erreur de validation du meilleur de n essais")
    first, last = (say.percent(1 - point.mean) for point in (curve.points[0], curve.points[-1]))
    name, number = curve.entry.name, say.count(len(curve.points))
    return say(
        f"{name}: {first} validation error to expect of one trial, {last} of the best of {number}",
        f"{name} : {first} d'erreur de validation attendus d'un essai, {last} du meilleur de {number}",
    )


def _caption(entries: list[Entry], curves: list[Curve], say: Speech) -> str:
    parts = [
        say(
            "Expected maximum of n of the trials that were made, drawn without replacement (Dodge et al. 2019); bands "
            "hold 90 % of such draws, and are none at the end, where only one draw is left.",
            "Maximum attendu de n des essais réalisés, tirés sans remise (Dodge et al. 2019) ; les bandes couvrent "
            "90 % de ces tirages et s'annulent à la fin, où il ne reste qu'un tirage.",
        )
    ]
    numbers = sorted({len(curve.points) for curve in curves})
    failed = sum(curve.tuning.num_failed for curve in curves)
    seeds = sorted({seed for curve in curves for seed in curve.tuning.search_seeds})
    seeds_text = say.listed([str(seed) for seed in seeds])
    each = say.between(numbers[0], numbers[-1], "trial", "essai")
    n = say.listed([say.count(n) for n in sorted({curve.entry.first.splits.num_validation for curve in curves})])
    parts.append(
        say(
            f"{each} for each contender on validation images (n = {n} in these runs), search seeds {seeds_text}; "
            f"{failed} failed and count as a guess.",
            f"{each} par concurrent sur les images de validation (n = {n} dans ces entraînements), graines de "
            f"recherche {seeds_text} ; {failed} en échec, comptés comme une réponse au hasard.",
        )
    )
    untuned = [entry.name for entry in entries if entry.name not in {curve.entry.name for curve in curves}]
    if untuned:
        parts.append(say(f"Not tuned: {say.listed(untuned)}.", f"Non réglés : {say.listed(untuned)}."))
    parts.append(
        say(
            "The best of several is flattered by having been chosen: verdicts rest on the test part alone.",
            "Le meilleur de plusieurs est flatté par le choix : les verdicts reposent sur le seul jeu de test.",
        )
    )
    return " ".join(parts)


SECTION = Section("tuning", ("Tuning", "Réglage"), lambda draft: tuning_curves(draft.drawn, draft.figures, draft.say))
