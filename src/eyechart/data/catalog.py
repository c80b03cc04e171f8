"""From what the user wrote, a known name or a path, to a dataset; and what can be said about one.

Where each comes from:

    mnist, fashion-mnist, ...        cached, or fetched (known.py, mnist.py, torchvision_sets.py, sklearn_digits.py)
    a folder or zip with IDX files   idx_folder.py
    a folder of class folders        image_folder.py
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import DatasetError, DatasetMissing, UsageError
from eyechart.data import cached, idx_folder, image_folder, mnist, sklearn_digits, torchvision_sets
from eyechart.data.archive import names_that_lead_out
from eyechart.data.facts import DatasetFacts, FileCheck, facts_of
from eyechart.data.idx import IDX_FILES
from eyechart.data.known import KNOWN, KnownDataset
from eyechart.data.regular_files import check_regular
from eyechart.files.cache import cache_folder, is_offline
from eyechart.files.file_names import on_disk, readable
from eyechart.files.places import user_path
from eyechart.schema.contracts import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KNOWN", "DatasetFacts", "KnownDataset", "fetch", "is_here", "load_dataset", "verify"]


def _silent(message: str) -> None:
    """Say nothing."""


def load_dataset(
    reference: str, *, img_size: int | None = None, offline: bool = False, say: Callable[[str], None] = _silent
) -> Dataset:
    """The dataset that `reference` names: a known name, or the path of a folder or zip.

    `img_size` is the side in pixels to which an image folder is decoded; other datasets have their own size.  `say` is
    given plain lines on what is being done.  Raises UsageError (no such name or path), DatasetMissing (cannot be had),
    DatasetError (is there and is broken).
    """
    if reference not in KNOWN:
        return _load_path(_existing_path(reference), img_size, say)
    known = KNOWN[reference]
    if img_size not in (None, known.side_pixels):
        raise UsageError(
            f"{reference} has images of {known.side_pixels} pixels a side, and {img_size} was asked for. "
            f"--img-size is for folders of pictures; leave it out here."
        )
    return _load_known(known, is_offline(offline), say)


def fetch(name: str, *, offline: bool = False, say: Callable[[str], None] = _silent) -> Path | None:
    """Bring a known dataset into the cache, repair it if it is damaged, and return its folder.

    None for a dataset that needs no cache.  Raises UsageError for a name that is not known, else as load_dataset.
    """
    if name not in KNOWN:
        raise UsageError(f"There is no dataset called {name!r} to fetch. {_names_and_near_misses(name)}")
    load_dataset(name, offline=offline, say=say)
    return cache_folder() / name if name != "digits" else None


def verify(reference: str, *, img_size: int | None = None, say: Callable[[str], None] = _silent) -> DatasetFacts:
    """Read a dataset that is on this machine, hash everything anew, and tell what it is.  Never uses the network.

    Raises DatasetMissing when a known dataset is not in the cache, DatasetError when anything is wrong.
    """
    if reference not in KNOWN:
        path = _existing_path(reference)
        dataset, files = _load_path(path, img_size, say, rehash=True), _checks_of_path(path)
        return facts_of(dataset, files, None if files else image_folder.picture_names(path, dataset))
    if reference == "digits":
        return facts_of(sklearn_digits.load(), ())
    folder = cache_folder() / reference
    if not any((folder / name).is_file() for name in IDX_FILES):
        raise DatasetMissing(f"{reference} is not in the cache, {folder}. Get it: eyechart data fetch {reference}")
    expected = _expected_md5(reference)
    dataset = cached.open_dataset(folder, KNOWN[reference], expected, rehash=True)
    found = cached.md5_of_files(folder)
    return facts_of(dataset, tuple(FileCheck(name, found[name], expected.get(name)) for name in IDX_FILES))


def is_here(name: str) -> bool:
    """Whether a known dataset can be loaded without fetching anything, going by its files' names."""
    return name == "digits" or all((cache_folder() / name / file).is_file() for file in IDX_FILES)


# --------------------------------------------------------------------------------------------- known names


def _load_known(known: KnownDataset, offline: bool, say: Callable[[str], None]) -> Dataset:
    if known.name == "digits":
        return sklearn_digits.load()
    was_here = is_here(known.name)
    folder = _files_in_cache(known, offline, say)
    try:
        return cached.open_dataset(folder, known, _expected_md5(known.name))
    except DatasetError as error:
        if offline or not was_here:
            raise
        say(f"{error} Fetching it again.")
    for name in IDX_FILES:
        (folder / name).unlink(missing_ok=True)
    folder = _files_in_cache(known, offline, say)
    return cached.open_dataset(folder, known, _expected_md5(known.name))


def _files_in_cache(known: KnownDataset, offline: bool, say: Callable[[str], None]) -> Path:
    if known.name == "mnist":
        return mnist.files_in_cache(offline=offline, say=say)
    return torchvision_sets.files_in_cache(known, offline=offline, say=say)


def _expected_md5(name: str) -> dict[str, str]:
    """Of MNIST's files; torchvision checks the others by checksums of what it downloads."""
    return mnist.CANONICAL_MD5 if name == "mnist" else {}


# --------------------------------------------------------------------------------------------- paths


def _existing_path(reference: str) -> Path:
    """As the user wrote it, or as a record keeps it; a folder or a regular file."""
    paths = [user_path(name) for name in (reference, on_disk(reference))]
    path = next((path for path in paths if path.exists()), None)
    if not reference.strip() or path is None:
        shown = readable(reference)
        raise UsageError(f"{shown!r} is neither a known dataset nor a path. {_names_and_near_misses(shown)}")
    check_regular(path)
    return path


def _load_path(path: Path, img_size: int | None, say: Callable[[str], None], *, rehash: bool = False) -> Dataset:
    if path.is_file() and not _may_be_archive(path):
        raise DatasetError(
            f"{path} is a single file; expected a folder or zip with MNIST-like IDX files, or a folder of class "
            f"folders. Name the folder that it is in."
        )
    found = idx_folder.find(path)
    if not found and path.is_dir():
        return image_folder.load(path, img_size, say, rehash=rehash)
    if not found:
        raise DatasetError(f"{path} has no IDX files. {idx_folder.EXPECTED}; a zip of pictures must be unpacked first.")
    if outside := names_that_lead_out(path):
        say(f"{path}: skipped, because such a name leads out of the folder: {', '.join(outside[:3])}")
    dataset = idx_folder.load(path, found, say)
    if img_size not in (None, dataset.card.height):
        raise UsageError(
            f"{path} holds IDX images of {dataset.card.height} x {dataset.card.width} pixels, and {img_size} was asked "
            f"for. --img-size is for folders of pictures; leave it out here."
        )
    return dataset


def _may_be_archive(path: Path) -> bool:
    return path.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar") and "ubyte" not in path.name


def _checks_of_path(path: Path) -> tuple[FileCheck, ...]:
    """The hashes of IDX files, with MNIST's canonical one if it is that; nothing for pictures."""
    canonical = set(mnist.CANONICAL_MD5.values())
    files = idx_folder.read(idx_folder.find(path))
    return tuple(FileCheck(file.name, file.md5, file.md5 if file.md5 in canonical else None) for file in files)


def _names_and_near_misses(name: str) -> str:
    wanted = name.strip().lower()
    near = [known for known in KNOWN if wanted and wanted in known]
    near += [known for known in difflib.get_close_matches(wanted, KNOWN, n=2, cutoff=0.5) if known not in near]
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"Expected one of {', '.join(KNOWN)}, or the path of a folder or zip.{guess}"
