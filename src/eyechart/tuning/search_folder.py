"""The folder of a search: taken anew or gone on with; and what may not change when it is gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eyechart.base.errors import UsageError
from eyechart.files import replacing, storage
from eyechart.schema import RecipeFile, TuneRecord
from eyechart.study import folder as study_folder
from eyechart.study.differences import changed_text, differences


def open_search(record: TuneRecord, folder: Path, *, resume: bool) -> TuneRecord:
    """Look at a folder for a search: a new one, or with `resume` the same one again, whose share may have grown.

    Nothing is written.  Raises UsageError when the folder holds something else, or a search with other settings.
    """
    path = folder / storage.TUNE_FILE
    if not path.exists():
        study_folder.check_is_free(folder, "is no search of eyechart tune")
        return record
    if not storage.has_work(folder):
        return record
    old = storage.read_record(path, TuneRecord)
    found = _differences(old, record)
    if not resume:
        way = (
            f", with other settings: {'; '.join(found)}. Choose" if found else ". Continue it with --resume, or choose"
        )
        raise UsageError(f"{folder} already holds a search{way} another --name.")
    if found:
        raise UsageError(
            f"{folder} was started with other settings: {'; '.join(found)}. Go on with the settings that it was "
            f"started with, or start another search with --name."
        )
    return old.model_copy(update={"amount": record.amount})


def take(record: TuneRecord, folder: Path) -> None:
    """Write the plan into its folder, the first time that anything is written; what was refused earlier is removed."""
    if not storage.has_work(folder):
        for failure in folder.glob(f"trials/*/{storage.FAILURE_FILE}"):
            replacing.remove_run(failure.parent)
    storage.write_record(folder / storage.TUNE_FILE, record)


def content_of(folder: Path) -> str:
    """The hash of the data that the recipes of a finished search were found on; empty where there are none."""
    files = sorted(folder.glob("recipes/*.json"))
    tuning = storage.read_record(files[0], RecipeFile).recipe.tuning if files else None
    return tuning.dataset_sha256 if tuning else ""


def _differences(old: TuneRecord, new: TuneRecord) -> list[str]:
    found = differences(old.study, new.study)
    for field in ("contenders", "seeds"):
        before, now = (getattr(record.study, field) for record in (old, new))
        found += [changed_text(field, _listed(before), _listed(now))] if set(before) != set(now) else []
    if old.unit != new.unit or new.amount < old.amount:
        found.append(changed_text("its share", f"{old.amount:g} {old.unit}", f"{new.amount:g} {new.unit}"))
    return found


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
