"""Pairs that were named before anything was trained: Holm among them, and not among all pairs.

With ten contenders there are 45 pairs, among which no test over seven seeds can show anything; the three that a context
is about can be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eyechart.comparison.compare import compare_runs
from eyechart.files.storage import read_run
from eyechart.schema import Verdict


def answered(run_folders: Sequence[Path], pairs: Sequence[tuple[str, str]], metric: str) -> tuple[Verdict, ...]:
    """The verdict of every pair of which both have runs, the pairs being one family."""
    names = {folder: read_run(folder).contender for folder in run_folders}
    asked = {frozenset(pair) for pair in pairs if set(pair) <= set(names.values())}
    involved = [folder for folder, name in names.items() if any(name in pair for pair in asked)]
    if not involved:
        return ()
    return tuple(verdict for verdict in compare_runs(involved, asked).verdicts if verdict.metric == metric)
