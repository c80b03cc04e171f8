"""Precision against recall, a panel a contender."""

from __future__ import annotations

from eyechart.report.charts import Chart
from eyechart.report.precision_recall import draw_curves
from eyechart.report.section import Draft, Section


def curves(draft: Draft) -> Chart | None:
    """None where nothing could be read, or nothing is to be found."""
    scenes, say = draft.on_scenes, draft.say
    panels = [
        draw_curves(finder.entry.name, finder.judged.classes, draft.figures, f"precision-recall-{number}", say)
        for number, finder in enumerate(scenes.finders, 1)
    ]
    drawn = tuple(panel for panel in panels if panel)
    if not drawn:
        return None
    number, objects = say.count(len(scenes.images)), say.count(int((~scenes.objects.crowds).sum()))
    caption = say(
        f"One run of each, {number} test scenes with {objects} objects. A box is right that overlaps a true one of its "
        f"class by half. Thin: every class; thick: their mean.",
        f"Un entraînement de chacun, {number} scènes de test avec {objects} objets. Une boîte est juste si elle "
        f"recouvre à moitié une vraie de sa classe. Fin : chaque classe ; épais : leur moyenne.",
    )
    title = say("How precise the boxes are when more of the objects are found",
                "La précision des boîtes quand davantage d'objets sont trouvés")  # fmt: skip
    return Chart("precision-recall", title, caption, drawn, "three" if len(drawn) > 2 else "two")


SECTION = Section("precision-recall", ("Precision and recall", "Précision et rappel"), curves)
