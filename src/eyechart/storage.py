"""Runs as files: written whole or not at all, read without torch.

runs/<study>/study.json                  what was planned
runs/<study>/items-<hash>.npz            images and labels of a test or validation part, once for all runs that share it
runs/<study>/<run>/run.json              everything about one run; written last: its presence means "finished"
runs/<study>/<run>/predictions.npz       probabilities (and boxes) for every test item
runs/<study>/<run>/validation.npz        probabilities for every validation item
runs/<study>/<run>/weights.safetensors   the trained weights, preprocessing in the header
runs/<study>/<run>/checkpoint.safetensors    only while a run is unfinished
runs/<study>/<run>/failure.json          only when the last try failed: the reason
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

from eyechart.errors import StorageError
from eyechart.schema import RunRecord, StudyRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

Record = TypeVar("Record", bound=BaseModel)

RUN_FILE = "run.json"
STUDY_FILE = "study.json"
PREDICTIONS_FILE = "predictions.npz"
VALIDATION_FILE = "validation.npz"
WEIGHTS_FILE = "weights.safetensors"
CHECKPOINT_FILE = "checkpoint.safetensors"
FAILURE_FILE = "failure.json"
TUNE_FILE = "tune.json"
TRIAL_FILE = "trial.json"
ROWS_AT_ONCE = 4096
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
        raise _disk_error(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner reads
        os.replace(temporary, path)
    except OSError as error:
        raise _disk_error(path, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


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


def _disk_error(path: Path, error: OSError) -> StorageError:
    if error.errno == errno.ENOSPC:
        return StorageError(
            f"The disk is full: {path} could not be written. Nothing half-written is left. "
            f"Free some space, or choose another disk with --output, then run the same command with --resume."
        )
    return StorageError(
        f"{path} could not be written ({error.strerror}). Expected a folder that can be written to; "
        f"choose one with --output."
    )


# --------------------------------------------------------------------------------------------- reading


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read a record; StorageError when it is missing, damaged or of another version."""
    try:
        if not path.is_file() and path.exists():
            raise StorageError(f"{path} is a folder, a pipe or a device; expected a file written by eyechart.")
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise StorageError(f"{path} is not there; expected a {path.name} written by eyechart.") from None
    except OSError as error:
        raise StorageError(f"{path} could not be read ({error.strerror}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise StorageError(
            f"{path} is damaged or was written by another version of eyechart: {where}: {first['msg']}. "
            f"Delete its folder and run the study again with --resume."
        ) from None


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
        raise StorageError(f"{path} is damaged ({why}). Delete its folder and run with --resume.") from None


def read_run(folder: Path) -> RunRecord:
    return read_record(folder / RUN_FILE, RunRecord)


def read_study(folder: Path) -> StudyRecord:
    return read_record(folder / STUDY_FILE, StudyRecord)


def is_run(folder: Path) -> bool:
    return (folder / RUN_FILE).is_file()


def find_runs(paths: list[Path]) -> list[Path]:
    """All finished run folders at or up to two levels below `paths` (a run, a study, a folder of studies), sorted.

    Raises StorageError for a path that does not exist; a path without runs adds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise StorageError(f"{path} does not exist; expected the folder of a run, a study, or of several studies.")
        found += [file.parent for depth in ("", "*/", "*/*/") for file in sorted(path.glob(depth + RUN_FILE))]
    return sorted(set(found), key=lambda folder: natural_key(str(folder)))


def natural_key(text: str) -> list[Any]:
    """Sort key that puts "2" before "10": texts and numbers in turns, a text (perhaps an empty one) first."""
    parts: list[Any] = NUMBERS.split(text)
    parts[1::2] = map(int, parts[1::2])
    return parts


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
