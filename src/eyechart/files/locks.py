"""One process at a time, by a lock that the system gives back when its holder ends, however that happens.

Beside the lock of a folder stands who holds it.  Who only reads runs asks for no lock.  A study may be shared out: then
each command holds a lock of its own, they open the study one at a time, and nobody has the whole folder meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import socket
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from eyechart.base.clock import now_text
from eyechart.base.errors import UsageError
from eyechart.base.plain_json import json_text
from eyechart.files import addresses
from eyechart.files.storage import LOCK_PREFIX, disk_error, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

POLL_SECONDS = 0.2
SHARE = "share-"  # in the names of locks of those who share a folder
ONE_AT_A_TIME = "one command at a time there"  # what is expected of who comes second
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)  # of some network file systems


@contextlib.contextmanager
def locked(path: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock on `path`, an empty file that is made and stays; its folder must be there.

    While another process holds it, `while_waiting` is called again and again; what it raises ends the wait.
    Raises OSError where the file cannot be made or locked.
    """
    lock = FileLock(path, fallback_to_soft=False)
    while True:
        try:
            lock.acquire(timeout=POLL_SECONDS)
            break
        except Timeout:
            while_waiting()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def hold(folder: Path, say: Callable[[str], None], part: str = "", among_shares: bool = False) -> Iterator[None]:
    """Work in a folder, which is made, or in a `part` of it, as the only process; nothing of this stays behind.

    Raises UsageError, naming the holder, when there is another one, or one that shares the folder, StorageError when
    the folder cannot be written to.
    A file system without locks is told, and nobody is kept out.  A folder that is the copy of an address is brought up
    to date before, and put there after.
    """
    made = _make(folder)
    path, holder = (folder / f"{LOCK_PREFIX}{part}{kind}" for kind in ("lock", "holder.json"))
    lock, ours = FileLock(path, fallback_to_soft=False), [holder]
    try:
        ours += [path] if _take(lock, path, holder, say) else []
        try:
            if not (part or among_shares):
                _refuse_shares(folder)
            write_text(holder, json_text(_who_we_are()) + "\n")
            with contextlib.nullcontext() if part else addresses.worked_on(folder, say):
                yield
        finally:
            for file in ours:
                with contextlib.suppress(OSError):
                    file.unlink()
            lock.release()
    finally:
        for each in made:
            with contextlib.suppress(OSError):  # it holds something by now, and stays
                each.rmdir()


@contextlib.contextmanager
def share(
    folder: Path, name: str, say: Callable[[str], None], beside: str = "*"
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Work in a folder, which is made, beside others that share it under other names, as the pattern `beside` has them.

    What is yielded makes a context in which the others wait: for what one does at a time, such as opening the study.
    Raises UsageError, naming the holder, when somebody has the whole folder, or works under this name or one that the
    pattern has not.
    """
    _make(folder)

    @contextlib.contextmanager
    def alone() -> Iterator[None]:
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(locked(folder / f"{LOCK_PREFIX}opening", lambda: None))
            except OSError as error:
                if error.errno not in NO_LOCKS:  # else `hold` tells that there are none
                    raise
            yield

    with contextlib.ExitStack() as stack:
        try:
            with alone(), hold(folder, say, part="", among_shares=True):
                _refuse_shares(folder, beside, expected="parts of one and the same division there")
                stack.enter_context(hold(folder, say, part=f"{SHARE}{name}-"))
        except OSError as error:
            raise disk_error(folder, error) from error
        yield alone
        addresses.put(folder)


def _refuse_shares(folder: Path, but: str = "", expected: str = ONE_AT_A_TIME) -> None:
    """UsageError when somebody works on a part of a folder, `but` those whose names are so; traces of the killed go."""
    for path in folder.glob(f"{LOCK_PREFIX}{SHARE}*-lock"):
        if fnmatchcase(path.name, f"{LOCK_PREFIX}{SHARE}{but}-lock"):
            continue
        holder = path.with_name(path.name.removesuffix("lock") + "holder.json")
        lock = FileLock(path, fallback_to_soft=False)
        with contextlib.suppress(OSError):  # a file system without locks
            _take(lock, path, holder, lambda sentence: None, expected)
            for trace in (path, holder):
                trace.unlink(missing_ok=True)
            lock.release()


def _make(folder: Path) -> list[Path]:
    """Make a folder; the new ones among it and its parents, the innermost first."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    return new


def _take(lock: FileLock, path: Path, holder: Path, say: Callable[[str], None], expected: str = ONE_AT_A_TIME) -> bool:
    """Whether the lock is ours; False where there are no locks."""
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UsageError(
            f"{path.parent} is in use by {_named(holder)}. Expected {expected}: wait until that one "
            f"has ended, or choose another folder."
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise disk_error(path, error) from error
        say(f"{path.parent} is on a file system without locks: make sure that nobody else works there meanwhile")
        return False
    return True


def _who_we_are() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": now_text(),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def _named(holder: Path) -> str:
    """The holder in words, from the file that it left."""
    try:
        facts = json.loads(holder.read_bytes())
        return f"process {facts['pid']} on {facts['host']} since {facts['since']} ({facts['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
