"""One thing at a time beside the event loop, in a queue that ends."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import pytest

from eyechart.serve.refusals import Refused
from eyechart.serve.worker import Worker


def test_results_and_errors_come_back_in_order() -> None:
    async def ask() -> list[object]:
        worker = Worker(10, 5)
        done: list[int] = []

        def work(place: int) -> str:
            done.append(place)
            return threading.current_thread().name

        results = await asyncio.gather(
            *(worker.run(partial(work, place)) for place in range(3)),
            worker.run(lambda: 1 // 0),
            return_exceptions=True,
        )
        worker.close()
        return [done, *results]

    done, *results = asyncio.run(ask())
    assert done == [0, 1, 2]
    assert len(set(map(str, results[:3]))) == 1, "one thread"
    assert isinstance(results[3], ZeroDivisionError)


def test_a_full_queue_and_a_late_answer_are_told() -> None:
    released, begun = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        assert released.wait(10)
        return 1

    async def ask() -> None:
        worker = Worker(2, 0.2)
        first, second = asyncio.create_task(worker.run(slow)), asyncio.create_task(worker.run(lambda: 2))
        await asyncio.to_thread(begun.wait)
        with pytest.raises(Refused, match="2 pictures wait") as full:
            await worker.run(lambda: 3)
        assert (full.value.status_code, full.value.headers) == (429, {"Retry-After": "1"})
        for late in (first, second):
            with pytest.raises(Refused, match="no answer within"):
                await late
        with pytest.raises(Refused, match="no answer within"):
            await worker.run(lambda: 4)  # the second was dropped before it began, the first still counts
        released.set()
        for _ in range(100):
            await asyncio.sleep(0.01)
            if worker._num_waiting == 0:
                break
        assert await worker.run(lambda: 5) == 5
        worker.close()

    started = time.monotonic()
    asyncio.run(ask())
    assert time.monotonic() - started < 8
