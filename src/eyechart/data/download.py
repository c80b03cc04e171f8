"""Fetching a file over HTTP with a deadline that holds, whatever the other side does."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

CHUNK_BYTES = 1 << 16


class DownloadError(Exception):
    """A plain reason why one place did not deliver; the caller tries the next one."""


def within(seconds: float, function: Callable[[], Result]) -> Result:
    """What `function` returns, or DownloadError when it takes longer than `seconds`.

    It runs in a thread of its own, which is left behind when it is late: looking up a host's name cannot be
    interrupted and may take far longer than any timeout of the connection itself.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise DownloadError(f"no answer within {seconds:g} s")
    return outcome[0]


def download(url: str, *, deadline_seconds: float, max_bytes: int) -> bytes:
    """The content of a URL.  Raises DownloadError after the deadline, beyond `max_bytes`, for any trouble."""
    return within(deadline_seconds, lambda: _download(url, deadline_seconds, max_bytes))


def _download(url: str, deadline_seconds: float, max_bytes: int) -> bytes:
    stop_at = time.monotonic() + deadline_seconds
    content = bytearray()
    try:
        with urllib.request.urlopen(url, timeout=deadline_seconds) as response:
            while chunk := response.read1(CHUNK_BYTES):
                content += chunk
                if len(content) > max_bytes:
                    raise DownloadError(f"more than the expected {max_bytes:,} bytes came")
                if time.monotonic() > stop_at:  # ends a thread that was left behind
                    raise DownloadError(f"not finished within {deadline_seconds:g} s")
    except urllib.error.HTTPError as error:
        raise DownloadError(f"the server answered {error.code} {error.reason}") from None
    except (OSError, ValueError) as error:  # no route, no such host, a URL that is none
        reason = getattr(error, "reason", None) or error
        raise DownloadError(f"no connection: {reason}") from None
    return bytes(content)
