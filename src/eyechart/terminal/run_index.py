"""Ten thousand runs in a moment: what lists need of each, kept in the cache beside the size and time of its file.

The index is never trusted over the files: an entry counts only while its run.json has the size and the time that it had
when it was read, and an index that is missing, damaged or of another version is made anew from the files.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eyechart.base.errors import StorageError
from eyechart.base.plain_json import json_text
from eyechart.files import storage
from eyechart.files.cache import cache_folder
from eyechart.terminal.summaries import summary

VERSION = 1  # of what an entry holds
LEAST_RUNS = 20  # that are worth an index

Row = dict[str, Any]  # a summary, and what tables need besides: "folder", "architecture"


def rows_of(folder: Path) -> list[Row]:
    """One row a finished run below `folder`, in the order of their names.  Raises StorageError for a damaged run."""
    runs = storage.find_runs([folder])
    path = index_path(folder)
    known = _read(path) if len(runs) >= LEAST_RUNS else {}
    entries: dict[str, list[Any]] = {}
    for run in runs:
        state = (run / storage.RUN_FILE).stat()
        name = str(run.relative_to(folder) if run.is_relative_to(folder) else run)  # links and "." lead elsewhere
        entry = known.get(name)
        if entry is None or entry[:2] != [state.st_mtime_ns, state.st_size]:
            entry = [state.st_mtime_ns, state.st_size, _row(run)]
        entries[name] = entry
    if len(runs) >= LEAST_RUNS and entries != known:
        _write(path, entries)
    return [row | {"folder": str(folder / name)} for name, (_, _, row) in entries.items()]


def index_path(folder: Path) -> Path:
    """The file in the cache; the folder of runs itself stays as it is, and may be one that nobody can write to."""
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return cache_folder() / "runs" / f"{place}.json"


def _row(run: Path) -> Row:
    """As the index gives it back: what is no number is None there."""
    record = storage.read_run(run)
    row: Row = json.loads(json_text(summary(record) | {"architecture": record.recipe.contender}))
    return row


def _read(path: Path) -> dict[str, list[Any]]:
    """What the index holds; nothing where it is not one of ours."""
    try:
        content = json.loads(path.read_bytes())
        entries = content["runs"] if content["version"] == _version() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    is_sound = isinstance(entries, dict) and all(isinstance(each, list) and len(each) == 3 for each in entries.values())
    return entries if is_sound else {}


def _write(path: Path, entries: dict[str, list[Any]]) -> None:
    """Best effort: without an index the next list takes as long as this one did."""
    from contextlib import suppress

    text = json_text({"version": _version(), "runs": entries})
    with suppress(StorageError):
        storage.write_bytes(path, text.encode("ascii"))


def _version() -> str:
    return f"{VERSION} of eyechart {version('eyechart')}"
