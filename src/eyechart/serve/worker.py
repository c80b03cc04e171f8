"""Pictures are read one after the other in a thread of their own, so that the event loop goes on answering."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from eyechart.serve.refusals import Refused

Result = TypeVar("Result")


class Worker:
    """A queue of bounded length before one thread."""

    def __init__(self, most_waiting: int, most_seconds: float):
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reading")
        self._most_waiting, self._most_seconds = most_waiting, most_seconds
        self._num_waiting, self._counting = 0, threading.Lock()

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, or what it raises.

        Raises Refused (429) when too many wait, or when the answer was not there in time; work that has begun is then
        ended all the same, and counts until it is.
        """
        if self._num_waiting >= self._most_waiting:
            raise Refused(429, f"{self._num_waiting} pictures wait already; ask again in a second.", retry_after=1)
        self._change(1)
        pending = self._thread.submit(work)
        pending.add_done_callback(lambda _: self._change(-1))
        answered = asyncio.wrap_future(pending)
        try:
            return await asyncio.wait_for(asyncio.shield(answered), self._most_seconds)
        except TimeoutError:
            pending.cancel()
            why = f"There was no answer within {self._most_seconds:g} s, because many ask at once; ask again later."
            raise Refused(429, why, retry_after=5) from None

    def _change(self, by: int) -> None:
        with self._counting:
            self._num_waiting += by

    def close(self) -> None:
        """Nothing that waits is begun any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
