"""What a run may expect of a picture that is like those it learned from: its ink, and how sure the run is of such.

Fitted on validation images and answers alone.  A picture of which a run is less sure than of nearly all validation
images, or whose ink is unlike theirs, is no picture of the kind.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.base.errors import StorageError
from eyechart.data.ink_facts import measure_set
from eyechart.files.storage import VALIDATION_FILE, read_arrays
from eyechart.scoring.temperature import cooled

if TYPE_CHECKING:
    from eyechart.schema import InkFacts, RunRecord

UNSURE_SHARE = 1.0  # per cent of the validation images of which a run is less sure than LEAST
FEWEST_ANSWERS = 100  # of validation; fewer do not say what is rare


class Expected(NamedTuple):
    """Of a run."""

    ink: InkFacts | None = None  # None: it did not learn from ink, or nobody knows
    least_sure: float = 0.0  # calibrated probability of the answer, below which a picture is unlike; 0: not known


def expected_of(run: Path, record: RunRecord) -> Expected:
    """Of a run in its folder; what an older run did not store is found on its validation images, if still there."""
    if record.task == "detection":
        return Expected()
    ink = record.preprocessing.ink
    if ink is None and record.validation_items:
        ink = _ink_of_items(run.resolve().parent / record.validation_items)
    return Expected(ink, _least_sure(run, record))


@lru_cache(maxsize=16)
def _ink_of_items(path: Path) -> InkFacts | None:
    try:
        return measure_set(read_arrays(path)["images"])
    except (StorageError, KeyError):  # the folder of a single run was taken elsewhere
        return None


def _least_sure(run: Path, record: RunRecord) -> float:
    try:
        probabilities = read_arrays(run / VALIDATION_FILE)["probabilities"]
    except (StorageError, KeyError):
        return 0.0
    if len(probabilities) < FEWEST_ANSWERS:
        return 0.0
    return float(np.percentile(cooled(probabilities, record.heat).max(axis=1), UNSURE_SHARE))
