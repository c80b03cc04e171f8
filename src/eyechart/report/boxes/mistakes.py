"""What is wrong with the boxes, what each kind costs, and how many objects were counted right."""

from __future__ import annotations

from dataclasses import dataclass

from eyechart.report.boxes.found import LEAST_SCORE, Finder
from eyechart.report.entries import Entry, Run
from eyechart.report.section import Draft, Section
from eyechart.words.speech import Speech

KINDS = {
    "class": ("another class", "une autre classe"),
    "place": ("badly placed", "mal placée"),
    "both": ("both", "les deux"),
    "duplicate": ("found before", "déjà trouvé"),
    "background": ("nothing there", "rien à cet endroit"),
    "missed": ("missed", "manqué"),
}


@dataclass(frozen=True)
class MistakeRow:
    entry: Entry
    kinds: tuple[tuple[str, str], ...]  # number, and what it costs in points
    exact: str  # scenes in which as many were found as there are
    least_seen: str  # the pair of classes that is mixed up most; empty: none is


@dataclass(frozen=True)
class Mistakes:
    finding: str
    headings: tuple[str, ...]
    rows: tuple[MistakeRow, ...]
    note: str
    runs: tuple[Run, ...]


def mistakes(draft: Draft) -> Mistakes | None:
    scenes, say = draft.on_scenes, draft.say
    if not scenes.finders:
        return None
    headings = tuple(say(*KINDS[each.kind]) for each in scenes.finders[0].judged.errors)
    rows = tuple(_row(finder, say) for finder in scenes.finders)
    score = say.percent(LEAST_SCORE, 0)
    note = say(
        f"For each kind how many, and by how many points mAP50 would rise if all of them were mended. Counted right: "
        f"scenes in which as many boxes above {score} were given as there are objects. Mixed up most: true class, then "
        f"the class that it was given.",
        f"Pour chaque genre, combien, et de combien de points mAP50 monterait si toutes étaient corrigées. Bien "
        f"comptées : les scènes où autant de boîtes au-dessus de {score} sont données qu'il y a d'objets. Confusion la "
        f"plus fréquente : la vraie classe, puis celle qui est donnée.",
    )
    note += scenes.one_run_each(say)
    return Mistakes(_finding(scenes.finders, say), headings, rows, note, scenes.runs)


def _row(finder: Finder, say: Speech) -> MistakeRow:
    judged = finder.judged
    kinds = tuple((say.count(each.count), say.number(100 * each.cost, 1)) for each in judged.errors)
    low, high = judged.exact_interval
    count = judged.counting
    exact = f"{say.percent(count.num_exact / max(1, count.num_images), 0)} ({say.percent_interval(low, high)})"
    classes = finder.run.record.dataset.classes
    mixed = judged.matrix[:-1, :-1].copy()
    for label in range(len(mixed)):
        mixed[label, label] = 0
    truth, given = divmod(int(mixed.argmax()), len(mixed)) if mixed.any() else (0, 0)
    pair = f"{classes[truth]} → {classes[given]} ({say.count(int(mixed[truth, given]))})" if mixed.any() else ""
    return MistakeRow(finder.entry, kinds, exact, pair)


def _finding(finders: tuple[Finder, ...], say: Speech) -> str:
    """Of the first, what costs most; nothing where nothing does, or where no cost is defined."""
    first = finders[0]
    costly = [each for each in first.judged.errors if each.cost > 0]  # not those that are NaN
    if not costly:
        return say("What is wrong", "Ce qui est faux")
    worst = max(costly, key=lambda each: each.cost)
    kind, points = say(*KINDS[worst.kind]), say.number(100 * worst.cost, 1)
    return say(
        f"What costs {first.named(say)} most: {kind}, {points} points of mAP50",
        f"Ce qui coûte le plus à {first.named(say)} : {kind}, {points} points de mAP50",
    )


SECTION = Section("mistakes", ("Mistakes", "Erreurs"), mistakes, "boxes/mistakes.html")
