"""What several readers ask for one after the other: read once; arrays as far as there is room to keep them."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eyechart.files import storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

    from eyechart.schema import RunRecord

MOST_BYTES = 512 << 20  # the answers of a thousand runs of MNIST's size


@dataclass
class _Kept:
    """What was read; threads share it."""

    runs: dict[Path, RunRecord] = field(default_factory=dict)
    files: dict[Path, dict[str, np.ndarray]] = field(default_factory=dict)
    num_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, path: Path, arrays: dict[str, np.ndarray]) -> None:
        size = sum(each.nbytes for each in arrays.values())
        with self.lock:
            if path not in self.files and self.num_bytes + size <= MOST_BYTES:
                for each in arrays.values():
                    each.flags.writeable = False  # the next reader gets the same
                self.files[path] = arrays
                self.num_bytes += size


_kept: list[_Kept] = []  # the innermost last


@contextlib.contextmanager
def reading_once() -> Iterator[None]:
    """Inside, what these functions read is kept; files must not change meanwhile."""
    _kept.append(_Kept())
    try:
        yield
    finally:
        _kept.pop()


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """As `storage.read_arrays`; arrays that are kept cannot be written to."""
    kept = _kept[-1] if _kept else None
    if kept is None:
        return storage.read_arrays(path)
    if path not in kept.files:
        arrays = storage.read_arrays(path)
        kept.add(path, arrays)
        return dict(arrays)
    return dict(kept.files[path])


def read_run(folder: Path) -> RunRecord:
    """As `storage.read_run`."""
    if not _kept:
        return storage.read_run(folder)
    runs = _kept[-1].runs
    if folder not in runs:
        runs[folder] = storage.read_run(folder)
    return runs[folder]
