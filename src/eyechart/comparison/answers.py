"""What runs said of every item of a part, with the labels: read once for as many runs as share the items."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eyechart.base.errors import StorageError
from eyechart.files.read_once import read_arrays
from eyechart.files.storage import PREDICTIONS_FILE, VALIDATION_FILE

if TYPE_CHECKING:
    import numpy as np

    from eyechart.schema import RunRecord

PartName = Literal["test", "validation"]


@dataclass(frozen=True)
class Answers:
    """One run's answers to one part."""

    probabilities: np.ndarray  # float32 (N, K)
    labels: np.ndarray  # int64 (N,)


@dataclass
class Shelf:
    """Items files that were read already; images are there as well, for whoever shows them."""

    _known: dict[Path, dict[str, np.ndarray]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def items(self, folder: Path, name: str) -> dict[str, np.ndarray]:
        """`images` uint8 (N, C, H, W), `labels` int64 (N,) of an items file; StorageError when it is not there."""
        path = folder / name
        with self._lock:  # several threads read runs that share it
            if path not in self._known:
                self._known[path] = read_arrays(path)
        return self._known[path]

    def answers(self, folder: Path, run: RunRecord, part: PartName) -> Answers:
        """What the run in `folder` said of a part.

        Raises StorageError when it was not kept (validation, in old run folders), is damaged, or does not fit together.
        """
        import numpy as np

        name = run.items if part == "test" else run.validation_items
        if not name:
            raise StorageError(
                f"{folder} has no validation answers: it was written by an older eyechart. Train it again to have them."
            )
        file = folder / (PREDICTIONS_FILE if part == "test" else VALIDATION_FILE)
        probabilities = read_arrays(file).get("probabilities", np.empty(0))
        labels = self.items(folder.parent, name).get("labels", np.empty(0))
        if probabilities.shape != (len(labels), run.dataset.num_classes):
            raise StorageError(
                f"{file} holds probabilities of shape {probabilities.shape}; expected "
                f"{(len(labels), run.dataset.num_classes)}, one row for each label in {name}. "
                "Delete the run's folder and run with --resume."
            )
        return Answers(np.nan_to_num(probabilities), labels)
