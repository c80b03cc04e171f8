"""Folders of runs at an address (s3://, gs://, file:///: what fsspec opens), and the copies in which we work on them.

<cache folder>/outputs/<name>-<hash>/                      the copy: studies and runs as everywhere
<cache folder>/outputs/<name>-<hash>/.eyechart-address/    of which address, and what both had in common: twins.py

A copy is brought up to date before anything reads or changes it.  What has changed is put back after that, and every
few seconds while a run is under way.  The address counts: a file that changed there replaces the copy's.  A run.json
is put last and never over another's, so that a run is there once, however many machines did it.  Nothing at the address
is removed, except what a run that is finished needs no more.  An address has no locks.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from eyechart.base.errors import EyechartError, StorageError
from eyechart.files import storage
from eyechart.files.cache import cache_folder
from eyechart.files.places import as_address, user_path
from eyechart.files.twins import MARKER, TRANSIENT, open_address, parts_of, told_as_ours, twins_of

PUT_SECONDS = 10.0  # between two looks for what a run under way has written
Wanted = Callable[[str], bool]  # whether a file of that name is fetched


def everything(name: str) -> bool:
    """For commands that ask trained networks, or go on with a training."""
    return True


def but_weights(name: str) -> bool:
    """For commands that compare and draw: what was answered, without what answered."""
    return not name.endswith(".safetensors")


def records(name: str) -> bool:
    """For commands that list."""
    return name.endswith(".json")


def here(path: str | Path, wanted: Wanted | None = everything) -> Path:
    """A path of this machine for what somebody wrote: `~` is their home, and an address stands for its copy.

    Of the copy what is `wanted` is brought up to date; None: nothing.  Raises UsageError for an address that no
    installed package opens, StorageError where it cannot be read.
    """
    address = as_address(path)
    if address is None:
        return user_path(path)
    folder = copy_of(address)
    if wanted:
        fetch(folder, wanted)
        if storage.is_run(folder):
            fetch(folder.parent, wanted, deep=False)
        if not folder.is_dir():
            raise StorageError(f"{address} holds nothing; expected runs of eyechart there. Look at its spelling.")
    return folder


def copy_of(address: str) -> Path:
    """The folder of the cache for an address, in the copy of the place above it, or of one further up.

    That of the place above, because the test images of a run lie beside it.  Raises UsageError as `here`.
    """
    outputs, asked = cache_folder() / "outputs", address.rstrip("/")
    copies = {marker.read_text(encoding="utf-8"): marker.parents[1] for marker in outputs.glob(f"*/{MARKER}/address")}
    for known in sorted(copies, key=len, reverse=True):  # the nearest: a copy of a place above may have come later
        if asked == known or asked.startswith(f"{known}/"):
            return copies[known].joinpath(*parts_of(asked[len(known) :]))
    open_address(asked)  # before anything is made for what cannot be opened
    above = asked.rpartition("/")[0]
    place = asked if above.endswith("/") else above
    name = re.sub(r"[^A-Za-z0-9-]+", "-", place.rpartition("/")[2]).strip("-") or "runs"
    root = outputs / f"{name}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
    storage.write_text(root / MARKER / "address", place)
    return root.joinpath(*parts_of(asked[len(place) :]))


def address_of(folder: Path) -> str | None:
    """The address whose copy a folder is or belongs to; None for a folder of this machine alone."""
    twins = twins_of(folder)
    return twins.address if twins else None


def fetch(folder: Path, wanted: Wanted = everything, deep: bool = True) -> None:
    """Bring what is `wanted` in a folder of a copy up to date with its address; nothing happens to other folders.

    Not `deep`: the files that lie in it, without the folders.  Raises StorageError.
    """
    twins = twins_of(folder)
    if twins is None:
        return
    with told_as_ours(twins):
        there = twins.listed(deep)
        finished = {path.parent for path in there if path.name == storage.RUN_FILE}
        for path in sorted(there, key=_run_file_last):
            path.parent.mkdir(parents=True, exist_ok=True)  # also where nothing of it is wanted: it is there
            is_late = path.name in TRANSIENT and (path.parent in finished or storage.is_run(path.parent))
            if wanted(path.name) and twins.is_behind(path, there[path]) and not is_late:
                twins.get_file(path, there[path])
        for run in finished:  # by another machine, perhaps after this one had begun it
            for name in TRANSIENT:
                (run / name).unlink(missing_ok=True)


def put(folder: Path, deep: bool = True) -> None:
    """Bring what is new in a folder of a copy to its address; nothing happens to other folders.

    Not `deep`: the files that lie in it, without the folders.  Raises StorageError.
    """
    twins = twins_of(folder)
    if twins is None or not folder.is_dir():
        return
    with told_as_ours(twins):
        for each in _folders(folder) if deep else [folder]:
            if twins.was_done_by_another(each):  # the first one counts
                if storage.is_run(each):  # else it is still under way here, and replaced when it is done
                    fetch(each, deep=False)
                continue
            for path in sorted(each.iterdir(), key=_run_file_last):
                if path.is_file() and twins.is_shared(path) and twins.has_news(path):
                    twins.put_file(path)


@contextlib.contextmanager
def worked_on(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Work in a folder, which is brought up to date before and put at its address after, if it is that of a copy."""
    address = address_of(folder)
    if address:
        say(
            f"{address} is worked on in {folder}, and what is new is put there; "
            f"an address has no locks: make sure that nobody else does the same runs"
        )
        fetch(folder)
    with _putting(folder):
        yield


@contextlib.contextmanager
def kept_up(folder: Path) -> Iterator[None]:
    """While a run is done in its folder, what it writes is put at the address from time to time, and all at the end.

    What goes wrong meanwhile is tried again; StorageError when it goes wrong at the end.
    """
    if address_of(folder) is None:
        yield
        return
    ended = threading.Event()

    def keep_up() -> None:
        while not ended.wait(PUT_SECONDS):
            with contextlib.suppress(EyechartError):
                put(folder)

    thread = threading.Thread(target=keep_up, daemon=True)
    with _putting(folder):
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        put(folder.parent, deep=False)  # the test images, before the run that needs them


@contextlib.contextmanager
def _putting(folder: Path) -> Iterator[None]:
    """What is done inside is put at the end, however that comes; an error inside is told before one of putting."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(EyechartError):
            put(folder)
        raise
    put(folder)


def _run_file_last(path: Path) -> tuple[bool, Path]:
    return path.name == storage.RUN_FILE, path


def _folders(folder: Path) -> Iterator[Path]:
    """A folder and all below it, but for hidden ones."""
    yield folder
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.is_symlink() and not each.name.startswith("."):
            yield from _folders(each)
