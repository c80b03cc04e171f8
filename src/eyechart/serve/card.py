"""What a page needs to know of a study before anybody draws: who answers, of which classes, how a picture is read."""

from __future__ import annotations

from importlib.metadata import version
from typing import Literal

from eyechart.catalog.palette import style_of
from eyechart.inference.panel import Panel
from eyechart.serve.answers import ContenderCard, Reading, StudyCard
from eyechart.serve.limits import Limits


def readings_of(panel: Panel) -> tuple[Reading, ...]:
    """How pictures can be read: scenes as a line alone, and lines are parted where ink stands on even ground."""
    first = panel.predictors[0]
    if first.facts.task == "detection":
        return ("line",)
    return ("one", "line") if first.expected.ink else ("one",)


def study_card(
    panel: Panel, study: str, limits: Limits, *, report: str | None, api: str | None, has_maps: bool = False
) -> StudyCard:
    """`study` is its name; `report` and `api` are addresses, None where there is none; `has_maps`: of drawings."""
    first, readings = panel.predictors[0], readings_of(panel)
    by: Literal["detector", "components"] = "detector" if first.facts.task == "detection" else "components"
    return StudyCard(
        study=study,
        task=first.facts.task,
        dataset=first.facts.dataset,
        classes=first.facts.classes,
        height=first.facts.preprocessing.image_height,
        width=first.facts.preprocessing.image_width,
        channels=first.facts.preprocessing.image_channels,
        is_ink=first.expected.ink is not None,
        readings=readings,
        line_by=by if "line" in readings else None,
        contenders=_contenders(panel),
        has_maps=has_maps and first.facts.task == "classification",
        report=report,
        api=api,
        max_bytes=limits.body_bytes,
        max_pixels=limits.pixels,
        version=version("eyechart"),
    )


def _contenders(panel: Panel) -> tuple[ContenderCard, ...]:
    names = [each.facts.contender for each in panel.predictors]
    return tuple(
        ContenderCard(
            run=each.facts.run,
            contender=each.facts.contender,
            title=each.facts.title,
            colour=style_of(each.facts.contender, names).colour,
            mark=style_of(each.facts.contender, names).glyph,
            is_detector=each.gives_boxes,
        )
        for each in panel.predictors
    )
