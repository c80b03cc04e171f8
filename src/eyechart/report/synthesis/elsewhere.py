"""What the eye test and other pictures said: the study's contenders where they were not trained for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.report.synthesis.part import Part, made
from eyechart.words.speech import Speech

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eyechart.report.charts import Chart
    from eyechart.report.contexts import Elsewhere
    from eyechart.report.exam.section import ExamSection


def exam_part(content: ExamSection | None, say: Speech) -> Part | None:
    """Who reads furthest, dimension by dimension."""
    if content is None:
        return None
    title = say("The eye test", "L'examen de la vue")
    return made(title, [], ("eye-test",), _files(content.charts), content.notes)


def contexts_part(content: Sequence[Elsewhere] | None, say: Speech) -> Part | None:
    """What each context shows."""
    told = [(each.name, each.severity, each.chart.finding) for each in content or ()]
    sentences = [f"{name} ({severity}){say.colon} {what}." for name, severity, what in told]
    figures = tuple(name for each in content or () for name in _files(each.chart))
    return made(say("Other pictures", "D'autres images"), sentences, ("contexts",), figures)


def _files(chart: Chart) -> tuple[str, ...]:
    """The names of its drawings, without their ending."""
    return tuple(panel.svg_file.removesuffix(".svg") for panel in chart.panels)
