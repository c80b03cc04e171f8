"""What lies in a folder of data and is no data: never a class, a part or a picture."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from eyechart.files.storage import LOCK_PREFIX, RUN_FILE, STUDY_FILE, TUNE_FILE

# What systems and programs leave behind, in lower case; names that begin with a dot need no entry.
SYSTEM_NAMES = frozenset(
    {
        "__macosx",  # macOS, in zips
        "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information",  # Windows
        "@eadir", "#recycle", "#snapshot",  # Synology
        "@recycle", "@recently-snapshot",  # QNAP
        "lost+found",  # Linux file systems
        "__pycache__",
    }
)  # fmt: skip
RECORD_FILES = (RUN_FILE, STUDY_FILE, TUNE_FILE)
RECORD_DEPTH = 2  # runs/<study>/<run>/run.json
MOST_ENTRIES = 1000  # that are looked at: a folder of many pictures is no folder of results


def is_hidden(name: str) -> bool:
    """Whether a file or folder is called like one that is not meant to be looked at."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def made_by(folder: str | Path) -> str | None:
    """Which program made a folder, if that can be told and it holds no data: eyechart's own results, Python."""
    if os.path.isfile(os.path.join(folder, "pyvenv.cfg")):
        return "a virtual environment of Python"
    return "results of eyechart" if _has_records(str(folder), RECORD_DEPTH) else None


def leads_up(folder: str | Path) -> bool:
    """Whether a folder is a link to one that it lies in, so that reading it would never end."""
    folder = Path(folder)
    around = folder.parent.resolve()
    return folder.is_symlink() and folder.resolve() in (around, *around.parents)


def _has_records(folder: str, depth: int) -> bool:
    """Whether a study, a run or a search lies here or below, or is being worked on."""
    if any(os.path.isfile(os.path.join(folder, name)) for name in RECORD_FILES):
        return True
    try:
        with os.scandir(folder) as entries:
            some = list(islice(entries, MOST_ENTRIES))
    except OSError:  # whoever reads it says so
        return False
    if any(entry.name.startswith(LOCK_PREFIX) for entry in some):
        return True
    inside = [entry.path for entry in some if entry.is_dir(follow_symlinks=False)]
    return depth > 0 and any(_has_records(path, depth - 1) for path in inside)
