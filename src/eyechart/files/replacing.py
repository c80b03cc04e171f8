"""One study or repetition in the place of another: made in a hidden folder, and moved up once it is complete.

<home>/.replacement/             under way, or stopped half-way: a study like any other
<home>/.replacement.complete/    complete; what it replaces is being removed
<home>/.replacement.arriving/    complete; its files are being moved up

Each stage can be cut off at any point and done again (`finish`).  Nothing is removed but files that eyechart writes, by
their names in storage.py, schema/exam.py and schema/explain.py; whatever else lies in these folders stays where it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from eyechart.base.errors import StorageError
from eyechart.files import storage
from eyechart.schema.exam import EXAM_FILE, EXAM_FOLDER
from eyechart.schema.explain import CHECKS_SUFFIX, EXPLAIN_FILE, EXPLAIN_FOLDER

MAKING = ".replacement"
COMPLETE, ARRIVING = ".complete", ".arriving"  # after the name of the folder that it was made in


def put_in_place(made_in: Path, clear: Callable[[], None]) -> None:
    """Move what was made in a hidden folder up; `clear` removes what it replaces.  Raises StorageError."""
    try:
        made_in.rename(made_in.with_name(made_in.name + COMPLETE))
    except OSError as error:
        raise storage.disk_error(made_in, error) from error
    finish(made_in, clear)


def finish(made_in: Path, clear: Callable[[], None]) -> None:
    """Go on with a move that was cut off; nothing where there was none."""
    complete, arriving = (made_in.with_name(made_in.name + stage) for stage in (COMPLETE, ARRIVING))
    try:
        if complete.is_dir():
            clear()
            complete.rename(arriving)
        if arriving.is_dir():
            _move_up(arriving, made_in.parent)
    except OSError as error:
        raise storage.disk_error(made_in.parent, error) from error


def _move_up(source: Path, target: Path) -> None:
    """Each file of a folder to the same place in another one; the emptied folder is removed."""
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            (target / entry.name).mkdir(exist_ok=True)
            _move_up(entry, target / entry.name)
        else:
            os.replace(entry, target / entry.name)
    source.rmdir()


# --------------------------------------------------------------------------------------------- removing


def remove_study(folder: Path, planned_runs: Iterable[str]) -> None:
    """Remove what eyechart wrote for a study: runs, what was asked of them, the report, and study.json at last."""
    remove_runs(folder, planned_runs)
    _remove_files(folder / storage.FIGURES_FOLDER, storage.FIGURE_FILES)
    _remove_files(folder / EXAM_FOLDER, ["*.npz", "eye-chart-*.svg", "eye-chart-*.png"])
    _remove_files(folder / EXPLAIN_FOLDER, ["*.npz", f"*{CHECKS_SUFFIX}"])
    for judged_again in folder.glob(f"*/{storage.CONTEXT_FILE}"):  # of weights that are gone
        _remove_files(judged_again.parent, [storage.CONTEXT_FILE])
    _remove_files(folder, [*storage.STUDY_FILES, EXAM_FILE, EXPLAIN_FILE])
    _remove_files(folder, [storage.STUDY_FILE])


def remove_runs(folder: Path, planned_runs: Iterable[str]) -> None:
    """Remove the runs of a study: those that were planned, and others that have a run file of eyechart's."""
    others = {file.parent.name for file in folder.glob(f"*/{storage.RUN_FILE}") if _is_ours(file.parent)}
    for name in others.union(planned_runs):
        remove_run(folder / name)


def remove_run(folder: Path) -> None:
    """Remove the files of a run, and its folder if nothing else is in it.  A link to another place is left alone."""
    _remove_files(folder, storage.RUN_FILES)


def _is_ours(folder: Path) -> bool:
    try:
        storage.read_run(folder)
    except StorageError:
        return False
    return not storage.is_hidden(folder, folder.parent)


def _remove_files(folder: Path, names: Iterable[str]) -> None:
    """Files by their names or patterns, with what a killed process left of them, and the folder if that empties it."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for name in names:
        for pattern in (name, f".{name}.*.partial"):
            for file in folder.glob(pattern):
                if not file.is_dir():
                    file.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
