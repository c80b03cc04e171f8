"""What a detector's training loss is the sum of, on training and validation scenes, and the mAP meanwhile."""

from __future__ import annotations

from pathlib import Path

from eyechart.report.answer import finished_seeds_text
from eyechart.report.charts import Chart, Panel, new_panel, saved_panel, text_inches
from eyechart.report.entries import Entry
from eyechart.report.learning import Measure, Reading, draw_curves, mean_curves, set_x_axis, set_y_axis
from eyechart.report.section import Section
from eyechart.schema import HistoryPoint
from eyechart.words.numbers import shortened
from eyechart.words.speech import Speech

NAMES = {
    "objectness": ("is something there", "y a-t-il quelque chose"),
    "proposal boxes": ("where, first stage", "où, première étape"),
    "classes": ("what is it", "qu'est-ce que c'est"),
    "boxes": ("where exactly, second stage", "où exactement, seconde étape"),
}


def learning(entries: list[Entry], folder: Path, say: Speech) -> Chart | None:
    """mAP and the whole loss against training time, then each part of the loss; None without any history."""
    entries = [entry for entry in entries if any(run.record.history for run in entry.judged)]
    if not entries:
        return None
    measures = [
        Measure("map", say("validation mAP", "mAP de validation"), lambda point: point.mark, say.short_percent),
        Measure("loss", say("validation loss", "perte de validation"), lambda point: point.validation_loss, say.plain),
    ]
    histories = [run.record.history for entry in entries for run in entry.judged if run.record.history]
    known = dict.fromkeys(name for history in histories for name in history[-1].validation_losses)
    measures += [
        Measure(name.replace(" ", "-"), say(*NAMES.get(name, (name, name))), _reading(name), say.plain)
        for name in known
    ]
    panels = tuple(_panel(entries, measure, folder, say) for measure in measures)
    return Chart("learning", _finding(entries, say), _caption(entries, say), panels, "two")


def _reading(name: str) -> Reading:
    return lambda point: point.validation_losses.get(name, float("nan"))


def _panel(entries: list[Entry], measure: Measure, folder: Path, say: Speech) -> Panel:
    curves = [(entry, curve) for entry in entries for curve in mean_curves(entry, _seconds, measure.reading)]
    names = text_inches(shortened(entry.label(say)) for entry in entries)
    figure, axes = new_panel(4.9, 2.6, (0.72, 0.5, 0.42 + names, 0.1))
    set_x_axis(axes, [value for _, curve in curves for value in curve.x], True, say)
    if measure.name == "map":
        axes.set_ylim(0, 1)
        axes.set_ylabel(measure.label)
        axes.yaxis.set_major_formatter(lambda value, _: measure.written(value))
    else:
        set_y_axis(axes, curves, measure)
    axes.set_xlabel(say("training time", "temps d'entraînement"))
    draw_curves(axes, curves, say)
    described = say(f"{measure.label} against training time, a line a contender",
                    f"{measure.label} selon le temps d'entraînement, une ligne par concurrent")  # fmt: skip
    return saved_panel(figure, f"learning-{measure.name}", described, folder)


def _seconds(point: HistoryPoint) -> float:
    return point.training_seconds


def _finding(entries: list[Entry], say: Speech) -> str:
    if len(entries) > 1:
        return say("How they learned", "Comment ils ont appris")
    name = entries[0].name
    return say(f"How {name} learned", f"Comment {name} a appris")


def _caption(entries: list[Entry], say: Speech) -> str:
    n, seeds = say.count(entries[0].first.splits.num_validation), finished_seeds_text(entries, say)
    return say(
        f"On {n} validation scenes, {seeds}. The loss of training is the sum of four: in the first stage whether there "
        f"is something at an anchor and how the anchor must move, in the second what a proposal shows and how it must "
        f"move.",
        f"Sur {n} scènes de validation, {seeds}. La perte d'entraînement est la somme de quatre : à la première étape, "
        f"y a-t-il quelque chose à cette ancre et comment elle doit bouger ; à la seconde, ce que montre une "
        f"proposition et comment elle doit bouger.",
    )


SECTION = Section(
    "learning",
    ("Learning", "Apprentissage"),
    lambda draft: learning(draft.drawn, draft.figures, draft.say),
)
