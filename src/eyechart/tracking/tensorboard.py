"""Runs for TensorBoard: curves, results and settings (HParams), as event files, without torch or TensorFlow.

<folder>/<study>/eyechart.json                  whose study that is: another one of this name gets <study>-2, and so on
<folder>/<study>/<run>/events.out.tfevents.*    one run; TensorBoard shows it as <study>/<run>
<folder>/<study>/<run>/eyechart.json            which run that is, so that it is not written twice
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from eyechart.base.plain_json import json_text
from eyechart.files import storage
from eyechart.files.file_names import on_disk
from eyechart.files.folder_names import folder_name_of
from eyechart.schema import RunRecord
from eyechart.tracking import told

MARK_FILE = "eyechart.json"


def write_run(run_folder: Path, folder: Path) -> bool:
    """Write one run, in the place of an earlier version of it; False where it is there already.

    Raises UsageError without tensorboard, StorageError for what is no run or a folder that cannot be written to.
    """
    writer_of, protos = _tensorboard()
    run, mark = storage.read_run(run_folder), told.hash_of(run_folder)
    owner, name = _owner_of(run_folder), _folder_of(run.run)
    for study in _studies(folder, run.study):
        known = _mark_of(study / name)
        if known.get("run") == mark:
            return False
        if _mark_of(study).get("study", owner) == owner:
            break
    place = study / name
    try:
        place.mkdir(parents=True, exist_ok=True)
        before = set(place.glob("events.out.tfevents.*"))
        writer = writer_of(str(place))
        for event in _events(run, f"{study.name}/{name}", protos):
            writer.add_event(event)
        writer.close()
        (written,) = set(place.glob("events.out.tfevents.*")) - before
        for file in known.get("files", []):  # of the run as it was
            (place / file).unlink(missing_ok=True)
    except OSError as error:
        raise storage.disk_error(place, error) from error
    storage.write_text(study / MARK_FILE, json_text({"study": owner}) + "\n")
    storage.write_text(place / MARK_FILE, json_text({"run": mark, "files": [written.name]}) + "\n")
    return True


def _studies(folder: Path, study: str) -> Iterator[Path]:
    """The folders that a study of this name may have, the first one first."""
    first = _folder_of(study)
    yield folder / first
    for number in count(2):
        yield folder / f"{first}-{number}"


def _owner_of(run_folder: Path) -> str:
    """By which a study is told from another of the same name: when it was planned, wherever it lies now.

    A folder of runs that has no plan goes by its place, of which nothing is given away.
    """
    study = run_folder.resolve().parent
    is_planned = (study / storage.STUDY_FILE).is_file()
    told = storage.read_study(study).created_at.encode() if is_planned else os.fsencode(study)
    return hashlib.sha256(told).hexdigest()[:16]


def _folder_of(name: str) -> str:
    """What a run file says is a name, and never a way out of the folder."""
    return on_disk(folder_name_of(name))


def _tensorboard() -> tuple[Any, Any]:
    """The writer of event files, and what makes their contents."""
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.plugins.hparams import summary_v2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise told.missing_package("TensorBoard", "tensorboard") from None
    return EventFileWriter, (event_pb2.Event, summary_pb2.Summary, summary_v2.hparams_pb)


def _events(run: RunRecord, name: str, protos: Any) -> list[Any]:
    make_event, make_summary, hparams_pb = protos
    settings = told.settings_of(run)
    events = [
        make_event(
            wall_time=told.started_at(run),
            summary=hparams_pb(settings, trial_id=name, start_time_secs=told.started_at(run)),
        )
    ]
    for point in told.curves_of(run):
        value = make_summary.Value(tag=point.name, simple_value=point.value)
        events.append(make_event(wall_time=point.time, step=point.step, summary=make_summary(value=[value])))
    for name, number in told.results_of(run).items():
        value = make_summary.Value(tag=f"result/{name}", simple_value=number)
        events.append(
            make_event(wall_time=told.ended_at(run), step=run.plan.num_steps, summary=make_summary(value=[value]))
        )
    return events


def _mark_of(place: Path) -> dict[str, Any]:
    """What is noted of a run or study that was written before; nothing where there is none, or somebody changed it."""
    try:
        mark = json.loads((place / MARK_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return mark if isinstance(mark, dict) else {}
