"""The clock with a hand-moved time: what each section is charged with."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from eyechart.clock import Clock, device_synchronise


class Hands:
    """A time that moves only when told; CPU time moves twice as fast, as with two threads."""

    def __init__(self) -> None:
        self.now = 100.0

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr("eyechart.clock.time.perf_counter", lambda: hands.now)
    monkeypatch.setattr("eyechart.clock.time.process_time", lambda: 2 * hands.now)
    return hands


def test_inner_section_pauses_the_outer(hands: Hands):
    clock = Clock()
    hands.wait(50)  # before anything starts: nobody's
    with clock.section("training"):
        hands.wait(3)
        with clock.section("evaluation"):
            hands.wait(10)
        hands.wait(4)
    hands.wait(50)
    with clock.section("evaluation"):
        hands.wait(1)
    assert clock.all_seconds() == {"training": 7, "evaluation": 11}
    assert clock.cpu_seconds("training") == 14
    assert clock.all_cpu_seconds() == {"training": 14, "evaluation": 22}


def test_a_section_inside_itself_counts_once(hands: Hands):
    clock = Clock()
    with clock.section("training"):
        hands.wait(1)
        with clock.section("training"):
            hands.wait(2)
        hands.wait(4)
    assert clock.seconds("training") == 7


def test_running_sections_can_be_read(hands: Hands):
    clock = Clock()
    with clock.section("training"):
        hands.wait(5)
        assert clock.seconds("training") == 5
        assert clock.all_seconds() == {"training": 5}
        with clock.section("evaluation"):
            hands.wait(2)
            assert clock.seconds("training") == 5
            assert clock.seconds("evaluation") == 2
            assert clock.cpu_seconds("evaluation") == 4


def test_unknown_section_is_zero():
    clock = Clock()
    assert clock.seconds("training") == 0
    assert clock.cpu_seconds("training") == 0
    assert clock.all_seconds() == {}


def test_an_error_ends_its_section(hands: Hands):
    clock = Clock()
    with clock.section("total"):
        with contextlib.suppress(ValueError), clock.section("training"):
            hands.wait(3)
            raise ValueError("stop")
        hands.wait(5)
    assert clock.all_seconds() == {"training": 3, "total": 5}


def test_what_a_section_asked_for_is_paid_by_it(hands: Hands):
    """A device that works behind the program's back: waiting for it takes what is still to do."""
    to_do = 0.0

    def synchronise() -> None:
        nonlocal to_do
        hands.wait(to_do)
        to_do = 0.0

    clock = Clock(synchronise)
    with clock.section("training"):
        to_do = 6.0
        with clock.section("evaluation"):
            to_do = 2.0
    assert clock.all_seconds() == {"training": 6, "evaluation": 2}


def test_a_resumed_run_sums_its_segments(hands: Hands):
    clock = Clock()
    clock.restore({"training": 100.0, "checkpoint": 1.0}, {"training": 150.0})
    with clock.section("training"):
        hands.wait(5)
    assert clock.all_seconds() == {"training": 105, "checkpoint": 1}
    assert clock.cpu_seconds("training") == 160


def test_real_time_passes():
    clock = Clock()
    with clock.section("sleep"):
        time.sleep(0.05)
    assert 0.05 <= clock.seconds("sleep") < 1
    assert clock.cpu_seconds("sleep") < 0.5


def test_cpu_time_is_that_of_all_threads():
    def work() -> None:
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass

    clock = Clock()
    with clock.section("work"):
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert clock.cpu_seconds("work") >= 0.2


def test_what_waits_for_a_device(monkeypatch: pytest.MonkeyPatch):
    import torch

    waited_for: list[object] = []
    monkeypatch.setattr("torch.cuda.synchronize", waited_for.append)
    monkeypatch.setattr("torch.mps.synchronize", lambda: waited_for.append("mps"))
    device_synchronise(torch.device("cpu"))()
    assert waited_for == []
    device_synchronise(torch.device("cuda:1"))()
    device_synchronise(torch.device("mps"))()
    assert waited_for == [torch.device("cuda:1"), "mps"]


def test_the_clock_does_not_load_torch():
    code = "import sys, eyechart.clock; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --------------------------------------------------------------------------------------------- foreign load, for real

BURN = "import sys, time\nwhile time.process_time() < float(sys.argv[1]): pass"


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """A busy process that is nobody's child here: its parent has ended, so its CPU time is foreign."""
    starter = (
        "import subprocess, sys\n"
        "burning = subprocess.Popen([sys.executable, '-c', sys.argv[1], '60'], stdout=subprocess.DEVNULL)\n"
        "print(burning.pid)"
    )
    found = subprocess.run([sys.executable, "-c", starter, BURN], stdout=subprocess.PIPE, check=True, text=True)
    process = psutil.Process(int(found.stdout.split()[0]))
    yield process
    process.kill()


def cpu_seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def work(cpu_seconds: float) -> None:
    end = time.process_time() + cpu_seconds
    while time.process_time() < end:
        pass


def test_a_busy_stranger_is_foreign_load(stranger: psutil.Process):
    clock = Clock()
    before = cpu_seconds_of(stranger)
    with clock.section("training"):
        work(1.0)
    burnt = cpu_seconds_of(stranger) - before
    assert burnt > 0.2, "the stranger did not run at all"
    foreign = clock.known_foreign_seconds("training")
    assert foreign is not None
    assert foreign >= burnt - 0.15  # ticks


def test_own_work_and_own_children_are_not_foreign():
    """Whatever else runs here: a second core's worth of own work must not appear as foreign load.

    The sum of the CPU time of all other processes is the other way to know what is foreign; it misses those that begin
    or end meanwhile, so the quietest of some tries is judged.
    """
    excess = []
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", BURN, "0.8"], stdout=subprocess.PIPE)
        clock, others = Clock(), other_processes({child.pid})
        with clock.section("training"):
            work(0.8)
            child.communicate()
        later = other_processes({child.pid})
        oracle = sum(later[key] - others.get(key, 0.0) for key in later)
        excess.append(clock.foreign_cpu_seconds("training") - oracle)
        assert clock.cpu_seconds("training") > 1.5, "the child is counted as own"
        if abs(excess[-1]) < 0.3:
            return
    raise AssertionError(f"foreign CPU seconds beyond what all other processes took: {excess}")


def other_processes(mine: set[int]) -> dict[tuple[int, float], float]:
    """CPU seconds of every process but this one and `mine`."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid not in {os.getpid(), *mine}:
                found[process.pid, process.create_time()] = cpu_seconds_of(process)
    return found


def test_a_counter_that_stands_still_is_not_a_quiet_machine(monkeypatch: pytest.MonkeyPatch):
    """As in sandboxes whose /proc/stat is all zeros."""
    monkeypatch.setattr("eyechart.clock.busy_cpu_seconds", lambda: 0.0)
    clock = Clock()
    with clock.section("training"):
        work(0.8)
    assert clock.known_foreign_seconds("training") is None


def test_a_moment_of_noise_is_no_negative_load(hands: Hands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("eyechart.clock.busy_cpu_seconds", lambda: 1.95 * hands.now)
    monkeypatch.setattr("eyechart.clock.children_cpu_seconds", lambda: 0.0)
    clock = Clock()
    with clock.section("training"):
        hands.wait(100)
    assert clock.foreign_cpu_seconds("training") == pytest.approx(-5)
    assert clock.known_foreign_seconds("training") == 0.0
