"""A folder of a copy and its twin at an address: what is there, what is new, and what both had in common.

<copy>/.eyechart-address/address             where it is
<copy>/.eyechart-address/seen/<file>.json    of each file its size and time here, and what the address told of it, when
                                             both were the same

addresses.py says what this is for.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from eyechart.base.errors import EyechartError, StorageError, UsageError
from eyechart.base.plain_json import json_text, read_json
from eyechart.files import storage

MARKER = f"{storage.LOCK_PREFIX}address"
TRANSIENT = (*storage.CHECKPOINT_FILES, storage.FAILURE_FILE)  # of a run until it is finished
NEVER_PUT = (storage.SPILL_FILE,)
# What services tell of a file that changes when the file does, the best first.
CHANGES = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "modified", "LastModified", "last_modified", "created")


class Twins(NamedTuple):
    """A folder of a copy and its place at the address."""

    root: Path  # of the copy
    folder: Path
    address: str  # of the folder
    files: Any  # an fsspec file system
    place: str  # what that file system calls the folder

    # ----------------------------------------------------------------------------------------- the address

    def listed(self, deep: bool) -> dict[Path, str]:
        """What lies at the address, as paths of the copy, each with a text that changes when the file does."""
        self.files.invalidate_cache()
        try:
            found = self.files.find(self.place, maxdepth=None if deep else 1, detail=True)
        except FileNotFoundError:
            return {}
        listed = {}
        for name, facts in found.items():
            parts = parts_of(name.removeprefix(self.place))
            path = self.folder.joinpath(*parts)
            if parts and facts.get("type") != "directory" and self.is_shared(path):
                listed[path] = _state(facts)
        return listed

    def get_file(self, path: Path, state: str) -> None:
        with self.files.open(self._remote(path), "rb") as source, storage.atomic_file(path) as copy:
            shutil.copyfileobj(source, copy)
        self._see(path, state, path.stat())

    def put_file(self, path: Path) -> None:
        """Whole or not at all; of a run that is finished, what it needs no more is removed there."""
        from fsspec.implementations.local import LocalFileSystem

        remote, before = self._remote(path), path.stat()
        self.files.makedirs(remote.rpartition("/")[0], exist_ok=True)
        if isinstance(self.files, LocalFileSystem):  # elsewhere an object appears when all of it is there
            with path.open("rb") as source, self.files.open(remote, "wb", autocommit=False) as target:
                shutil.copyfileobj(source, target)
            target.commit()
        else:
            self.files.put_file(str(path), remote)
        self._see(path, self._state_of(remote), before)
        if path.name == storage.RUN_FILE:
            for name in TRANSIENT:
                with contextlib.suppress(FileNotFoundError):
                    self.files.rm_file(self._remote(path.with_name(name)))

    def was_done_by_another(self, folder: Path) -> bool:
        """Whether a run that was done here, or is under way, and never put, is at the address already."""
        path = folder / storage.RUN_FILE
        traces = (path.name, *TRANSIENT, storage.WEIGHTS_FILE, storage.PREDICTIONS_FILE)
        if self._seen(path) or not any((folder / name).is_file() for name in traces):
            return False
        self.files.invalidate_cache()
        return bool(self.files.exists(self._remote(path)))

    def _state_of(self, remote: str) -> str:
        """As `listed` tells it: what a service says of one file has other forms."""
        self.files.invalidate_cache()
        beside = self.files.find(remote.rpartition("/")[0], maxdepth=1, detail=True)
        return _state(beside.get(remote, {}))

    def _remote(self, path: Path) -> str:
        return "/".join([self.place, *path.relative_to(self.folder).parts])

    # ----------------------------------------------------------------------------------------- the copy

    def is_shared(self, path: Path) -> bool:
        """What is hidden is not finished, or ours alone."""
        return not storage.is_hidden(path, self.root) and path.name not in NEVER_PUT

    def has_news(self, path: Path) -> bool:
        """Whether a file changed here since both were the same, or never were."""
        known, facts = self._seen(path), path.stat()
        return known is None or known["here"] != [facts.st_size, facts.st_mtime_ns]

    def is_behind(self, path: Path, state: str) -> bool:
        """Whether the address has another file than the one that was last the same, or there is none here."""
        known = self._seen(path)
        return known is None or known["there"] != state or not path.exists()

    def _seen(self, path: Path) -> dict[str, Any] | None:
        try:
            return dict(read_json(self._seen_file(path).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None

    def _see(self, path: Path, there: str, here: os.stat_result) -> None:
        text = json_text({"here": [here.st_size, here.st_mtime_ns], "there": there})
        storage.write_text(self._seen_file(path), text)

    def _seen_file(self, path: Path) -> Path:
        relative = path.relative_to(self.root)
        return self.root / MARKER / "seen" / relative.with_name(relative.name + ".json")


def twins_of(folder: Path) -> Twins | None:
    """None for a folder of this machine alone.  Raises UsageError where its address cannot be opened."""
    for root in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            known = (root / MARKER / "address").read_text(encoding="utf-8")
            address = "/".join([known, *folder.relative_to(root).parts])
            return Twins(root, folder, address, *open_address(address))
    return None


def open_address(address: str) -> tuple[Any, str]:
    """fsspec's file system, and what it calls the place; UsageError where nothing that is installed opens it."""
    import fsspec

    try:
        files, place = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise UsageError(
            f"{address} needs a package that is not installed here ({error}). Install it with pip, or give a path."
        ) from None
    except ValueError as error:
        raise UsageError(
            f"{address} is no address that can be opened ({error}). Expected one such as s3://bucket/runs, or a path."
        ) from None
    return files, place.rstrip("/")


@contextlib.contextmanager
def told_as_ours(twins: Twins) -> Iterator[None]:
    """What a package for some service raises, as StorageError; a package raises what it likes."""
    try:
        yield
    except EyechartError:
        raise
    except Exception as error:
        why = str(error).strip() or type(error).__name__
        raise StorageError(
            f"{twins.address} could not be reached or written to ({why}). What was done is in {twins.folder}. See to "
            f"the connection and the permissions, then give the same command again, with --resume if it trains."
        ) from error


def parts_of(place: str) -> list[str]:
    """The names of a path below an address; StorageError for one that would lead elsewhere."""
    parts = [part for part in place.split("/") if part]
    if any(part == ".." or "\\" in part or (os.name == "nt" and ":" in part) for part in parts):
        raise StorageError(f"{place} leads out of its folder; expected names of files and folders, without `..`.")
    return parts


def _state(facts: dict[str, Any]) -> str:
    """The size, and the best that a service tells of changes."""
    change = next((facts[name] for name in CHANGES if facts.get(name) is not None), "")
    return f"{facts.get('size')} {change}"
