"""What a map of winners needs of a study beside its comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyechart.files import storage
from eyechart.schema import Comparison
from eyechart.schema.contexts import ContextRecord

JUDGED_AGAIN = "corruption"  # the folder in a study that `eyechart study corruption` makes
FIRST = ("mnist-c", "published")  # of the severities that are there, the one that counts


def robustness_of(study: Path) -> Comparison | None:
    """How a study's runs do in the mean over corruptions that are not geometric; None where it was not judged again.

    Of all test images before some of them.  Raises StorageError for a record that cannot be read.
    """
    places = [study / JUDGED_AGAIN, *sorted(study.glob(f"{JUDGED_AGAIN}-*-images"))]
    for place in places:
        if (path := place / storage.CONTEXT_FILE).is_file():
            means = [each for each in storage.read_record(path, ContextRecord).means if each.name == "not geometric"]
            for severity in dict.fromkeys([*FIRST, *(each.severity for each in means)]):
                if found := [each.comparison for each in means if each.severity == severity]:
                    return found[0]
    return None


def peak_memory(folders: Sequence[Path]) -> dict[str, float]:
    """Peak memory of training in bytes, contender by contender, the mean over its runs."""
    found: dict[str, list[float]] = {}
    for folder in folders:
        run = storage.read_run(folder)
        found.setdefault(run.contender, []).append(float(run.cost.peak_memory_bytes))
    return {name: float(np.mean(values)) for name, values in found.items()}
