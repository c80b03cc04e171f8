"""What a large folder of pictures costs an image, and whether it takes more memory than a small one.

The folders are made by scripts/make_large_folder.py: MNIST's pictures as PNG files, and hard links to them.  Caveat:
they lie in the system's cache, as links they take a sixteenth of the disk's inodes, and decoding them is cheap; real
folders of this size wait for the disk.  Memory is what the process has for itself (RssAnon): pages of the store, which
the system takes back whenever it wants them, do not count.  Linux only.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Result, Settings, ask_once, ours, side
from eyechart.base.errors import MissingError

SIZES, TINY_SIZES = (10_000, 100_000, 1_000_000), (200, 400)
MEASURED_IMAGES = 25_600  # of each stretch of training
POLL_SECONDS = 0.02
STATUS = Path("/proc/self/status")
UNIT = "microseconds an image"


def growth_prepare(settings: Settings) -> Result:
    """Microseconds an image until a folder of a million pictures is prepared: listed, decoded, hashed and stored.

    Claim: within 1.2x of the cost at 10,000.  n: one pass for each size, each in a fresh process with an empty cache.
    Hardware: cores and the disk's cache; all cores decode, whatever --threads says.
    """
    sizes = settings.pick(SIZES, TINY_SIZES)
    measured = {}
    for size in sizes:
        with _large_folder(settings, size) as (folder, cache):
            spec = ours("benchmarks.growth:preparation", folder=folder, cache=cache)
            measured[size] = ask_once(settings, spec)
    costs = {size: [answer["microseconds"]] for size, answer in measured.items()}
    return _result(costs, {size: answer["anonymous_bytes"] for size, answer in measured.items()})


def growth_train(settings: Settings) -> Result:
    """Microseconds an image of cnn's training steps on a folder of a million pictures.

    Claim: within 1.2x of the cost on 10,000, in memory that does not grow but for the order of an epoch and labels.
    n: 5 stretches for each size, the sizes in turns.  Hardware: the store lies in the system's cache.
    """
    sizes = settings.pick(SIZES, TINY_SIZES)
    tiny = {"num_images": 64, "batch_size": 8}
    arguments = settings.pick({"num_images": MEASURED_IMAGES, "batch_size": None}, tiny)
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    with contextlib.ExitStack() as stack:
        running = {}
        for size in sizes:
            folder, cache = stack.enter_context(_large_folder(settings, size))
            ask_once(settings, ours("benchmarks.growth:preparation", folder=folder, cache=cache))
            spec = ours("benchmarks.growth:training", folder=folder, cache=cache, **arguments)
            running[size] = stack.enter_context(side(spec, settings.num_threads))
        memory = {}
        for _ in range(settings.repeats(5)):
            for size, process in running.items():
                answer = process.measure()
                costs[size].append(answer["microseconds"])
                memory[size] = answer["anonymous_bytes"]
    return _result(costs, memory)


def _result(costs: dict[int, list[float]], anonymous_bytes: dict[int, int]) -> Result:
    """`ours` is the largest size; the facts hold all sizes, and how much dearer the largest is than the smallest."""
    medians = {str(size): statistics.median(values) for size, values in costs.items()}
    smallest, largest = min(costs), max(costs)
    facts = {
        "by_size": medians,
        "growth": medians[str(largest)] / medians[str(smallest)],
        "anonymous_bytes_by_size": {str(size): count for size, count in anonymous_bytes.items()},
    }
    return Result(UNIT, "lower", costs[largest], facts=facts)


@contextlib.contextmanager
def _large_folder(settings: Settings, num_pictures: int) -> Iterator[tuple[str, str]]:
    """A folder of that many pictures and an empty cache; both are gone afterwards."""
    if not STATUS.exists():
        raise MissingError(f"{STATUS} is not there: how much memory a process has for itself is only known on Linux.")
    with tempfile.TemporaryDirectory(prefix="eyechart-growth-") as name:
        settings.say(f"growth: making a folder of {num_pictures:,} pictures in {name}")
        folder = Path(name) / "pictures"
        _script().make_folder(folder, num_pictures)
        yield str(folder), str(Path(name) / "cache")


def _script() -> Any:
    """scripts/make_large_folder.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("make_large_folder", ROOT / "scripts" / "make_large_folder.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --------------------------------------------------------------------------------------------- sides


def preparation(folder: str, cache: str) -> Callable[[], dict[str, float]]:
    """From a path to a dataset that is ready to be split."""
    from eyechart.data.catalog import load_dataset

    os.environ["EYECHART_CACHE"] = cache

    def measure() -> dict[str, float]:
        with AnonymousPeak() as peak:
            started = time.perf_counter()
            card = load_dataset(folder, say=_tell).card
            seconds = time.perf_counter() - started
        return {"microseconds": seconds / (card.num_train + card.num_test) * 1e6, "anonymous_bytes": peak.num_bytes}

    return measure


def training(folder: str, cache: str, num_images: int, batch_size: int | None) -> Callable[[], dict[str, float]]:
    """Training steps in steady state; the memory is the peak from before the dataset was opened."""
    from benchmarks.workload import measure_steps, prepare_contender

    os.environ["EYECHART_CACHE"] = cache
    peak = AnonymousPeak().__enter__()
    changes = {} if batch_size is None else {"batch_size": batch_size}
    contender = prepare_contender("cnn", changes, data=folder)
    rate = measure_steps(contender, contender.model, num_images)
    return lambda: {"microseconds": 1e6 / rate(), "anonymous_bytes": peak.num_bytes}


class AnonymousPeak:
    """The most memory of its own that this process had, looked at many times a second."""

    def __init__(self) -> None:
        self.num_bytes = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> AnonymousPeak:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._is_over.wait(POLL_SECONDS)
            self.num_bytes = max(self.num_bytes, anonymous_bytes())


def anonymous_bytes() -> int:
    """Memory of this process that no file stands behind, now."""
    line = next(line for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
