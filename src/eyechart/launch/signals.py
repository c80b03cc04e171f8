"""A wish to stop, passed on to the workers that are there; and the end of one that does not listen."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


class Signals:
    """SIGINT and SIGTERM go on to the workers, which save and end; a second one ends them at once.

    Those that come before there is a worker are handed on when there is.  Only the main thread hears any; workers may
    be started in others.
    """

    def __init__(self) -> None:
        self.heard: list[int] = []
        self._processes: list[subprocess.Popen[str]] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *raised: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def go_to(self, process: subprocess.Popen[str]) -> None:
        """Pass signals on to one process more."""
        self._processes.append(process)
        if self.heard:  # after it stands in the list: a signal between the two is passed on twice, and not lost
            if sys.platform == "win32":  # it came after Ctrl-C, and has done nothing yet that could be saved
                kill(process)
            else:
                process.send_signal(self.heard[0])

    def stop_all(self, number: int) -> None:
        """As if a signal was heard: the first asks every worker to save and end, the next one ends it at once."""
        self.heard.append(number)
        for process in list(self._processes):  # those that ended take no notice
            if len(self.heard) == 1:
                _ask(process, number)
            else:
                kill(process)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.stop_all(number)


def _ask(process: subprocess.Popen[str], number: int) -> None:
    """To save and end.  Windows has no such signal, but its Ctrl-C reaches all of a console, the workers among them."""
    if sys.platform == "win32" and number == signal.SIGINT:
        return
    process.send_signal(number)


def kill(process: subprocess.Popen[str]) -> None:
    """End a worker at once, with what it started itself; what it saved by then stays."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
