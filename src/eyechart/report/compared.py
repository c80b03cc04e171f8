"""Where the report's comparison and its verdict sentences come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from eyechart.comparison.compare import compare_runs
from eyechart.errors import EyechartError
from eyechart.report.entries import Entry
from eyechart.report.metrics import metric_words
from eyechart.report.speech import Speech
from eyechart.schema import Comparison, Verdict


def compared(run_folders: list[Path], entries: list[Entry], say: Speech) -> tuple[Comparison, list[str]]:
    """The comparison of all runs; where they cannot be compared, one without verdicts, and a sentence that says why."""
    try:
        return compare_runs(run_folders), []
    except EyechartError as error:
        card, num_items = entries[0].first.dataset, entries[0].first.test.num_items
        names = tuple(entry.name for entry in entries)
        nothing = Comparison(
            dataset=card.title, contenders=names, num_items=num_items, summaries=(), families=(), verdicts=()
        )
        return nothing, [say(f"There are no verdicts: {error}", f"Il n'y a pas de verdicts : {error}")]


def verdict_sentence(say: Speech) -> Callable[[Verdict], str]:
    """How a verdict is put into words."""

    def told(verdict: Verdict) -> str:
        metric = metric_words(verdict.metric, say)
        difference, interval = metric.difference(say, verdict.difference, verdict.low, verdict.high)
        first, second = verdict.first, verdict.second
        words = {
            "better": say(f"{first} is better than {second}", f"{first} est meilleur que {second}"),
            "equivalent": say(f"{first} and {second} are equivalent", f"{first} et {second} sont équivalents"),
            "not shown": say(f"{first} and {second}: not shown", f"{first} et {second} : non démontré"),
            "too few runs": say(
                f"{first} and {second}: too few runs", f"{first} et {second} : trop peu d'entraînements"
            ),
        }
        return f"{words[verdict.kind]} ({metric.name} {difference}, {interval})."

    return told
