"""A context in words: what was asked, what the verdicts say level by level, and the figures behind it, as Markdown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.foreign_text import in_markdown
from eyechart.files.storage import write_text
from eyechart.report.context_plot import DRAWN, contenders_of, headline
from eyechart.report.markdown import capital, mean_text, table
from eyechart.report.winner_map import in_markdown_table, legend, rows_of
from eyechart.scoring.measures import METRICS
from eyechart.words.metric_names import unit_name
from eyechart.words.speech import Speech, speech
from eyechart.words.verdicts import marked
from eyechart.words.verdicts import sentence as verdict_sentence

if TYPE_CHECKING:
    from eyechart.schema.contexts import ContextRecord, LevelResult

TOLD = ("accuracy", "macro_f1", "loss", "training_seconds")  # a table each


def write_synthesis(
    record: ContextRecord, question: tuple[str, str], axis: tuple[str, str], folder: Path, lang: str
) -> None:
    """Write `<context>-synthesis.md` into `folder`, beside its figures; nothing where no level has runs."""
    if record.levels:
        text = in_words(record, question, axis, folder, speech(lang))
        write_text(folder / f"{record.context}-synthesis.md", text)


def in_words(record: ContextRecord, question: tuple[str, str], axis: tuple[str, str], folder: Path, say: Speech) -> str:
    """The whole text; figures and reports are linked where they are there."""
    told = [f"# {in_markdown(record.dataset)}{say.colon} {say(*question)}"]
    told += [f"{headline(record, say)}."]
    answers = [f"- {line}" for line in _answers(record, axis, say)]
    told += ["\n".join(answers)] if answers else []
    told += [f"## {say('Who wins where', 'Qui gagne où')}"]
    told += [in_markdown_table(rows_of(record, say, axis), say), legend(say)]
    picture = folder / f"{record.context}-winners.svg"
    told += [f"![{say('Who wins where', 'Qui gagne où')}]({picture.name})"] if picture.is_file() else []
    for metric in TOLD:
        told += _table(record, metric, axis, say)
        picture = folder / f"{record.context}-{metric}.svg"
        if metric in DRAWN and picture.is_file():
            told += [f"![{say(*METRICS[metric].words)}]({picture.name})"]
    told += [_how(record, folder, say)]
    return "\n\n".join(told) + "\n"


def _answers(record: ContextRecord, axis: tuple[str, str], say: Speech) -> list[str]:
    """What was asked beforehand, with the figures of each verdict, the levels in their order."""
    return [
        f"{say.count(level.value)} {say(*axis)}{say.colon} "
        f"{in_markdown(verdict_sentence(verdict, level.comparison, say.lang))}."
        for level in record.levels
        for verdict in level.answers
    ]


def _table(record: ContextRecord, metric: str, axis: tuple[str, str], say: Speech) -> list[str]:
    """A row a contender, a column a level; mean, and its interval where there is one."""
    rows = []
    for name in contenders_of(record):
        cells = [_cell(level, name, metric, say) for level in record.levels]
        if any(cells):
            last = next(level for level in reversed(record.levels) if name in level.comparison.contenders)
            rows.append([in_markdown(marked(name, last.comparison, say.lang)), *cells])
    if not rows:
        return []
    measure = METRICS[metric]
    unit = "" if measure.is_share else f" ({unit_name(measure.unit, say.lang)})"
    head = [f"{say(*measure.words)}{unit}", *(f"{say.count(level.value)}" for level in record.levels)]
    title = f"## {capital(say(*measure.words))}, {say('by', 'selon les')} {say(*axis)}"
    return [title, table(head, rows)]


def _cell(level: LevelResult, contender: str, metric: str, say: Speech) -> str:
    for summary in level.comparison.summaries:
        if (summary.contender, summary.metric) == (contender, metric) and math.isfinite(summary.mean):
            return mean_text(summary, say)
    return ""


def _how(record: ContextRecord, folder: Path, say: Speech) -> str:
    """What the intervals are, and where each level's own report is."""
    told = say(
        "Intervals: 95 %, Student's t over seeds (Wilson's over images where there is one seed). A time is left out "
        "where other programs worked beside the training.",
        "Intervalles : 95 %, t de Student sur les graines (Wilson sur les images s'il n'y en a qu'une). Une durée est "
        "omise quand d'autres programmes travaillaient pendant l'entraînement.",
    )
    reports = [f"[{say.count(each.value)}]({each.study}/report.html)" for each in record.levels
               if (folder / each.study / "report.html").is_file()]  # fmt: skip
    return told + (say(f" Reports: {say.listed(reports)}.", f" Rapports : {say.listed(reports)}.") if reports else "")
