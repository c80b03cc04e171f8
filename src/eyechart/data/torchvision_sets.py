"""Datasets that torchvision can fetch: started in a process of its own, with a deadline, and kept as IDX files."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyechart.base import children
from eyechart.base.errors import DatasetMissing, StorageError
from eyechart.data.cached import CHECKED_FILE
from eyechart.data.idx import IDX_FILES
from eyechart.files.cache import cache_folder, keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eyechart.data.known import KnownDataset

LEAST_SECONDS = 120.0  # torchvision's import takes a good part of the first ones
SECONDS_PER_MEGABYTE = 3.0


def files_in_cache(
    known: KnownDataset, *, offline: bool, say: Callable[[str], None], deadline_seconds: float | None = None
) -> Path:
    """Make sure that the four IDX files are in the cache, and return their folder.

    torchvision's own source files may be put into <cache folder>/torchvision by hand; then nothing is downloaded.
    Raises DatasetMissing, naming files and folder, when they are not there and could not be fetched in time.
    """
    folder = cache_folder() / known.name
    if all((folder / name).is_file() for name in IDX_FILES):
        return folder
    deadline = deadline_seconds or max(LEAST_SECONDS, SECONDS_PER_MEGABYTE * known.download_megabytes)
    if not offline:
        say(f"{known.name}: trying torchvision ({known.download_megabytes} MB, at most {deadline:g} s)")
    with _staging_folder() as staging:
        by_hand = cache_folder() / "torchvision"
        root = by_hand if by_hand.is_dir() else staging / "source"
        reply = _run_child(known.name, root, staging / "files", offline, deadline)
        if reply:
            raise DatasetMissing(_what_is_missing(known, reply, offline))
        for name in IDX_FILES:
            keep(folder / name, (staging / "files" / name).read_bytes())
    (folder / CHECKED_FILE).unlink(missing_ok=True)
    say(f"{known.name}: fetched, all checksums are torchvision's")
    return folder


@contextlib.contextmanager
def _staging_folder() -> Iterator[Path]:
    """A folder beside the cached ones that is gone afterwards, whatever happens."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        staging = tempfile.TemporaryDirectory(dir=cache_folder(), prefix=".fetching-", ignore_cleanup_errors=True)
    except OSError as error:
        raise StorageError(
            f"The cache folder {cache_folder()} cannot be written to ({error.strerror}). "
            f"Set EYECHART_CACHE to a folder that can be."
        ) from None
    with staging as path:
        yield Path(path)


def child_command(name: str, root: Path, output: Path, offline: bool) -> list[str]:
    """The command line of the process that does the work; a function of its own so that tests can replace it."""
    command = children.python("eyechart.data.torchvision_child", name, str(root), str(output))
    return [*command, "--offline"] if offline else command


def _run_child(name: str, root: Path, output: Path, offline: bool, deadline_seconds: float) -> dict[str, Any]:
    """Its answer: empty when all went well, else why not."""
    try:
        done = children.run(child_command(name, root, output, offline), seconds=deadline_seconds)
    except subprocess.TimeoutExpired:
        return {"failed": f"not finished within {deadline_seconds:g} s"}
    try:
        reply = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last_line = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return {"failed": f"the process ended with {done.returncode}: {last_line}"}
    assert isinstance(reply, dict)
    return reply


def _what_is_missing(known: KnownDataset, reply: dict[str, Any], offline: bool) -> str:
    folder = cache_folder() / "torchvision"
    if reply.get("missing"):
        source_files = f"Put these files there: {', '.join(str(folder / file) for file in reply['missing'])}"
    else:
        source_files = f"Put torchvision's source files below {folder} (--offline lists them)"
    failure = f"it could not be fetched ({reply.get('failed', 'no reason given')})"
    return (
        f"{known.name} is not in the cache, and {'the network must not be touched' if offline else failure}. "
        f"{source_files}; or put {', '.join(IDX_FILES)} into {cache_folder() / known.name}; "
        f"or run `eyechart data fetch {known.name}` where there is a network."
    )
