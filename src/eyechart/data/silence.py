"""libtiff writes every fault that it finds straight to the terminal, past Python; one sentence of ours is enough."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_ERROR = 2
_one_at_a_time = threading.Lock()  # two at once could put each other's silence back for good


@contextlib.contextmanager
def silent_standard_error() -> Iterator[None]:
    """What anything in this process, in C too, writes to standard error meanwhile is lost."""
    with _one_at_a_time, contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError):  # where there is no standard error, nothing needs to be done
            kept = os.dup(STANDARD_ERROR)
            undo.callback(os.close, kept)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            undo.callback(os.close, nowhere)
            os.dup2(nowhere, STANDARD_ERROR)
            undo.callback(os.dup2, kept, STANDARD_ERROR)
        yield
