"""Average precision of each class, a column a contender."""

from __future__ import annotations

from dataclasses import dataclass

from eyechart.report.entries import Entry, Run
from eyechart.report.section import Draft, Section
from eyechart.words.speech import Speech

MOST_CLASSES = 60  # in the table: those that are found worst


@dataclass(frozen=True)
class ClassRow:
    name: str
    num_true: int
    found: tuple[tuple[float, str], ...]  # AP of each contender, and as text


@dataclass(frozen=True)
class Classes:
    finding: str
    entries: tuple[Entry, ...]
    rows: tuple[ClassRow, ...]
    note: str
    runs: tuple[Run, ...]


def classes(draft: Draft) -> Classes | None:
    scenes, say = draft.on_scenes, draft.say
    if not scenes.finders:
        return None
    by_class = zip(*(finder.judged.classes for finder in scenes.finders), strict=True)
    rows = [
        ClassRow(
            of_class[0].name,
            of_class[0].num_true,
            tuple((each.ap or 0.0, say.percent(each.ap or 0.0, 1)) for each in of_class),
        )
        for of_class in by_class
        if of_class[0].ap is not None
    ]
    if not rows:
        return None
    rows.sort(key=lambda row: row.found[0][0])
    note = say(
        "Average precision, mean over overlaps from .50 to .95, the class that the first contender finds worst first.",
        "Précision moyenne, recouvrements de 0,50 à 0,95 ; d'abord la classe que le premier trouve le moins bien.",
    )
    if len(rows) > MOST_CLASSES:
        note += say(
            f" The worst {MOST_CLASSES} of {len(rows)} classes.", f" Les {MOST_CLASSES} pires de {len(rows)} classes."
        )
    entries = tuple(finder.entry for finder in scenes.finders)
    note += scenes.one_run_each(say)
    return Classes(
        _finding(rows, scenes.finders[0].named(say), say), entries, tuple(rows[:MOST_CLASSES]), note, scenes.runs
    )


def _finding(rows: list[ClassRow], first: str, say: Speech) -> str:
    worst, best = rows[0], rows[-1]
    if len(rows) < 2 or worst.found[0] == best.found[0]:
        return say("Class by class", "Classe par classe")
    top, bottom = f"{best.name} ({best.found[0][1]})", f"{worst.name} ({worst.found[0][1]})"
    return say(
        f"{first} finds {top} best and {bottom} worst",
        f"{first} trouve le mieux {top} et le moins bien {bottom}",
    )


SECTION = Section("classes", ("Classes", "Classes"), classes, "boxes/classes.html")
