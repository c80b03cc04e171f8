"""The clock with a hand-moved time: what each section is charged with."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time

import psutil
import pytest

from eyechart.base.clock import Clock, device_synchronise


class Hands:
    """A time that moves only when told; CPU time moves twice as fast, as with two threads."""

    def __init__(self) -> None:
        self.now = 100.0

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr("eyechart.base.clock.time.perf_counter", lambda: hands.now)
    monkeypatch.setattr("eyechart.base.clock.time.process_time", lambda: 2 * hands.now)
    monkeypatch.setattr("eyechart.base.clock.children_cpu_seconds", lambda: 0.0)
    monkeypatch.setattr("eyechart.base.clock.busy_cpu_seconds", lambda: 2 * hands.now)
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
    """How much more than the nap depends on what else this machine does."""
    before = time.perf_counter()
    clock = Clock()
    with clock.section("nap"):
        time.sleep(0.05)
    assert 0.05 <= clock.seconds("nap") <= time.perf_counter() - before


def test_sleeping_is_no_work(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("eyechart.base.clock.children_cpu_seconds", lambda: 0.0)
    clock = Clock()
    with clock.section("nap"):
        time.sleep(0.5)
    assert clock.cpu_seconds("nap") < 0.4, "going to sleep and looking at the clocks"


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
    code = "import sys, eyechart.base.clock; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --------------------------------------------------------------------------------------------- foreign load, for real

BURN = (
    "import os, sys, time\n"
    "while time.process_time() < float(sys.argv[1]): pass\n"
    "print(os.times().user + os.times().system)"
)


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
        work(0.5)
        while cpu_seconds_of(stranger) - before < 0.5:  # it may have to wait for a core
            time.sleep(0.02)
    burnt = cpu_seconds_of(stranger) - before
    foreign = clock.known_foreign_seconds("training")
    assert foreign is not None
    assert foreign >= burnt - 0.15  # ticks


def test_own_work_and_own_children_are_not_foreign(monkeypatch: pytest.MonkeyPatch):
    """On a machine that does nothing else: its counter is this process and what its child says that it took itself."""
    of_child = 0.0
    monkeypatch.setattr("eyechart.base.clock.busy_cpu_seconds", lambda: time.process_time() + of_child)
    clock = Clock()
    with clock.section("training"):
        work(0.3)
        child = subprocess.run([sys.executable, "-c", BURN, "0.8"], stdout=subprocess.PIPE, check=True, text=True)
        of_child = float(child.stdout)
    assert of_child > 0.75
    assert abs(clock.foreign_cpu_seconds("training")) < 0.4, "starting and ending the child is not in what it says"
    assert clock.cpu_seconds("training") >= 1.0, "the child is counted as own"


def test_a_child_counts_while_it_runs():
    clock = Clock()
    with clock.section("training"):
        child = subprocess.Popen([sys.executable, "-c", BURN, "60"])
        while cpu_seconds_of(psutil.Process(child.pid)) < 0.5:
            time.sleep(0.02)
        seen = clock.cpu_seconds("training")
        child.kill()
        child.wait()
    assert seen >= 0.5
    assert clock.cpu_seconds("training") >= seen, "nothing is lost when it ends"


def test_a_counter_that_stands_still_is_not_a_quiet_machine(monkeypatch: pytest.MonkeyPatch):
    """As in sandboxes whose /proc/stat is all zeros."""
    monkeypatch.setattr("eyechart.base.clock.busy_cpu_seconds", lambda: 0.0)
    clock = Clock()
    with clock.section("training"):
        work(0.8)
    assert clock.known_foreign_seconds("training") is None


def test_a_moment_of_noise_is_no_negative_load(hands: Hands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("eyechart.base.clock.busy_cpu_seconds", lambda: 1.95 * hands.now)
    clock = Clock()
    with clock.section("training"):
        hands.wait(100)
    assert clock.foreign_cpu_seconds("training") == pytest.approx(-5)
    assert clock.known_foreign_seconds("training") == 0.0
