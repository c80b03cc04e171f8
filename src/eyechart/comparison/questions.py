"""Pairs that were named before anything was trained: each compared by itself, Holm among them and not among all pairs.

With ten contenders there are 45 pairs, among which no test over seven seeds can show anything; the three that a context
is about can be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyechart.comparison.compare import compare_runs
from eyechart.comparison.families import holm
from eyechart.files.storage import read_run
from eyechart.schema import Verdict

LEVEL = 0.05


def answered(run_folders: Sequence[Path], pairs: Sequence[tuple[str, str]], metric: str) -> tuple[Verdict, ...]:
    """The verdict of every pair of which both have runs, its `holm_p` adjusted among these pairs alone."""
    folders: dict[str, list[Path]] = {}
    for folder in run_folders:
        folders.setdefault(read_run(folder).contender, []).append(folder)
    asked = [pair for pair in pairs if all(name in folders for name in pair)]
    found = []
    for first, second in asked:
        compared = compare_runs([*folders[first], *folders[second]])
        found += [verdict for verdict in compared.verdicts if verdict.metric == metric]
    tested = [verdict.p_value for verdict in found if verdict.p_value is not None]
    adjusted = iter(holm(np.array(tested)).tolist())
    return tuple(
        verdict if verdict.p_value is None else verdict.model_copy(update={"holm_p": next(adjusted)})
        for verdict in found
    )


def is_shown(verdict: Verdict) -> bool:
    """Whether the first is better than the second, of architectures and not of these runs alone."""
    return (
        verdict.holm_p is not None
        and verdict.holm_p <= LEVEL
        and verdict.low is not None
        and verdict.low > 0
        and verdict.scope == "architectures"
    )
