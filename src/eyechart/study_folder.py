"""The folder of a study: taken anew, gone on with, or replaced; and what may not change when it is gone on with."""

from __future__ import annotations

import shutil
from pathlib import Path

from eyechart import storage
from eyechart.errors import UsageError
from eyechart.schema import Recipe, Rules, StudyRecord
from eyechart.study import check_search_seeds

SETTLED_RULES = ("device", "precision")  # which "auto" leaves to machine.settle_machine, once a study


def open_study(record: StudyRecord, folder: Path, *, resume: bool, exist_ok: bool) -> StudyRecord:
    """Take a folder for a study: a new one, the same one again (`resume`), or one to be replaced (`exist_ok`).

    The record that counts: with `resume`, the one that is there.  Raises UsageError when the folder holds something
    else.
    """
    if not (folder / storage.STUDY_FILE).exists():
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(
                f"{folder} is there and is no study of eyechart; expected a new or an empty folder. "
                "Choose another --name."
            )
    elif resume:
        return _resumed(storage.read_study(folder), record, folder)
    elif not exist_ok:
        raise UsageError(
            f"{folder} already holds a study. Continue it with --resume, replace it with --exist-ok, "
            f"or choose another --name."
        )
    else:
        _clear(folder)
    storage.write_record(folder / storage.STUDY_FILE, record)
    return record


def _resumed(old: StudyRecord, new: StudyRecord, folder: Path) -> StudyRecord:
    """The record to go on with: seeds and contenders may be added, rules and recipes may not change."""
    found = differences(old, new)
    if found:
        raise UsageError(
            f"{folder} was started with other settings ({', '.join(found)}). Resume it with the settings of "
            f"its study.json, or start another study with --name."
        )
    merged = new.model_copy(
        update={
            "contenders": tuple(dict.fromkeys(old.contenders + new.contenders)),
            "seeds": tuple(sorted({*old.seeds, *new.seeds})),
            "recipes": new.recipes | old.recipes,
            "rules": old.rules,
            "machine": old.machine,
            "created_at": old.created_at,
        }
    )
    check_search_seeds(merged.seeds, merged.recipes)
    storage.write_record(folder / storage.STUDY_FILE, merged)
    return merged


def differences(old: StudyRecord, new: StudyRecord) -> list[str]:
    """What another plan for the same folder would change: rules, and recipes of contenders that both have.

    Nothing that was "auto" in the new one and is settled in the old one.
    """
    settled = {name: getattr(old.rules, name) for name in SETTLED_RULES if getattr(new.rules, name) == "auto"}
    rules = new.rules.model_copy(update=settled)
    found = [name for name in Rules.model_fields if getattr(old.rules, name) != getattr(rules, name)]
    shared = [contender for contender in new.contenders if contender in old.recipes]
    return found + [f"recipe of {c}" for c in shared if not _same_recipe(old.recipes[c], new.recipes[c])]


def _same_recipe(old: Recipe, new: Recipe) -> bool:
    """Equal in all that trains and in how it was found, but for "auto" weights that were settled meanwhile.

    What is said of a recipe may change: measuring a study writes into `expect`, and more seeds may follow.
    """
    if new.weights == "auto":
        new = new.model_copy(update={name: getattr(old, name) for name in ("weights", "frozen_stages", "cache_frozen")})
    return old.settings == new.settings and old.tuning == new.tuning


def _clear(folder: Path) -> None:
    """Remove what eyechart itself left in a study's folder, and nothing else."""
    for name in (storage.RUN_FILE, storage.CHECKPOINT_FILE, storage.FAILURE_FILE):
        for path in folder.glob(f"*/{name}"):
            shutil.rmtree(path.parent)
    for leftover in folder.glob("items-*.npz"):
        leftover.unlink()
