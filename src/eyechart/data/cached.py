"""Opening a dataset whose four IDX files are in the cache: memory-mapped, and hashed only when they changed.

Hashing 55 MB takes longer than opening them, so sizes, times and hashes are kept beside the files; as long as sizes
and times are the same, the hashes are believed.  `eyechart data verify` hashes them anyway.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from eyechart.base.errors import DatasetError, StorageError
from eyechart.base.plain_json import json_text
from eyechart.data import idx
from eyechart.data.content import parts_sha256
from eyechart.data.idx import IDX_FILES
from eyechart.files.cache import keep
from eyechart.schema.contracts import Dataset, LabelledImages

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.data.known import KnownDataset

CHECKED_FILE = "checked.json"


def open_dataset(folder: Path, known: KnownDataset, expected_md5: dict[str, str], *, rehash: bool = False) -> Dataset:
    """The dataset of four files, checked; `expected_md5` may be empty, then the hashes of the first time count.

    Raises DatasetError when a file is broken, has changed, or does not hold what this dataset consists of.
    """
    arrays = [_mapped(folder / name) for name in IDX_FILES]
    train = LabelledImages(arrays[0][:, np.newaxis], arrays[1].astype(np.int64))
    test = LabelledImages(arrays[2][:, np.newaxis], arrays[3].astype(np.int64))
    _check_shapes(folder, known, train, test)
    return Dataset(known.card(_content_sha256(folder, expected_md5, train, test, rehash)), train, test)


def md5_of_files(folder: Path) -> dict[str, str]:
    """The md5 of each of the four files, read anew."""
    found = {}
    for name in IDX_FILES:
        with (folder / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "md5").hexdigest()
    return found


def _mapped(path: Path) -> np.ndarray:
    try:
        return idx.open_mapped(path)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}). Check its permissions, or delete it.") from None


def _check_shapes(folder: Path, known: KnownDataset, train: LabelledImages, test: LabelledImages) -> None:
    for part, images, count in (("train", train, known.num_train), ("test", test, known.num_test)):
        expected = (count, 1, known.height, known.width)
        highest = int(images.labels.max())
        if images.images.shape != expected or len(images.labels) != count or highest >= len(known.classes):
            raise DatasetError(
                f"{folder} does not hold {known.name}: found {part} images {images.images.shape} with "
                f"{len(images.labels)} labels up to {highest}; expected {expected} with labels up to "
                f"{len(known.classes) - 1}. Delete the folder and run: eyechart data fetch {known.name}"
            )


# --------------------------------------------------------------------------------------------- what is known already


def _content_sha256(
    folder: Path, expected_md5: dict[str, str], train: LabelledImages, test: LabelledImages, rehash: bool
) -> str:
    """The content hash, from the last time if the files are the same, else from the files."""
    checked = _read_checked(folder)
    stamps = _stamps(folder)
    if not rehash and checked.get("stamps") == stamps and "content_sha256" in checked:
        return str(checked["content_sha256"])
    found = md5_of_files(folder)
    for name, expected in (expected_md5 or checked.get("md5", {})).items():
        if found[name] != expected:
            raise DatasetError(
                f"{folder / name} has the md5 {found[name]}; expected {expected}. It is damaged or was replaced; "
                f"delete it and run: eyechart data fetch {folder.name}"
            )
    content_sha256 = parts_sha256(train, test)
    record = {"stamps": stamps, "md5": found, "content_sha256": content_sha256}
    with contextlib.suppress(StorageError):  # a cache that cannot be written to is hashed every time
        keep(folder / CHECKED_FILE, json_text(record, indent=1).encode())
    return content_sha256


def _stamps(folder: Path) -> dict[str, list[int]]:
    """Size and time of change of each file."""
    stats = {name: (folder / name).stat() for name in IDX_FILES}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


def _read_checked(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / CHECKED_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
