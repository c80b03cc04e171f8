"""Curves of precision and recall: every class thin, the mean of them thick, the worst by its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyechart.comparison.detections import ClassBoxes
from eyechart.report.charts import INK, MUTED, Panel, drawing, new_panel, saved_panel
from eyechart.scoring.average_precision import RECALLS
from eyechart.words.numbers import shortened
from eyechart.words.speech import ENGLISH, Speech

WORST = "#D55E00"
PANEL_INCHES, MARGINS = (4.2, 3.4), (0.6, 0.5, 0.15, 0.75)


def draw_curves(
    name: str, classes: Sequence[ClassBoxes], folder: Path, file: str = "precision-recall", say: Speech = ENGLISH
) -> Panel | None:
    """Write FILE.svg and FILE.png into a folder; None, and nothing, where no class is to be found.

    Curves are those of IoU .5: the best precision at each recall or above.
    """
    curves = {each.name: np.array(each.curve50) for each in classes if each.curve50 is not None}
    if not curves:
        return None
    mean = np.mean(list(curves.values()), axis=0)
    worst = min(curves, key=lambda each: float(curves[each].mean()))
    with drawing([name, *curves]):
        figure, axes = new_panel(*PANEL_INCHES, MARGINS)
        for each in curves.values():
            axes.plot(RECALLS, each, color=MUTED, linewidth=0.7, alpha=0.55)
        if len(curves) > 1:
            axes.plot(RECALLS, curves[worst], color=WORST, linewidth=1.4)
        axes.plot(RECALLS, mean, color=INK, linewidth=2.4)
        axes.set(xlim=(0, 1.005), ylim=(0, 1.02))
        axes.set(xlabel=say("recall", "rappel"), ylabel=say("precision", "précision"))
        figure.text(0.02, 0.955, shortened(name), weight="bold", va="top")
        number, of_all, of_worst = len(curves), say.number(mean.mean(), 3), say.number(curves[worst].mean(), 3)
        told = say(f"mean of {number} classes, AP50 {of_all}", f"moyenne de {number} classes, AP50 {of_all}")
        figure.text(0.02, 0.885, told, color=INK, va="top", size=9)
        if number > 1:
            told = say(f"worst: {shortened(worst)}, AP50 {of_worst}", f"la pire : {shortened(worst)}, AP50 {of_worst}")
            figure.text(0.02, 0.825, told, color=WORST, va="top", size=9)
        described = say(
            f"Precision against recall at IoU .5: the mean AP50 is {of_all}, the worst is {worst}'s.",
            f"Précision selon le rappel à IoU 0,5 : l'AP50 moyen est {of_all}, le pire est celui de {worst}.",
        )
        return saved_panel(figure, file, described, folder)
