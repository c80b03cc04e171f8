"""Runs as files: written whole or not at all, read without torch.

runs/<study>/study.json                  what was planned
runs/<study>/items-<hash>.npz            images and labels of a test or validation part, once for all runs that share it
runs/<study>/<run>/run.json              everything about one run; written last: its presence means "finished"
runs/<study>/<run>/predictions.npz       probabilities (and boxes) for every test item
runs/<study>/<run>/validation.npz        probabilities for every validation item
runs/<study>/<run>/weights.safetensors   the trained weights, preprocessing in the header
runs/<study>/<run>/checkpoint.safetensors    only while a run is unfinished; the one before: checkpoint-previous
runs/<study>/<run>/failure.json          only when the last try failed: the reason
runs/<study>/corruption/<level>/<run>/   a run judged again on other pictures: run.json, predictions.npz
runs/<study>/.replacement/               a study that --exist-ok puts in the place of this one: replacing.py
runs/<study>/.eyechart-lock              held by the process that works there; .eyechart-holder.json says which
runs/<search>/tune.json                  what a search for recipes was to do
runs/<search>/trials/<trial>/trial.json  one training of a trial, on validation only; its checkpoint while unfinished
runs/<search>/recipes/<contender>.json   the recipe that won, once every contender had its share
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from eyechart.base.errors import DiskRefused, StorageError
from eyechart.files.places import own_folder
from eyechart.schema import RunRecord, StudyRecord
from eyechart.schema.versions import upgraded_run, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

Record = TypeVar("Record", bound=BaseModel)

CONTEXT_FILE = "context.json"  # of a folder of studies along an axis
RUN_FILE = "run.json"
STUDY_FILE = "study.json"
PREDICTIONS_FILE = "predictions.npz"
VALIDATION_FILE = "validation.npz"
WEIGHTS_FILE = "weights.safetensors"
CHECKPOINT_FILE = "checkpoint.safetensors"
PREVIOUS_CHECKPOINT_FILE = "checkpoint-previous.safetensors"
CHECKPOINT_FILES = (CHECKPOINT_FILE, PREVIOUS_CHECKPOINT_FILE)
INSIDE_FILE = "inside.npz"  # how a detector came to its answers on a few scenes
FAILURE_FILE = "failure.json"
TUNE_FILE = "tune.json"
TRIAL_FILE = "trial.json"
REPORT_FILE = "report.html"
SPILL_FILE = "features.bin"  # outputs of frozen stages while a run is under way: training/feeds.py
LOCK_PREFIX = ".eyechart-"

# All that eyechart writes, and so all that it may remove; in the folder of a run, and in that of a study beside runs.
RUN_FILES = (
    RUN_FILE, PREDICTIONS_FILE, VALIDATION_FILE, WEIGHTS_FILE, *CHECKPOINT_FILES, FAILURE_FILE, SPILL_FILE, INSIDE_FILE,
)  # fmt: skip
STUDY_FILES = ("items-*.npz", REPORT_FILE, "report-synthesis.md")
FIGURES_FOLDER = "report-figures"
FIGURE_NAMES = (
    "calibration-*", "classes-f1", "clutter-*", "confusion-*", "corruption-*", "cost-*", "differences", "eye-chart-*",
    "eye-test-*", "intervals-*", "learning-*", "precision-recall-*", "shift-*", "tuning",
)  # fmt: skip
FIGURE_FILES = tuple(f"{name}.{kind}" for name in FIGURE_NAMES for kind in ("svg", "png"))
ROWS_AT_ONCE = 4096
MOST_OFFERED = 12  # runs that an error lists
NUMBERS = re.compile(r"(\d+)")


# --------------------------------------------------------------------------------------------- writing


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when all of it is on the disk.

    Raises StorageError when the disk is full, read-only or the folder may not be written to; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except OSError as error:
        raise disk_error(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner reads
        os.replace(temporary, path)
        sync_folder(path.parent)  # else the name could be lost with the power, the content not
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system knows how."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    with atomic_file(path) as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode("utf-8", "backslashreplace"))  # a name that is no text ends no report


def write_record(path: Path, record: BaseModel) -> None:
    write_text(path, record.model_dump_json(indent=1) + "\n")


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Save named arrays as a compressed .npz; what is read like an array, slice by slice, is written slice by slice."""
    import zipfile

    import numpy as np

    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                kind = _some_rows(array, 0).dtype
                header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": array.shape}
                np.lib.format.write_array_header_1_0(member, header)
                for rows in _rows_in_turn(array):
                    member.write(rows.tobytes())


def _rows_in_turn(array: Any) -> Iterator[np.ndarray]:
    """The rows of an array, some at a time."""
    for start in range(0, array.shape[0] if array.shape else 1, ROWS_AT_ONCE):
        yield _some_rows(array, start)


def _some_rows(array: Any, start: int) -> np.ndarray:
    """Contiguous in memory; a single number is a row of one."""
    import numpy as np

    return np.ascontiguousarray(array[start : start + ROWS_AT_ONCE] if array.shape else array)


def disk_error(path: Path, error: OSError) -> DiskRefused:
    """What the disk refused, in words."""
    if error.errno == errno.ENOSPC:
        return DiskRefused(
            f"The disk is full: {path} could not be written. Nothing half-written is left. "
            f"Free some space, or choose another disk with --output, then run the same command with --resume."
        )
    return DiskRefused(
        f"{path} could not be written ({error.strerror}). Expected a folder that can be written to; "
        f"choose one with --output."
    )


# --------------------------------------------------------------------------------------------- reading


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read a record; StorageError when it is missing, damaged or of another version."""
    try:
        if not path.is_file() and path.exists():
            raise StorageError(f"{path} is a folder, a pipe or a device; expected a file written by eyechart.")
        return kind.model_validate_json(_upgraded(path, kind))
    except FileNotFoundError:
        raise StorageError(f"{path} is not there; expected a {path.name} written by eyechart.") from None
    except OSError as error:
        raise StorageError(f"{path} could not be read ({error.strerror}).") from error
    except ValueError as error:  # no JSON, which pydantic would tell in the same words
        if not isinstance(error, ValidationError):
            raise StorageError(f"{path} is damaged: it is no JSON ({error}). {_cure(path)}") from None
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise StorageError(
            f"{path} is damaged or was written by another version of eyechart: {where}: {first['msg']}. {_cure(path)}"
        ) from None


def _upgraded(path: Path, kind: type[Record]) -> bytes:
    """The file as JSON in today's form; StorageError for one of a later version."""
    content = path.read_bytes()
    raw = from_json(content)
    newest = kind.model_fields["schema_version"].default if "schema_version" in kind.model_fields else None
    if newest and isinstance(raw, dict) and version_of(raw) > newest:
        raise StorageError(
            f"{path} has version {version_of(raw)}, and this eyechart reads up to {newest}: a later one wrote it. "
            f"Update eyechart, or read it with the version that wrote it."
        )
    if kind is not RunRecord or not isinstance(raw, dict) or version_of(raw) == newest:
        return content
    return to_json(upgraded_run(raw), inf_nan_mode="null")


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a .npz of plain arrays (no pickles); StorageError when it is missing or damaged."""
    import zipfile

    import numpy as np

    try:
        if path.exists() and not path.is_file():
            raise zipfile.BadZipFile("it is no regular file")
        zipfile.ZipFile(path).close()  # anything else numpy would take for an array, or for a pickle
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise StorageError(f"{path} is not there; expected an .npz written by eyechart.") from None
    except Exception as error:  # a broken archive can raise anything, and numpy's words on pickles advise to open them
        why = "it holds Python objects, which are never loaded" if "pickle" in str(error) else error
        raise StorageError(f"{path} is damaged ({why}). {_cure(path)}") from None


def _cure(path: Path) -> str:
    """What to do about a damaged file: what --resume makes again may be deleted, a plan may not."""
    if path.name in (STUDY_FILE, TUNE_FILE):
        return "Restore that file, or start anew under another --name."
    if path.name.startswith("items-"):
        return "Delete it and the folder of one run beside it, then run with --resume: that run writes it again."
    if path.name in (*RUN_FILES, TRIAL_FILE):
        return f"Delete the folder {path.parent} and run with --resume."
    return "Restore that file."


def read_run(folder: Path) -> RunRecord:
    """The record of a finished run, its means over classes by today's rule.

    StorageError says what is in `folder` instead, and how to get at a run.
    """
    from eyechart.scoring.class_means import by_todays_rule
    from eyechart.scoring.older_runs import with_temperature

    if not is_run(folder):
        raise StorageError(_no_run(folder))
    run = read_record(folder / RUN_FILE, RunRecord)
    if run.task == "detection":
        return run
    if run.temperature is None and run.validation_items:  # of before there were temperatures
        answers = {"validation": VALIDATION_FILE, "test": PREDICTIONS_FILE}
        run = with_temperature(
            run, answers, lambda name: read_arrays(folder / name), lambda name: read_arrays(folder.parent / name)
        )
    return run.model_copy(update={part: by_todays_rule(getattr(run, part)) for part in ("test", "validation")})


def no_runs(paths: list[Path]) -> str:
    """What to tell where a command that takes many runs found none."""
    return (
        f"There is no finished run in {', '.join(map(str, paths))}; expected at least one run.json. Make some with "
        f"`eyechart run`; `eyechart ls` lists those that are there, the unfinished ones too."
    )


def _no_run(folder: Path) -> str:
    expected = "expected the folder of one run"
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        return f"{folder} {what}; {expected}, such as runs/<study>/<run>. `eyechart ls` lists those that there are."
    inside = [str(run) for run in find_runs([folder])]
    if not inside:
        return no_runs([folder])
    more = f" and {len(inside) - MOST_OFFERED} more" if len(inside) > MOST_OFFERED else ""
    return f"{folder} holds several runs; {expected}. Choose one: {', '.join(inside[:MOST_OFFERED])}{more}."


def read_study(folder: Path) -> StudyRecord:
    return read_record(folder / STUDY_FILE, StudyRecord)


def is_run(folder: Path) -> bool:
    return (folder / RUN_FILE).is_file()


def has_work(folder: Path) -> bool:
    """Whether a study or a search has anything that was trained: a finished run or trial, or a checkpoint."""
    return any(
        next(folder.glob(depth + name), None) is not None
        for depth, names in (("*/", (RUN_FILE, *CHECKPOINT_FILES)), ("trials/*/", (TRIAL_FILE, *CHECKPOINT_FILES)))
        for name in names
    )


def is_hidden(path: Path, below: Path) -> bool:
    """Whether a folder on the way from `below` to `path` is hidden: what is not finished, or not for people."""
    return any(part.startswith(".") for part in path.relative_to(below).parts)


def find_runs(paths: list[Path]) -> list[Path]:
    """All finished run folders at or up to two levels below `paths` (a run, a study, a folder of studies), sorted.

    Three below where `eyechart study` was, which makes a folder of studies itself; not those of a study judged again.

    Raises StorageError for a path that does not exist; a path without runs adds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise StorageError(f"{path} does not exist; expected the folder of a run, a study, or of several studies.")
        files = [file for depth in ("", "*/", "*/*/") for file in sorted(path.glob(depth + RUN_FILE))]
        is_study = (path / STUDY_FILE).is_file()
        contexts = [] if is_study else [file.parent for file in path.glob(f"*/{CONTEXT_FILE}")]  # a level deeper
        files += [file for context in contexts for file in sorted(context.glob(f"*/*/{RUN_FILE}"))]
        found += [own_folder(file.parent) for file in files if not is_hidden(file, path)]
    return sorted(set(found), key=lambda folder: natural_key(str(folder)))


def natural_key(text: str) -> tuple[list[Any], str]:
    """Sort key that puts "2" before "10": texts and numbers in turns, a text (perhaps an empty one) first.

    No two texts have the same key: "001" comes before "01" before "1", wherever they come from.
    """
    parts: list[Any] = NUMBERS.split(text)
    parts[1::2] = map(int, parts[1::2])
    return parts, text


def failure_reason(folder: Path) -> str:
    """Why the last try of an unfinished run failed; empty when nothing is known."""
    try:
        return str(json.loads((folder / FAILURE_FILE).read_bytes())["reason"])
    except (OSError, ValueError, KeyError):
        return ""


def digest_arrays(arrays: dict[str, Any]) -> str:
    """sha256 over names, types, shapes and bytes, in the order of the names; arrays as in write_arrays."""
    import hashlib

    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {_some_rows(array, 0).dtype.str} {tuple(array.shape) or (1,)};".encode())
        for rows in _rows_in_turn(array):
            digest.update(rows.data)
    return digest.hexdigest()
