"""The folder of a study: taken anew, gone on with, or replaced; and what may not change when it is gone on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyechart.base.errors import StorageError, UsageError
from eyechart.catalog.recipes import slug
from eyechart.files import replacing, storage
from eyechart.files.addresses import address_of
from eyechart.files.places import seen_from
from eyechart.schema import Recipe, StudyRecord
from eyechart.study.differences import changed_text, differences
from eyechart.study.plan import check_search_seeds, run_names
from eyechart.study.study import Study


@dataclass(frozen=True)
class Opened:
    """A folder that was looked at and not touched, and the plan that is to be carried out there."""

    record: StudyRecord
    home: Path  # where the study is to stand
    folder: Path  # where its runs are made: home, or while an earlier study stands there, a hidden folder in it

    @property
    def is_replacement(self) -> bool:
        return self.folder != self.home


def open_study(record: StudyRecord, folder: Path, *, resume: bool, exist_ok: bool) -> Opened:
    """Look at a folder for a study: a new one, the same one again (`resume`), or one to be replaced (`exist_ok`).

    The record that comes back is the one that counts: with `resume`, the one that is there and what is added to it.
    Both together go on with a replacement that was begun, and otherwise with the study.  Nothing is written, but a
    replacement that was cut off while it was moved to its place is brought to its end.
    Raises UsageError when the folder holds something else, or a study that may not be touched.
    """
    replacing.finish(folder / replacing.MAKING, lambda: _remove(folder))
    old = begun_study(folder)
    if old is None:
        return Opened(record, folder, folder)
    if exist_ok and (address := address_of(folder)):
        raise UsageError(
            f"{address} already holds a study, and nothing is removed at an address. Expected another --name, or "
            f"neither that place nor its copy in {folder}: remove both first."
        )
    made_in = folder / replacing.MAKING
    if exist_ok and not (resume and not (made_in / storage.STUDY_FILE).exists()):
        return Opened(_replacement(record, old, folder, made_in), folder, made_in)
    if not resume:
        raise UsageError(f"{folder} already holds a study{_ways_on(old, record)}, or choose another --name.")
    return Opened(_resumed(old, record, folder, "start another study with --name"), folder, folder)


def open_shared(record: StudyRecord, folder: Path) -> Opened:
    """Look at a folder for a shard of a study: whoever comes first writes the plan, and the others must have the same.

    Raises UsageError for another plan: every n-th run of two plans would leave some out and do some twice.
    """
    if not (folder / storage.STUDY_FILE).exists():
        check_is_free(folder, "is no study of eyechart")
        return Opened(record, folder, folder)
    old = storage.read_study(folder)
    found = [
        changed_text(name, _listed(getattr(old, name)), _listed(getattr(record, name)))
        for name in ("contenders", "seeds")
        if getattr(old, name) != getattr(record, name)
    ]
    if found:
        raise UsageError(
            f"{folder} holds a study with another plan: {'; '.join(found)}. Shards take every n-th run of one plan; "
            f"expected the same contenders and seeds, in the same order. Choose another --name."
        )
    return Opened(_resumed(old, record, folder, "start another study with --name"), folder, folder)


def take_shared(opened: Opened) -> None:
    """Write the plan, if nobody was here before."""
    if not (opened.folder / storage.STUDY_FILE).exists():
        storage.write_record(opened.folder / storage.STUDY_FILE, opened.record)


def take(opened: Opened) -> None:
    """Write the plan into its folder, the first time that anything is written; what was refused earlier is removed."""
    if begun_study(opened.folder) is None:
        replacing.remove_runs(opened.folder, _planned(opened.folder))  # there is nothing but reasons of failures
    storage.write_record(opened.folder / storage.STUDY_FILE, opened.record)


def conclude(study: Study, opened: Opened) -> None:
    """Put a replacement into its place, if all of its runs are complete; until then the earlier study stays."""
    if opened.is_replacement and not study.missing:
        replacing.put_in_place(opened.folder, lambda: _remove(opened.home))
        study.folder, study.home = opened.home, None


def begun_study(folder: Path) -> StudyRecord | None:
    """The study in a folder, if anything of it was trained; None for a folder that may be taken anew.

    Raises UsageError for a folder of something else, StorageError for a study.json that is damaged.
    """
    if not (folder / storage.STUDY_FILE).exists():
        check_is_free(folder, "is no study of eyechart")
        return None
    return storage.read_study(folder) if storage.has_work(folder) else None


def check_is_free(folder: Path, what_it_is_not: str) -> None:
    """UsageError for a folder that holds anything but traces of ourselves."""
    if folder.exists() and any(not entry.name.startswith(storage.LOCK_PREFIX) for entry in folder.iterdir()):
        raise UsageError(
            f"{folder} is there and {what_it_is_not}; expected a new or an empty folder. Choose another --name."
        )


def _ways_on(old: StudyRecord, new: StudyRecord) -> str:
    """What can be done about a study that is there; only what would not be refused."""
    found = differences(old, new)
    if found:
        return f", with other settings: {'; '.join(found)}. Replace it with --exist-ok"
    return ". Continue it with --resume, replace it with --exist-ok"


# --------------------------------------------------------------------------------------------- going on


def content_of(folder: Path) -> str:
    """The hash of the data that the finished runs of a study were trained on; empty where there are none."""
    runs = storage.find_runs([folder]) if folder.exists() else []
    return storage.read_run(runs[0]).dataset.content_sha256 if runs else ""


def _resumed(old: StudyRecord, new: StudyRecord, folder: Path, otherwise: str) -> StudyRecord:
    """The record to go on with: seeds and contenders may be added, rules and recipes may not change."""
    found = differences(old, new)
    if found:
        raise UsageError(
            f"{folder} was started with other settings: {'; '.join(found)}. Go on with the settings that it was "
            f"started with, or {otherwise}."
        )
    _check_folders_differ(old, new, folder)
    merged = new.model_copy(
        update={
            "name": old.name,  # of a folder that was renamed: its runs are of one study
            "contenders": tuple(dict.fromkeys(old.contenders + new.contenders)),
            "seeds": tuple(sorted({*old.seeds, *new.seeds})),
            "recipes": _seen_from(old, new) | old.recipes,
            "rules": old.rules,
            "machine": old.machine,
            "created_at": old.created_at,
            "started_in": old.started_in,
            "dataset_sha256": old.dataset_sha256,
            "looks": old.looks,
        }
    )
    check_search_seeds(merged.seeds, merged.recipes)
    return merged


def _check_folders_differ(old: StudyRecord, new: StudyRecord, folder: Path) -> None:
    """UsageError where a contender that is added would take the runs of another one for its own."""
    there = {slug(contender): contender for contender in old.contenders}
    for contender in new.contenders:
        if contender not in old.contenders and slug(contender) in there:
            raise UsageError(
                f"{folder} has the contender {there[slug(contender)]}, and -m names {contender}, whose runs would have "
                f"folders of the same name: {slug(contender)}. Name it as the study does if both are one file; copy it "
                f"to another name if they are two."
            )


def _seen_from(old: StudyRecord, new: StudyRecord) -> dict[str, Recipe]:
    """The recipes of `new`, whose files are named from where it was started, for a study that was begun elsewhere."""
    from eyechart.weights.resolve import Names

    moved = {}
    for contender, recipe in new.recipes.items():
        weights = seen_from(old.started_in, recipe.weights, new.started_in, Names())
        moved[contender] = recipe.model_copy(update={"weights": weights})
    return moved


# --------------------------------------------------------------------------------------------- replacing


def _replacement(record: StudyRecord, old: StudyRecord, folder: Path, made_in: Path) -> StudyRecord:
    """The plan of a study that is to replace another: a new one, or one that was begun and is gone on with."""
    for name in {*run_names(old), *run_names(record)}:
        if (folder / name).is_symlink() or (folder / name).is_file():
            raise UsageError(
                f"{folder / name} is a link or a file; expected the folder of a run, which could be replaced. "
                f"Move it away, or choose another --name."
            )
    begun = begun_study(made_in)
    if begun is None:
        return record
    otherwise = f"delete {made_in}, an unfinished replacement, and start anew"
    dropped: list[object] = [*(set(begun.contenders) - set(record.contenders))]
    if not record.rules.looking:  # else its looks added seeds, which no command names
        dropped += set(begun.seeds) - set(record.seeds)
    if dropped:
        raise UsageError(
            f"{made_in} was started with {', '.join(map(str, dropped))} as well. Go on with what it was started with, "
            f"or {otherwise}."
        )
    return _resumed(begun, record, made_in, otherwise)


def _remove(folder: Path) -> None:
    replacing.remove_study(folder, _planned(folder))


def _planned(folder: Path) -> list[str]:
    """The names of the runs that the study in a folder was to have; none where that cannot be read."""
    try:
        return run_names(storage.read_study(folder))
    except StorageError:
        return []


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values))
