"""Two generations of a checkpoint: the newest, and the one before, which stays until the next is whole.

At every moment, whatever is cut off, at least one that was written whole lies in the folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from eyechart.files import storage


def write_newest(path: Path, content: bytes) -> None:
    """Write a checkpoint under its name, and keep the one that stood there as the previous one.

    Raises StorageError where the disk refuses; what was there is still there then.
    """
    with storage.atomic_file(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # the new one is whole on the disk before the old one gives up its name
        if path.exists():
            os.replace(path, path.with_name(storage.PREVIOUS_CHECKPOINT_FILE))


def there(path: Path) -> list[Path]:
    """Those that there are, the newest first; `path` is the newest one's."""
    return [each for each in (path, path.with_name(storage.PREVIOUS_CHECKPOINT_FILE)) if each.exists()]


def remove(folder: Path) -> None:
    """Remove them, the previous one first, and what killed processes left of any file of this run."""
    for name in reversed(storage.CHECKPOINT_FILES):
        (folder / name).unlink(missing_ok=True)
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove half-written files, which have hidden names until they are whole; whoever asks works here alone."""
    for trace in folder.glob(".*.partial"):
        trace.unlink(missing_ok=True)
