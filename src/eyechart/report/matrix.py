"""Who beats whom, by how much, how sure: one matrix for each metric, to be read by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from eyechart.report.charts import Chart
from eyechart.report.entries import MOST_SHOWN, Entry
from eyechart.report.intervals import differences, intervals
from eyechart.report.markdown import capital
from eyechart.report.metrics import Metric, metric_words, turned
from eyechart.report.pairs import Pairs
from eyechart.report.section import Draft, Section
from eyechart.schema import Verdict
from eyechart.scoring.measures import MEASURES
from eyechart.words.reach import reach_sentence
from eyechart.words.speech import Speech
from eyechart.words.verdicts import family_sentence

MOST_WITH_DETAILS = 7  # contenders; more, and the p values stand only in the sentences and tooltips
MOST_SENTENCES = 45  # of one metric; all pairs of ten

Sentence = Callable[[Verdict], str]


@dataclass(frozen=True)
class Legend:
    """One sign of the matrix and what it means."""

    kind: str  # CSS class
    mark: str
    meaning: str


@dataclass(frozen=True)
class Cell:
    """What one verdict says of the row's contender against the column's; all empty on the diagonal."""

    kind: str = "self"  # wins, wins-runs, loses, loses-runs, equivalent, not-shown, too-few, none: CSS class
    mark: str = ""
    difference: str = ""  # by how much the row leads; negative: it trails
    interval: str = ""
    sure: str = ""
    sentence: str = ""  # the whole verdict, for a tooltip and for those who do not see the table


@dataclass(frozen=True)
class Row:
    entry: Entry
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """All pairs of one metric."""

    metric: Metric
    heading: str
    family: str  # what the test before the pairs says; empty where there is none
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]
    reach: str  # the smallest difference that could be shown; empty: not known
    num_left_out: int  # sentences beyond the most that are listed
    is_primary: bool


def matrices(entries: list[Entry], pairs: Pairs, sentence: Sentence, say: Speech) -> tuple[Matrix, ...]:
    """One for each metric that has verdicts, the primary one first; none for one contender."""
    shown = [entry for entry in entries if not entry.diverged][:MOST_SHOWN]
    if len(shown) < 2:
        return ()
    return tuple(_matrix(shown, metric, pairs, sentence, say) for metric in pairs.metrics)


def legend(pairs: Pairs, say: Speech) -> tuple[Legend, ...]:
    margin, name = say.number(100 * MEASURES[pairs.primary].margin, 1), metric_words(pairs.primary, say).name
    within = say(f"equivalent: within the metric's margin, ±{margin} point of {name}",
                 f"équivalents : dans la marge de la mesure, ±{margin} point {say.of(name)}")  # fmt: skip
    return (
        Legend("wins", ">", say("the row is better than the column", "la ligne est meilleure que la colonne")),
        Legend("loses", "<", say("the column is better", "la colonne est meilleure")),
        Legend("equivalent", "=", within),
        Legend("not-shown", "?", say("not shown: neither of the two", "non démontré : ni l'un ni l'autre")),
        Legend("too-few", "…", say("too few runs to say", "trop peu d'entraînements pour conclure")),
        Legend(
            "wins-runs", ">",
            say("dashed: holds for these trained models, not yet for the architectures",
                "tirets : vaut pour ces modèles entraînés, pas encore pour les architectures"),
        ),
    )  # fmt: skip


def _matrix(entries: list[Entry], key: str, pairs: Pairs, sentence: Sentence, say: Speech) -> Matrix:
    metric = metric_words(key, say)
    with_details = len(entries) <= MOST_WITH_DETAILS
    rows = []
    for row in entries:
        cells = []
        for column in entries:
            verdict = pairs.verdict(row, column, key) if row is not column else None
            told = sentence(verdict) if verdict else ""
            is_self = row is column
            cells.append(Cell() if is_self else _cell(row, verdict, metric, told, say, with_details))
        rows.append(Row(row, tuple(cells)))
    names = {entry.name for entry in entries}
    verdicts = [v for v in pairs.comparison.verdicts if v.metric == key and {v.first, v.second} <= names]
    order = {entry.name: place for place, entry in enumerate(entries)}
    verdicts.sort(key=lambda verdict: (order[verdict.first], order[verdict.second]))
    return Matrix(
        metric=metric,
        heading=_heading(metric, say),
        family=_family(pairs, key, say),
        rows=tuple(rows),
        sentences=tuple(sentence(verdict) for verdict in verdicts[:MOST_SENTENCES]),
        reach=reach_sentence(verdicts, say.lang),
        num_left_out=max(0, len(verdicts) - MOST_SENTENCES),
        is_primary=key == pairs.primary,
    )


def _family(pairs: Pairs, key: str, say: Speech) -> str:
    family = pairs.family(key)
    told = family_sentence(family, pairs.comparison, say.lang) if family else ""
    return say("Before the pairs: ", "Avant les paires : ") + told + "." if told else ""


def _heading(metric: Metric, say: Speech) -> str:
    """What the numbers in the cells are."""
    if metric.scale == "ratio":
        return say(f"{metric.name}: column / row", f"{metric.name} : colonne / ligne")
    return say(f"{metric.name}: lead of the row, {metric.unit}", f"{metric.name} : avance de la ligne, {metric.unit}")


def _cell(row: Entry, verdict: Verdict | None, metric: Metric, told: str, say: Speech, with_details: bool) -> Cell:
    if verdict is None:
        return Cell("none", "–", sentence=say("no verdict", "pas de verdict"))
    is_first = verdict.first == row.name
    numbers = (verdict.difference, verdict.low, verdict.high) if is_first else turned(verdict, metric.scale)
    difference, interval = metric.difference(say, *numbers)
    kind, mark = _kind(verdict, is_first)
    return Cell(kind, mark, difference, interval, _how_sure(verdict, say) if with_details else "", told)


def _kind(verdict: Verdict, is_first: bool) -> tuple[str, str]:
    """CSS class and mark of a cell, from the side of the row."""
    if verdict.kind == "better":
        runs = "-runs" if _is_of_runs(verdict) else ""
        return ("wins" + runs, ">") if is_first else ("loses" + runs, "<")
    return {"equivalent": ("equivalent", "="), "not shown": ("not-shown", "?"), "too few runs": ("too-few", "…")}[
        verdict.kind
    ]


def _is_of_runs(verdict: Verdict) -> bool:
    return verdict.kind == "better" and verdict.scope == "these runs"


def _how_sure(verdict: Verdict, say: Speech) -> str:
    if verdict.kind == "too few runs":
        return say.counted(verdict.num_seeds, "seed", "graine")
    if _is_of_runs(verdict):
        if verdict.mcnemar_holm_p is None:
            return ""
        return "McNemar, Holm " + say.p_value(verdict.mcnemar_holm_p)
    return "" if verdict.holm_p is None else "Holm " + say.p_value(verdict.holm_p)


def finding(pairs: Pairs, say: Speech) -> str:
    """How many pairs are decided in the primary metric, and of what."""
    verdicts = [
        verdict
        for verdict in pairs.comparison.verdicts
        if verdict.metric == pairs.primary and not {verdict.first, verdict.second} & set(pairs.comparison.diverged)
    ]
    kinds = [verdict.scope if _is_of_runs(verdict) else verdict.kind for verdict in verdicts]
    counts = {kind: kinds.count(kind) for kind in ("better", "these runs", "equivalent", "not shown", "too few runs")}
    number = say.counted(len(verdicts), "pair", "paire")
    told = {
        "better": say("decided", _agreeing("tranchée", counts["better"])),
        "these runs": say(
            "decided for these trained models alone",
            _agreeing("tranchée", counts["these runs"]) + " pour ces seuls modèles entraînés",
        ),
        "equivalent": say("equivalent", _agreeing("équivalente", counts["equivalent"])),
        "not shown": say("not shown", _agreeing("non démontrée", counts["not shown"])),
        "too few runs": say("with too few runs to say", "avec trop peu d'entraînements pour conclure"),
    }
    parts = [f"{times} {told[kind]}" for kind, times in counts.items() if times]
    name = metric_words(pairs.primary, say).name
    lead = f"{capital(name)}, {number}" + say(": ", " : ")
    return lead + say.listed(parts) if parts else say("Who beats whom", "Qui bat qui")


def _agreeing(french: str, number: int) -> str:
    return french + "s" if number > 1 else french


class VerdictsSection(NamedTuple):
    """The matrices with what explains them, and the intervals behind them."""

    finding: str
    matrices: tuple[Matrix, ...]
    legend: tuple[Legend, ...]
    asked: str  # which question came first
    charts: tuple[Chart, ...]


def asked(pairs: Pairs, say: Speech) -> str:
    """The primary metric, which no result chose."""
    name = metric_words(pairs.primary, say).name
    if pairs.primary == "accuracy":
        return say("Accuracy was the question asked beforehand.", "L'exactitude était la question posée d'avance.")
    return say(f"The {name} was the question asked beforehand.", f"Le {name} était la question posée d'avance.")


def _section(draft: Draft) -> VerdictsSection | None:
    facts, say = draft.facts, draft.say
    found = matrices(facts.entries, facts.pairs, facts.sentence, say)
    if not found:
        return None
    drawn = [draw(draft.entries, facts.pairs, draft.figures, say) for draw in (differences, intervals)]
    return VerdictsSection(
        finding(facts.pairs, say),
        found,
        legend(facts.pairs, say),
        asked(facts.pairs, say),
        tuple(chart for chart in drawn if chart),
    )


SECTION = Section("verdicts", ("Verdicts", "Verdicts"), _section, "verdicts.html")
