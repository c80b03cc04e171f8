"""What a map of winners needs of a study beside its comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eyechart.comparison.compare import compare_runs
from eyechart.files import storage
from eyechart.report.contexts import record_beside
from eyechart.schema import Comparison
from eyechart.schema.contexts import ContextRecord

FIRST = ("mnist-c", "published")  # of the severities that are there, the one that counts


def robustness_of(study: Path) -> Comparison | None:
    """How a study's runs do in the mean over corruptions that are not geometric; None where it was not judged again.

    Raises StorageError for a record that cannot be read.
    """
    record = record_beside(study, "corruption")
    means = {each.severity: each.comparison for each in record.means if each.name == "not geometric"} if record else {}
    return next((means[severity] for severity in (*FIRST, *means) if severity in means), None)


def peak_memory(folders: Sequence[Path]) -> dict[str, float]:
    """Peak memory of training in bytes, contender by contender, the mean over its runs."""
    found: dict[str, list[float]] = {}
    for folder in folders:
        run = storage.read_run(folder)
        found.setdefault(run.contender, []).append(float(run.cost.peak_memory_bytes))
    return {name: float(np.mean(values)) for name, values in found.items()}


class OfStudy(NamedTuple):
    """A study as a row of the map."""

    comparison: Comparison
    robustness: Comparison | None
    peak_memory: dict[str, float]
    is_timed: bool  # all trained for the same seconds by rule


def of_study(folder: Path) -> OfStudy | None:
    """None for a folder that is no study, or has no finished run.  Raises StorageError for damaged files."""
    if not (folder / storage.STUDY_FILE).is_file() or not (runs := storage.find_runs([folder])):
        return None
    budget = storage.read_run(runs[0]).rules.budget
    is_timed = budget is not None and budget.unit == "seconds"
    return OfStudy(compare_runs(runs), robustness_of(folder), peak_memory(runs), is_timed)


def records_in(folder: Path) -> list[ContextRecord]:
    """Of the context that a folder is, and of those up to two levels below it; not those of a context's own levels."""
    found = [path for depth in ("", "*/", "*/*/") for path in sorted(folder.glob(depth + storage.CONTEXT_FILE))]
    homes = {path.parent for path in found}
    outer = [path for path in found if not homes & set(path.parent.parents)]
    records = (storage.read_record(path, ContextRecord) for path in outer if not storage.is_hidden(path, folder))
    return [record for record in records if record.levels]
