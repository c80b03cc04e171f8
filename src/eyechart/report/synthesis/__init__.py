"""The whole in plain sentences, built from records and verdicts, in English or French; also a Markdown file.

part      a paragraph
setting   what was compared, from which weights
quality   who is best, what was not shown, boxes, hard classes
advice    speed, what to beware of, what to take from it
elsewhere the eye test, other pictures
"""

from __future__ import annotations

from pathlib import Path

from eyechart.base.foreign_text import address, in_markdown
from eyechart.report.answer import answer
from eyechart.report.section import Draft, Facts, Section
from eyechart.report.synthesis import advice, quality, setting
from eyechart.report.synthesis.elsewhere import contexts_part, exam_part
from eyechart.report.synthesis.part import Part
from eyechart.report.synthesis.quality import calibration_part, labels_part

__all__ = ["Facts", "Part", "as_markdown", "calibration_part", "labels_part", "synthesis"]

PARAGRAPHS = (
    setting.what_was_compared,
    quality.who_is_best,
    quality.what_was_not_shown,
    setting.starting_weights,
    advice.speed_against_accuracy,
    quality.what_the_boxes_add,
    quality.which_classes_are_hard,
)
LAST_PARAGRAPHS = (
    advice.what_to_beware_of,
    advice.what_to_take_from_it,
)


def synthesis(facts: Facts, *of_answers: Part | None) -> tuple[Part, ...]:
    """The paragraphs in their order; those that take the answers of all runs are made by the caller."""
    before = [make(facts) for make in PARAGRAPHS]
    after = [make(facts) for make in LAST_PARAGRAPHS]
    return tuple(part for part in (*before, *of_answers, *after) if part)


def as_markdown(parts: tuple[Part, ...], facts: Facts, figures: Path) -> str:
    """The same text with its figures in place; `figures` is their folder, beside the file."""
    told = [f"# {in_markdown(answer(facts.entries, facts.pairs, facts.say).question)}"]
    for part in parts:
        told += [f"## {part.title}", in_markdown(part.text)] if part.sentences else [f"## {part.title}"]
        told += ["\n".join(f"- {in_markdown(point)}" for point in part.points)] if part.points else []
        files = [figures / f"{name}.svg" for name in part.figures]
        told += [f"![{part.title}]({address(figures.name)}/{file.name})" for file in files if file.is_file()]
    return "\n\n".join(told) + "\n"


def _parts(draft: Draft) -> tuple[Part, ...]:
    """Built from records, verdicts, and what other sections found in the answers of all runs, here and elsewhere."""
    say = draft.say
    return synthesis(
        draft.facts,
        exam_part(draft.content("eye-test"), say),
        contexts_part(draft.content("contexts"), say),
        calibration_part(draft.content("calibration"), say),
        labels_part(draft.content("labels"), say),
    )


SECTION = Section("synthesis", ("Synthesis", "Synthèse"), _parts, "synthesis.html")
