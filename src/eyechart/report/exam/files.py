"""The eye charts of every dimension as pictures of their own: a file a dimension, the contenders side by side."""

from __future__ import annotations

from pathlib import Path

from eyechart.files import storage
from eyechart.report.charts import INK, drawing, saved_panel
from eyechart.report.exam.chart import draw_chart, height_inches
from eyechart.report.exam.section import answers_of, shown_rows
from eyechart.report.exam.words import acuity_text, finding
from eyechart.schema import RunRecord
from eyechart.schema.exam import EXAM_FOLDER, ExamRecord
from eyechart.words.speech import speech

CHART_INCHES = 2.9
MOST_SHOWN = 6


def write_charts(record: ExamRecord, home: Path, lang: str) -> list[Path]:
    """`eye-chart-<dimension>.png` and .svg below the study's exam folder; the PNG files."""
    runs = [(folder, storage.read_run(folder)) for folder in storage.find_runs([home])]
    first = {run.contender: (folder, run) for folder, run in reversed(runs) if run.status == "finished"}
    shown = [(name, *first[name]) for name in record.contenders[:MOST_SHOWN] if name in first]
    with drawing([*record.contenders, *runs[0][1].dataset.classes]):
        return [_write(record, home, dimension.name, shown, lang) for dimension in record.dimensions]


def _write(record: ExamRecord, home: Path, name: str, shown: list[tuple[str, Path, RunRecord]], lang: str) -> Path:
    from matplotlib.figure import Figure

    say = speech(lang)
    (dimension,) = (each for each in record.dimensions if each.name == name)
    part, rows = shown_rows(record, home, name)
    tall = height_inches(dimension) + 0.4
    figure = Figure(figsize=(CHART_INCHES * len(shown), tall + 0.4))
    for place, (contender, folder, run) in enumerate(shown):
        place_of = ((place + 0.03) / len(shown), 0.02, 0.94 / len(shown), (tall - 0.3) / (tall + 0.4))
        axes = figure.add_axes(place_of)
        reading = record.reading(contender, name)
        answers = answers_of(home, folder, dimension)
        draw_chart(axes, dimension, rows, answers, part.labels, run.dataset.classes, reading, record.height, say)
        acuity, interval = acuity_text(dimension, reading, record.height, say)
        axes.set_title(f"{contender}{say.colon} {acuity} ({interval})", loc="left", fontsize=9)
    title = finding(record, name, say)
    figure.text(0.1 / figure.get_figwidth(), 1 - 0.1 / figure.get_figheight(), title, va="top", color=INK)
    saved_panel(figure, f"eye-chart-{name}", title, home / EXAM_FOLDER)
    return home / EXAM_FOLDER / f"eye-chart-{name}.png"
