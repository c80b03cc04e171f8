"""How a benchmark is measured: two sides in processes of their own, one measurement after the other, in turns.

Each side starts once, warms up, and then waits; so both have clean memory and warm caches, neither works while the
other is measured, and whatever slows the machine down for a minute hits both sides of a pair.  The ratio is taken pair
by pair; its median, smallest and largest are what is reported.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from eyechart.base.errors import RunFailed

ROOT = Path(__file__).resolve().parent.parent
Value = TypeVar("Value")


# --------------------------------------------------------------------------------------------- what is asked for


def _say_nothing(sentence: str) -> None:
    """For tests."""


@dataclass(frozen=True)
class Settings:
    """What whoever runs the benchmarks decides; everything else is fixed by each benchmark."""

    num_threads: int
    num_repeats: int | None = None  # None: as many as the benchmark asks for
    is_tiny: bool = False  # a few images, only to see that the code works; the figures mean nothing
    study: Path = ROOT / "runs" / "quick-mnist"  # a finished study of the quick preset
    say: Callable[[str], None] = _say_nothing

    def pick(self, full: Value, tiny: Value) -> Value:
        return tiny if self.is_tiny else full

    def repeats(self, full: int) -> int:
        return self.num_repeats or self.pick(full, 1)


# --------------------------------------------------------------------------------------------- what comes of it


class Spread(NamedTuple):
    median: float
    min: float
    max: float


def spread(values: list[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Result:
    """What was measured: a value for every repeat, the peer's beside it where there is one.

    A ratio above 1 says that ours is better, whatever the unit.
    """

    unit: str
    better: Literal["higher", "lower"]
    ours: list[float]
    peer: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)  # conditions, accuracies: whatever a reader should know

    def ratios(self) -> list[float]:
        pairs = zip(self.ours, self.peer, strict=True) if self.peer else ()
        return [ours / peer if self.better == "higher" else peer / ours for ours, peer in pairs]

    def as_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {"ours": statistics.median(self.ours)}
        if self.peer:
            content |= {"peer": statistics.median(self.peer), "ratio": spread(self.ratios())._asdict()}
        values = {"ours": self.ours} | ({"peer": self.peer} if self.peer else {})
        return content | {"unit": self.unit, "better": self.better, "values": values} | self.facts


# --------------------------------------------------------------------------------------------- taking turns


class SideSpec(NamedTuple):
    """A side: "module:function", its arguments, and whether memory is handled as eyechart's own processes do it."""

    factory: str
    arguments: dict[str, Any]
    is_ours: bool


def ours(factory: str, **arguments: Any) -> SideSpec:
    return SideSpec(factory, arguments, is_ours=True)


def peer(factory: str, **arguments: Any) -> SideSpec:
    return SideSpec(factory, arguments, is_ours=False)


class Side:
    """A process that has prepared and warmed up one side, and measures when it is asked to."""

    def __init__(self, process: subprocess.Popen[str], complaints: Path):
        self._process, self._complaints = process, complaints
        self._answer()  # it is ready

    def measure(self) -> Any:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it died; why is said when the answer is read
            self._process.stdin.write("measure\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            complaints = self._complaints.read_text(encoding="utf-8", errors="replace")
            raise RunFailed(f"A side of the benchmark ended early.\n{complaints[-3000:]}")
        return json.loads(line)["value"]


@contextlib.contextmanager
def side(spec: SideSpec, num_threads: int) -> Iterator[Side]:
    """Start a side; it ends with the block."""
    call = json.dumps(spec._asdict() | {"num_threads": num_threads})
    environment = os.environ | {"OMP_NUM_THREADS": str(num_threads)}  # read once, when a process starts
    with tempfile.TemporaryDirectory() as folder:
        complaints = Path(folder) / "stderr.txt"
        with complaints.open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.side", call],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                encoding="utf-8",
            )
        with process:
            try:
                yield Side(process, complaints)
            finally:
                process.terminate()


def take_turns(
    measure_ours: Callable[[], float], measure_peer: Callable[[], float], num_pairs: int
) -> tuple[list[float], list[float]]:
    """Measure both, pair by pair; who goes first changes from pair to pair, so neither always follows the other."""
    values: tuple[list[float], list[float]] = ([], [])
    for pair in range(num_pairs):
        for index in (0, 1) if pair % 2 == 0 else (1, 0):
            values[index].append((measure_ours, measure_peer)[index]())
    return values


def compare(
    settings: Settings, our_side: SideSpec, peer_side: SideSpec, num_pairs: int
) -> tuple[list[float], list[float]]:
    """Both sides in processes of their own, measured in turns."""
    with side(our_side, settings.num_threads) as first, side(peer_side, settings.num_threads) as second:
        return take_turns(first.measure, second.measure, settings.repeats(num_pairs))


def ask_once(settings: Settings, spec: SideSpec) -> Any:
    """One answer from a process of its own."""
    with side(spec, settings.num_threads) as process:
        return process.measure()
