"""Calibration: whether a contender is as often right as it says, before and after temperature scaling.

A network that is right 99.5 times in 100 leaves nothing to see on the usual axes from 0 to 1.  So both are drawn as
errors on logarithmic axes: the error that a contender expects of itself against the error that it makes.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.comparison.answers import Shelf
from eyechart.comparison.calibration import NUM_BINS, Bin, ContenderCalibration, Interval, calibrate
from eyechart.report import axes as scales
from eyechart.report.charts import INK, Chart, Panel, file_name, new_panel, saved_panel
from eyechart.report.entries import MOST_SHOWN, Entry
from eyechart.report.leaderboard import Cell
from eyechart.report.section import Section
from eyechart.words.numbers import percent_decimals, shortened
from eyechart.words.speech import Speech

CLEARLY = 0.01  # an ECE below one point is not worth a headline
PANEL_INCHES = (2.9, 2.9)


@dataclass(frozen=True)
class CalibrationRow:
    entry: Entry
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class CalibrationSection:
    finding: str
    chart: Chart | None  # None: no contender's answers could be read
    columns: tuple[tuple[str, str], ...]  # title, explained; one for each cell
    rows: tuple[CalibrationRow, ...]
    note: str
    missing: tuple[str, ...]  # what could not be read or fitted, and why


Found = list[tuple[Entry, ContenderCalibration]]


def section(entries: list[Entry], folder: Path, say: Speech) -> CalibrationSection:
    """Diagrams into `folder`, one a contender on common axes, and the table; diverged contenders are left out."""
    shelf, missing = Shelf(), []
    found: Found = []
    for entry in [entry for entry in entries if not entry.diverged][:MOST_SHOWN]:
        runs = [(run.folder, run.record) for run in entry.judged]
        try:
            found.append((entry, calibrate(entry.name, runs, shelf)))
        except StorageError as error:
            missing.append(say(f"{entry.name} is left out: {error}", f"{entry.name} est laissé de côté : {error}"))
    missing += _no_temperature(found, say) + _held(found, say)
    columns = _columns(say)
    rows = tuple(CalibrationRow(entry, _cells(calibrated, say)) for entry, calibrated in found)
    chart = _chart(found, folder, say) if found else None
    return CalibrationSection(_finding(found, say), chart, columns, rows, _note(found, say), tuple(missing))


def _no_temperature(found: Found, say: Speech) -> list[str]:
    """Contenders whose runs are old together in one sentence, anything else with its reason."""
    old, sentences = [], []
    for entry, calibrated in found:
        why = [run.why_not for run in calibrated.runs if run.why_not]
        if why and all(run.record.validation_items == "" for run in entry.judged):
            old.append(entry.name)
        elif why:
            sentences.append(
                say(f"{entry.name} has no temperature: {why[0]}", f"{entry.name} n'a pas de température : {why[0]}")
            )
    if old:
        names = say.listed(old)
        sentences.append(
            say(
                f"No temperature for {names}: the runs are of an older eyechart, which kept no validation answers.",
                f"Pas de température pour {names} : ces entraînements sont d'un eyechart plus ancien, qui ne gardait "
                "pas les réponses de validation.",
            )
        )
    return sentences


def _held(found: Found, say: Speech) -> list[str]:
    """Contenders whose temperature is near 1 for want of validation images, with their number, in one sentence."""
    fitted = {entry.name: [run.temperature for run in each.runs if run.temperature] for entry, each in found}
    held = {name: [each.num_items for each in own if each.reason == "held"] for name, own in fitted.items()}
    names = say.listed([name for name, numbers in held.items() if numbers])
    if not names:
        return []
    images = say.count(max(max(numbers, default=0) for numbers in held.values()))
    return [
        say(
            f"The temperature of {names} is held near 1: {images} validation images or fewer say too little of it.",
            f"La température de {names} est retenue près de 1 : {images} images de validation ou moins en disent trop "
            "peu.",
        )
    ]


# --------------------------------------------------------------------------------------------- figures


def _chart(found: Found, folder: Path, say: Speech) -> Chart:
    everything = [bin_ for _, calibrated in found for bin_ in calibrated.error_bins]
    num_items = found[0][1].num_items
    lows = [1 - bin_.confidence for bin_ in everything] + [1 - bin_.accuracy for bin_ in everything]
    floor = 0.3 / num_items
    limits = scales.log_limits([min(1.0, max(low, floor)) for low in lows] + [1.0], room=1.3)
    panels = tuple(_panel(entry, calibrated.error_bins, limits, folder, say) for entry, calibrated in found)
    n = say.count(num_items)
    caption = say(
        f"n = {n} test images. Each mark holds the answers of about the same certainty, half a decade wide; its size "
        "grows with their number. Whiskers: 95 % Wilson intervals of one run. On the line a contender errs as often as "
        "it expects; below less often, it is not sure enough; above more often, too sure. Hollow marks: no error.",
        f"n = {n} images de test. Chaque marque réunit les réponses de même certitude, sur une demi-décade ; sa taille "
        "croît avec leur nombre. Moustaches : intervalles de Wilson à 95 % d'un entraînement. Sur la droite, un "
        "concurrent se trompe aussi souvent qu'il l'annonce ; au-dessous moins souvent, il n'est pas assez sûr ; "
        "au-dessus plus souvent, il est trop sûr. Marques creuses : aucune erreur.",
    )
    return Chart("calibration", _finding(found, say), caption, panels, "small")


def _panel(entry: Entry, bins: tuple[Bin, ...], limits: tuple[float, float], folder: Path, say: Speech) -> Panel:
    figure, axes = new_panel(*PANEL_INCHES, (0.72, 0.5, 0.1, 0.3))
    ticks = scales.log_ticks(*limits)
    scales.set_log(axes.xaxis, limits, [tick for tick in ticks if tick <= 1][::2] or ticks, say.short_percent)
    scales.set_log(axes.yaxis, limits, [tick for tick in ticks if tick <= 1], say.short_percent)
    axes.plot(limits, limits, color=INK, linewidth=0.8)
    style, bottom = entry.style, limits[0] * 1.15
    most = max(bin_.num_items for bin_ in bins)
    for bin_ in bins:
        expected, made = max(1 - bin_.confidence, bottom), max(1 - bin_.accuracy, bottom)
        ends = [max(1 - bin_.accuracy_high, limits[0]), max(1 - bin_.accuracy_low, limits[0])]
        size = 3.5 + 6 * float(np.sqrt(bin_.num_items / most))
        axes.plot([expected, expected], ends, color=style.colour, linewidth=1.2)
        face = style.colour if bin_.accuracy < 1 else "none"
        axes.plot(
            [expected], [made], style.marker, color=style.colour, markersize=size, markerfacecolor=face, clip_on=False
        )
    axes.set_xlabel(say("error that it expects", "erreur annoncée"))
    axes.set_ylabel(say("error that it makes", "erreur commise"))
    axes.set_title(shortened(entry.label(say)), fontsize=10, color=INK, loc="left")
    described = say(
        f"{entry.name}: the error that it makes against the error that it expects",
        f"{entry.name} : l'erreur commise selon l'erreur annoncée",
    )
    return saved_panel(figure, f"calibration-{file_name(entry.name)}", described, folder)


# --------------------------------------------------------------------------------------------- the table


def _columns(say: Speech) -> tuple[tuple[str, str], ...]:
    after = say("after temperature scaling", "après calage de la température")
    ece = say(
        f"expected calibration error, {NUM_BINS} bins of equal width",
        f"erreur de calibration attendue, {NUM_BINS} tranches d'égale largeur",
    )
    equal = say(f"the same, {NUM_BINS} bins of equally many answers", f"de même, {NUM_BINS} tranches d'égal effectif")
    brier = say(
        "mean squared distance between probabilities and truth, 0 to 2",
        "distance quadratique moyenne entre probabilités et vérité, de 0 à 2",
    )
    loss = say("negative log-likelihood, nats an image", "log-vraisemblance négative, nats par image")
    temperature = say(
        "fitted on validation; above 1 the contender was too sure, below 1 not sure enough",
        "ajustée en validation ; au-dessus de 1 le concurrent était trop sûr, au-dessous pas assez",
    )
    return (
        ("ECE", ece),
        (say("ECE, equal counts", "ECE, effectifs égaux"), equal),
        ("Brier", brier),
        (say("Loss", "Perte"), loss),
        (say("Temperature", "Température"), temperature),
        (say("ECE, scaled", "ECE, après température"), f"{ece}, {after}"),
        (say("Brier, scaled", "Brier, après température"), f"{brier}, {after}"),
        (say("Loss, scaled", "Perte, après température"), f"{loss}, {after}"),
    )


def _cells(found: ContenderCalibration, say: Speech) -> tuple[Cell, ...]:
    temperatures = [run.temperature.value for run in found.runs if run.temperature is not None]
    before, after = found.before, found.after
    cells = [
        _share_cell(before["ece"], say),
        _share_cell(before["adaptive_ece"], say),
        _plain_cell(before["brier"], say),
        _plain_cell(before["loss"], say),
    ]
    if not after:
        return (*cells, *[Cell("–", "", sys.float_info.max)] * 4)
    spread = ""
    if len(temperatures) > 1:
        spread = say.interval(say.number(min(temperatures), 2), say.number(max(temperatures), 2))
    mean = statistics.fmean(temperatures)
    cells.append(Cell(say.number(mean, 2), spread, mean))
    return (*cells, _share_cell(after["ece"], say), _plain_cell(after["brier"], say), _plain_cell(after["loss"], say))


def _share_cell(interval: Interval, say: Speech) -> Cell:
    decimals = percent_decimals(interval.low, interval.high)
    return Cell(say.percent(interval.mean, decimals), say.percent_interval(interval.low, interval.high), interval.mean)


def _plain_cell(interval: Interval, say: Speech) -> Cell:
    low, high = say.loss(interval.low), say.loss(interval.high)
    return Cell(say.loss(interval.mean), say.interval(low, high), interval.mean)


# --------------------------------------------------------------------------------------------- words


def _finding(found: Found, say: Speech) -> str:
    """Who is furthest from what it says, and in which direction, where that is more than a point."""
    neutral = say("How sure they are, and how often they err", "Leur certitude, et leurs erreurs")
    if not found:
        return neutral
    _, calibrated = max(found, key=lambda each: each[1].before["ece"].mean)
    ece = calibrated.before["ece"]
    if ece.low < CLEARLY:
        return neutral
    gap = say.percent(ece.mean, percent_decimals(ece.low, ece.high))
    confidence = sum(bin_.num_items * (bin_.confidence - bin_.accuracy) for bin_ in calibrated.bins)
    which = say("is too sure of itself", "est trop sûr de lui")
    if confidence < 0:
        which = say("is not sure enough", "n'est pas assez sûr")
    name = calibrated.contender
    if not calibrated.after:
        return say(f"{name} {which}: its calibration error is {gap}", f"{name} {which} : son ECE est de {gap}")
    left = calibrated.after["ece"]
    rest = say.percent(left.mean, percent_decimals(left.low, left.high))
    return say(
        f"{name} {which}: its calibration error is {gap}, and {rest} after temperature scaling",
        f"{name} {which} : son erreur de calibration est de {gap}, et de {rest} après calage de la température",
    )


def _note(found: Found, say: Speech) -> str:
    several = any(len(calibrated.runs) > 1 for _, calibrated in found)
    intervals = say(
        "Below each figure its 95 % interval, by bootstrap over the test images where there is one seed"
        + (
            ", Student's over seeds where there are several; below the temperature its range over seeds."
            if several
            else "."
        ),
        "Sous chaque valeur son intervalle à 95 %, par bootstrap sur les images de test pour une seule graine"
        + (
            ", de Student sur les graines s'il y en a plusieurs ; sous la température, son étendue sur les graines."
            if several
            else "."
        ),
    )
    temperature = say(
        "The temperature is fitted on validation and applied to test; it changes no answer, only how sure it is. "
        "Noise alone makes an ECE larger than 0, the more so the fewer the images.",
        "La température est ajustée en validation et appliquée au test ; elle ne change aucune réponse, seulement sa "
        "certitude. Le bruit suffit à rendre une ECE supérieure à 0, d'autant plus qu'il y a peu d'images.",
    )
    return f"{intervals} {temperature}"


SECTION = Section(
    "calibration",
    ("Calibration", "Calibration"),
    lambda draft: section(draft.entries, draft.figures, draft.say),
    "calibration.html",
)
