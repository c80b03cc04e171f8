"""Named sections of wall time, CPU time and foreign CPU time, of which exactly one runs at a moment.

    clock = Clock(device_synchronise(device))
    with clock.section("training"):
        ...
        with clock.section("evaluation"):  # training pauses meanwhile
            ...
    clock.seconds("training")

A device works behind the program's back, so the clock waits for it at every border of a section: what was asked for
in a section is paid by that section.  Not for several threads.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import torch

TICKS_SECONDS = 0.5  # what counting in ticks may be off by, over the borders of a short section
NOISE_SHARE = 0.1  # of the own CPU time: some kernels charge a whole tick to whoever runs when it strikes


def now_text() -> str:
    """The moment for people and records: "2026-11-23T08:48:51+00:00"."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _wait_for_nothing() -> None:
    pass


class Clock:
    """Sums of seconds by section; `synchronise` is called at every border."""

    def __init__(self, synchronise: Callable[[], None] = _wait_for_nothing):
        self._synchronise = synchronise
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._cpu_seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = []  # the innermost one, which is the one that runs, is the last
        self._foreign_seconds: defaultdict[str, float] = defaultdict(float)
        self._border = (0.0, 0.0, 0.0)  # wall, CPU and foreign CPU time up to which everything is accounted for

    @contextlib.contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Count what happens inside as `name`; a section that was running pauses until this one ends."""
        self._cross_border()
        self._open.append(name)
        try:
            yield
        finally:
            try:
                self._cross_border()
            finally:
                self._open.pop()

    def seconds(self, name: str) -> float:
        """Wall seconds of `name` so far, a stretch that still runs included (without waiting for the device)."""
        running = time.perf_counter() - self._border[0] if self._runs(name) else 0.0  # asked often, so nothing else
        return self._seconds.get(name, 0.0) + running

    def settled_seconds(self, name: str) -> float:
        """The same, once the device has done everything that it was asked for."""
        self._synchronise()
        return self.seconds(name)

    def cpu_seconds(self, name: str) -> float:
        """CPU seconds of `name` so far, of all threads of this process and of its children."""
        running = _times()[1] - self._border[1] if self._runs(name) else 0.0
        return self._cpu_seconds.get(name, 0.0) + running

    def foreign_cpu_seconds(self, name: str) -> float:
        """CPU seconds that everything else on this machine took during `name`, kernel and stolen time included.

        It is the difference of two counts (see `known_foreign_seconds`), so noise may make it a little less than 0.
        """
        running = _times()[2] - self._border[2] if self._runs(name) else 0.0
        return self._foreign_seconds.get(name, 0.0) + running

    def known_foreign_seconds(self, name: str) -> float | None:
        """The same, never below 0; None where the machine counted less work than this process alone did.

        Some sandboxes show a /proc/stat that stands still: nothing is known there, which is not "no foreign load".
        """
        foreign, own = self.foreign_cpu_seconds(name), self.cpu_seconds(name)
        return None if foreign < -max(TICKS_SECONDS, NOISE_SHARE * own) else max(0.0, foreign)

    def all_seconds(self) -> dict[str, float]:
        """Wall seconds of every section so far: what a checkpoint keeps and `restore` takes."""
        return {name: self.seconds(name) for name in dict.fromkeys([*self._seconds, *self._open])}

    def all_cpu_seconds(self) -> dict[str, float]:
        return {name: self.cpu_seconds(name) for name in dict.fromkeys([*self._cpu_seconds, *self._open])}

    def all_foreign_cpu_seconds(self) -> dict[str, float]:
        names = dict.fromkeys([*self._foreign_seconds, *self._open])
        return {name: self.foreign_cpu_seconds(name) for name in names}

    def restore(
        self,
        seconds: Mapping[str, float],
        cpu_seconds: Mapping[str, float] | None = None,
        foreign_cpu_seconds: Mapping[str, float] | None = None,
    ) -> None:
        """Add what earlier segments of a resumed run took."""
        for name, amount in seconds.items():
            self._seconds[name] += amount
        for name, amount in (cpu_seconds or {}).items():
            self._cpu_seconds[name] += amount
        for name, amount in (foreign_cpu_seconds or {}).items():
            self._foreign_seconds[name] += amount

    def _cross_border(self) -> None:
        """Charge everything since the last border to the section that was running."""
        self._synchronise()
        now = _times()
        if self._open:
            self._seconds[self._open[-1]] += now[0] - self._border[0]
            self._cpu_seconds[self._open[-1]] += now[1] - self._border[1]
            self._foreign_seconds[self._open[-1]] += now[2] - self._border[2]
        self._border = now

    def _runs(self, name: str) -> bool:
        return bool(self._open) and self._open[-1] == name


def _times() -> tuple[float, float, float]:
    """Wall time, own CPU time, CPU time of everything else on this machine; only differences mean much."""
    own = time.process_time() + children_cpu_seconds()
    return time.perf_counter(), own, busy_cpu_seconds() - own


def children_cpu_seconds() -> float:
    """CPU seconds of all processes that this one started, directly or not, the ended ones (waited for) included.

    Workers that load or compile for a training are part of it, not foreign.
    """
    import psutil

    ended = os.times()
    total = ended.children_user + ended.children_system
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            times = child.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def busy_cpu_seconds() -> float:
    """CPU seconds that this machine has worked since it started, whoever for; stolen by its host counts as well.

    Ticks of a hundredth of a second, so a difference over a moment is coarse.
    """
    import psutil

    times = psutil.cpu_times()
    working = ("user", "nice", "system", "irq", "softirq", "steal", "interrupt", "dpc")  # Linux, macOS and Windows
    return float(sum(getattr(times, name, 0.0) for name in working))


def device_synchronise(device: torch.device) -> Callable[[], None]:
    """What waits until `device` has done everything that it was asked for; on the CPU there is nothing to wait for."""
    if device.type == "cuda":
        import torch

        return lambda: torch.cuda.synchronize(device)
    if device.type == "mps":
        import torch

        return torch.mps.synchronize
    return _wait_for_nothing
