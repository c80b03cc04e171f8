"""How good the boxes are and what they took: COCO's figures of every contender."""

from __future__ import annotations

from dataclasses import dataclass

from eyechart.comparison.uncertainty import mean_interval
from eyechart.report.boxes.found import OnScenes
from eyechart.report.entries import Entry
from eyechart.report.leaderboard import Cell, Column, column_cell, cost_columns, score_column
from eyechart.report.pairs import not_shown_to_differ
from eyechart.report.section import Draft, Section
from eyechart.scoring.measures import METRICS
from eyechart.words.speech import Speech

SCORES = ("map50", "map75", "map_small", "map_medium", "map_large", "mar_100")


@dataclass(frozen=True)
class Row:
    entry: Entry
    rank: int
    tied: bool  # not shown to differ from the first
    map: Cell
    interval: str
    quality: tuple[Cell, ...]
    cost: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    rows: tuple[Row, ...]
    any_tied: bool
    quality: tuple[Column, ...]
    cost: tuple[Column, ...]
    covers: str  # what the intervals are of


def table(draft: Draft) -> Table:
    say, entries = draft.say, draft.entries
    tied = not_shown_to_differ(entries, draft.pairs)
    quality, cost = _quality(say), cost_columns(say)
    map_column = score_column(METRICS["map"], "", say)
    rows = [
        Row(
            entry=entry,
            rank=rank,
            tied=entry in tied or (rank == 1 and bool(tied)),
            map=column_cell(entry, map_column, say),
            interval=interval_of(entry, draft.on_scenes, say),
            quality=tuple(column_cell(entry, column, say) for column in quality),
            cost=tuple(column_cell(entry, column, say) for column in cost),
        )
        for rank, entry in enumerate(entries, 1)
    ]
    return Table(tuple(rows), bool(tied), quality, cost, _covers(entries, say))


def _covers(entries: list[Entry], say: Speech) -> str:
    """What `interval_of` gives: the end of a sentence that begins with "The interval is"."""
    seeds = say("over seeds", "sur les graines")
    scenes = say("over other test scenes of the same kind", "sur d'autres scènes de test du même genre")
    have_one = [len(entry.runs) == 1 for entry in entries]
    if not any(have_one):
        return seeds
    if all(have_one):
        return scenes
    return say(
        f"{seeds}; for a contender with one seed, {scenes}",
        f"{seeds} ; pour un concurrent à une seule graine, {scenes}",
    )


def interval_of(entry: Entry, scenes: OnScenes, say: Speech) -> str:
    """95 %: Student's over several seeds; over images for one run; empty where there is none."""
    values = [run.record.box_scores.map for run in entry.runs]
    if len(values) > 1:
        low, high = mean_interval(values)
        return say.percent_interval(max(0.0, low), min(1.0, high))
    judged = [each.judged for each in scenes.finders if each.entry is entry]
    ends = judged[0].map_interval if judged else None
    return say.percent_interval(*ends) if ends else ""


def _quality(say: Speech) -> tuple[Column, ...]:
    half = say("average precision, boxes that overlap by half", "précision moyenne, boîtes recouvrant la moitié")
    strict = say("average precision, boxes that overlap by three quarters",
                 "précision moyenne, boîtes recouvrant les trois quarts")  # fmt: skip
    sizes = say("of objects below 32 x 32, below 96 x 96, and larger pixels",
                "des objets de moins de 32 x 32, de moins de 96 x 96, et de plus de pixels")  # fmt: skip
    recall = say("share of the objects that is found at all, mean over overlaps",
                 "part des objets trouvés, moyenne sur les recouvrements")  # fmt: skip
    explained = (half, strict, sizes, sizes, sizes, recall)
    training = say("wall time of training", "durée de l'entraînement à l'horloge")
    parameters = say("all, trained or not", "tous, entraînés ou non")
    return (
        *(score_column(METRICS[name], words, say) for name, words in zip(SCORES, explained, strict=True)),
        Column(say("Training", "Entraînement"), lambda run: run.clocks.training_seconds, say.seconds, training, True),
        Column(say("Parameters", "Param."), lambda run: run.cost.num_parameters, say.scaled, parameters),
    )


SECTION = Section("leaderboard", ("Leaderboard", "Classement"), table, "boxes/table.html")
