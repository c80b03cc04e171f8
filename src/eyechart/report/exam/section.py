"""The eye test's section of the report, from exam.json and what was answered; nothing where no exam was held."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.data import optotypes
from eyechart.data.optotypes import DIMENSIONS
from eyechart.files import storage
from eyechart.files.items import read_items
from eyechart.report.charts import Chart, Panel, file_name, new_panel, saved_panel
from eyechart.report.entries import Entry
from eyechart.report.exam.chart import draw_chart, height_inches
from eyechart.report.exam.curves import draw_curves, draw_legend
from eyechart.report.exam.words import acuity_text, dimension_name, finding, misfits
from eyechart.report.section import Draft, Section
from eyechart.schema.contracts import LabelledImages
from eyechart.schema.exam import EXAM_FILE, EXAM_FOLDER, FIRST_ROW, ExamAgreement, ExamDimension, ExamRecord
from eyechart.words.shared_errors import consistency_in_exam, kappa_text
from eyechart.words.speech import Speech

CHARTED = "size"  # the dimension whose charts stand on the page


@dataclass(frozen=True)
class Cell:
    """An acuity in the table."""

    text: str
    interval: str
    value: float  # to sort by: the hardness


@dataclass(frozen=True)
class ExamSection:
    """What the template shows."""

    charts: Chart
    curves: Chart
    dimensions: list[str]
    rows: list[tuple[Entry, list[Cell]]]
    pairs: list[tuple[Entry, Entry, ExamAgreement, str]]  # and kappa in words
    notes: list[str]


def _section(draft: Draft) -> ExamSection | None:
    """The exam of the one study that the report is on."""
    homes = {run.folder.parent for entry in draft.entries for run in entry.runs}
    if len(homes) != 1:
        return None
    (home,) = homes
    if not (home / EXAM_FILE).is_file():
        return None
    record = storage.read_record(home / EXAM_FILE, ExamRecord)
    shown = [entry for entry in draft.drawn if entry.first.contender in record.contenders and not entry.diverged]
    if not shown or {entry.first.contender for entry in draft.entries if not entry.diverged} - set(record.contenders):
        return None  # held before the study got more contenders
    if not all(record.is_of(run.record) for entry in shown for run in entry.judged):
        return None  # trained again since
    say = draft.say
    try:
        charts = _charts(record, home, shown, draft.figures, say)
    except StorageError:  # what it asked, or what was answered, is gone
        return None
    return ExamSection(
        charts=charts,
        curves=_curves(record, shown, draft.figures, say),
        dimensions=[dimension_name(each.name, say) for each in record.dimensions],
        rows=[(entry, _cells(record, entry, say)) for entry in shown],
        pairs=_pairs(record, shown, say),
        notes=_notes(record, say),
    )


def _cells(record: ExamRecord, entry: Entry, say: Speech) -> list[Cell]:
    cells = []
    for dimension in record.dimensions:
        reading = record.reading(entry.first.contender, dimension.name)
        cells.append(Cell(*acuity_text(dimension, reading, record.height, say), reading.threshold))
    return cells


def _notes(record: ExamRecord, say: Speech) -> list[str]:
    told = [finding(record, each.name, say) + "." for each in record.dimensions] if len(record.contenders) > 1 else []
    consistency = consistency_in_exam(record.agreements, say)
    return [*told, *filter(None, [misfits(record, say), consistency and f"{consistency}."])]


def _pairs(record: ExamRecord, shown: list[Entry], say: Speech) -> list[tuple[Entry, Entry, ExamAgreement, str]]:
    """Whose errors fall on the same images, the most alike first."""
    entries = {entry.first.contender: entry for entry in shown}
    known = [each for each in record.agreements if {each.first, each.second} <= entries.keys()]
    order = sorted(known, key=lambda each: -2.0 if each.kappa is None else each.kappa, reverse=True)
    return [(entries[each.first], entries[each.second], each, kappa_text(each, say)) for each in order]


# --------------------------------------------------------------------------------------------- the eye charts


def _charts(record: ExamRecord, home: Path, entries: list[Entry], folder: Path, say: Speech) -> Chart:
    (dimension,) = (each for each in record.dimensions if each.name == CHARTED)
    part, rows = shown_rows(record, home, CHARTED)
    panels = tuple(_chart(record, dimension, home, entry, part, rows, folder, say) for entry in entries)
    number = say.count(len(record.chosen))
    caption = say(
        "Test images that shrink from row to row by a tenth of a log unit, the same ones for all; others in every row. "
        "At the left their height. A frame: read wrong, and beside it what was read. The line: half-way between "
        f"guessing and the contender's best, over {number} images a row, with its 95 % interval as a band.",
        "Des images de test qui rétrécissent de ligne en ligne d'un dixième d'unité logarithmique, les mêmes pour "
        "tous, d'autres à chaque ligne. À gauche, leur hauteur. Un cadre : mal lu, et à côté ce qui a été lu. Le trait "
        f": à mi-chemin entre le hasard et le mieux du concurrent, sur {number} images par ligne, avec son intervalle "
        "à 95 % en bande.",
    )
    return Chart("eye-test", finding(record, CHARTED, say), caption, panels, "small")


def shown_rows(record: ExamRecord, home: Path, dimension: str) -> tuple[LabelledImages, np.ndarray]:
    """The images of the exam, and uint8 (L, N, C, H, W) as they were shown in a dimension."""
    part = read_items(home / record.items)
    chosen = np.array(record.chosen)
    rows = optotypes.rows_of(DIMENSIONS[dimension], part.images[chosen], optotypes.drawn_for(part, chosen))
    return part.subset(chosen), rows


def answers_of(home: Path, run: Path, dimension: ExamDimension) -> np.ndarray:
    """Class ids (L, N) that a run gave in a dimension; StorageError where they are not there."""
    kept = storage.read_arrays(home / EXAM_FOLDER / f"{run.name}.npz")
    if not {FIRST_ROW, dimension.name} <= kept.keys():
        raise StorageError(f"{home / EXAM_FOLDER} lacks answers of {run.name}. Hold the exam again: eyechart exam.")
    return np.concatenate([kept[FIRST_ROW], kept[dimension.name]])


def _chart(
    record: ExamRecord, dimension: ExamDimension, home: Path, entry: Entry, part: LabelledImages, rows: np.ndarray,
    folder: Path, say: Speech,
) -> Panel:  # fmt: skip
    reading = record.reading(entry.first.contender, dimension.name)
    figure, axes = new_panel(3.0, height_inches(dimension) + 0.3, (0.05, 0.02, 0.05, 0.3))
    answers = answers_of(home, entry.judged[0].folder, dimension)
    classes = entry.first.dataset.classes
    draw_chart(axes, dimension, rows, answers, part.labels, classes, reading, record.height, say)
    acuity, interval = acuity_text(dimension, reading, record.height, say)
    axes.set_title(f"{entry.label(say)}{say.colon} {acuity} ({interval})", loc="left", fontsize=9)
    described = say(f"Eye chart of {entry.name}: {acuity}", f"Tableau de {entry.name} : {acuity}")
    return saved_panel(figure, f"eye-chart-{file_name(entry.first.contender)}", described, folder)


# --------------------------------------------------------------------------------------------- the curves


def _curves(record: ExamRecord, entries: list[Entry], folder: Path, say: Speech) -> Chart:
    panels = [_curve(record, dimension, entries, folder, say) for dimension in record.dimensions]
    figure, axes = new_panel(3.7, 2.3, (0.3, 0.4, 0.1, 0.4))
    draw_legend(axes, [(entry.label(say), entry.style) for entry in entries])
    panels.append(saved_panel(figure, "eye-test-legend", say("Who is who", "Qui est qui"), folder))
    seeds = say.between(
        min(len(each.seeds) for each in record.readings), max(len(each.seeds) for each in record.readings),
        "seed", "graine",
    )  # fmt: skip
    number = say.count(len(record.chosen))
    caption = say(
        f"Points: the share of {number} test images that was read right, row by row, {seeds}; at the left edge the row "
        "that is left as it is. Curves: a logistic function between guessing (dotted) and 1 less lapses.",
        f"Points : la part de {number} images de test lues juste, ligne par ligne, {seeds} ; au bord gauche la ligne "
        "intacte. Courbes : une fonction logistique entre le hasard (pointillé) et 1 moins les inattentions.",
    )
    title = say("Seven ways in which reading gets harder", "Sept façons de rendre la lecture plus difficile")
    return Chart("eye-test-curves", title, caption, tuple(panels), "three")


def _curve(record: ExamRecord, dimension: ExamDimension, entries: list[Entry], folder: Path, say: Speech) -> Panel:
    figure, axes = new_panel(3.7, 2.3, (0.55, 0.4, 0.1, 0.4))
    readings = [(record.reading(entry.first.contender, dimension.name), entry.style) for entry in entries]
    draw_curves(axes, dimension, readings, 1 / record.num_classes, record.height, say)
    axes.set_title(dimension_name(dimension.name, say), loc="left", fontsize=9.5)
    return saved_panel(figure, f"eye-test-{dimension.name}", finding(record, dimension.name, say), folder)


SECTION = Section("eye-test", ("The eye test", "L'examen de la vue"), _section, "exam.html")
