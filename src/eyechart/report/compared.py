"""Where the report's comparison and its verdict sentences come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from eyechart.base.errors import EyechartError
from eyechart.comparison.compare import compare_runs
from eyechart.report.entries import Entry
from eyechart.report.markdown import capital
from eyechart.schema import Comparison, Verdict
from eyechart.words.speech import Speech
from eyechart.words.verdicts import sentence


def compared(run_folders: list[Path], entries: list[Entry], say: Speech) -> tuple[Comparison, list[str]]:
    """The comparison of all runs; where they cannot be compared, one without verdicts, and a sentence that says why."""
    try:
        return compare_runs(run_folders), []
    except EyechartError as error:
        card, num_items = entries[0].first.dataset, entries[0].first.num_judged
        names = tuple(entry.name for entry in entries)
        nothing = Comparison(
            dataset=card.title, contenders=names, num_items=num_items, summaries=(), families=(), verdicts=()
        )
        return nothing, [say(f"There are no verdicts: {error}", f"Il n'y a pas de verdicts : {error}")]


def verdict_sentence(comparison: Comparison, say: Speech) -> Callable[[Verdict], str]:
    """How a verdict is put into words, as a sentence of its own."""

    def told(verdict: Verdict) -> str:
        return capital(sentence(verdict, comparison, say.lang), but=(verdict.first, verdict.second)) + "."

    return told
