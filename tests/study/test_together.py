"""Whether runs may be done at once: with how many threads, on which clocks, in how much memory."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from eyechart.base import host
from eyechart.base.errors import UsageError
from eyechart.schema import Budget
from eyechart.study import plan as plans
from eyechart.study.together import LEAST_BYTES, check_memory, check_together, threads_each

Memory = namedtuple("Memory", "available total")


def test_threads_are_shared_out_unless_they_were_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "num_cores", lambda: 5)
    assert [threads_each(jobs) for jobs in (1, 2, 5, 9)] == [5, 2, 1, 1]
    assert threads_each(2, 4) == 4
    with pytest.raises(UsageError, match="--jobs got 0; expected 1 or more"):
        threads_each(0)


def test_equal_seconds_are_not_shared() -> None:
    seconds = Budget(unit="seconds", amount=75)
    check_together(seconds, 1)
    check_together(Budget(unit="steps", amount=75), 4)
    check_together(None, 4)
    with pytest.raises(UsageError, match=r"is 75 seconds, and --jobs 2.*--preset standard, or --images"):
        check_together(seconds, 2)


def test_memory_that_cannot_be_there_is_refused_and_that_is_taken_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = plans.plan_study(["cnn", "vit"], "digits", "smoke", seeds=range(3), device="cpu")
    said: list[str] = []

    def machine(available: float, total: float) -> None:
        monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(int(available), int(total)))
        monkeypatch.setattr(host, "memory_bytes", lambda: int(total))

    machine(4 * LEAST_BYTES, 4 * LEAST_BYTES)
    check_memory(record, tmp_path, 4, said.append)
    assert not said
    machine(3 * LEAST_BYTES, 4 * LEAST_BYTES)
    check_memory(record, tmp_path, 4, said.append)
    assert "4 runs at once take 1.7 GB of memory or more, and 1.3 GB are free now" in said[0]
    machine(3 * LEAST_BYTES, 3 * LEAST_BYTES)
    with pytest.raises(UsageError, match=r"this machine has 1\.3 GB\. Choose a smaller --jobs"):
        check_memory(record, tmp_path, 4, said.append)
    check_memory(record, tmp_path, 1, said.append)


def test_what_finished_runs_took_is_known(fake_runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    from eyechart.files.storage import RUN_FILE, read_run, write_record

    folder = tmp_path / "s"
    (run, *_) = fake_runs.fake_study(folder, {"cnn": fake_runs.FIVE["cnn"]}, (0,), num_items=50)
    found = read_run(run)
    cost = found.cost.model_copy(update={"peak_memory_bytes": 8 * 10**9})
    write_record(run / RUN_FILE, found.model_copy(update={"cost": cost}))
    monkeypatch.setattr(host, "memory_bytes", lambda: 9 * 10**9)
    record = plans.plan_study(["cnn"], "digits", "smoke", seeds=range(2), device="cpu")
    with pytest.raises(UsageError, match=r"2 runs at once take 16\.0 GB"):
        check_memory(record, folder, 2, lambda sentence: None)
