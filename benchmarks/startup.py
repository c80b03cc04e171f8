"""What a user waits for besides training: help, a report on many runs, the whole quick study.

Whole commands in fresh processes, wall time, files already in the system's cache.  Caveat: the first start after
installing compiles Python files and reads them from the disk, which is slower and not measured here.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Result, Settings
from eyechart.base.errors import MissingError
from eyechart.files.storage import STUDY_FILE, find_runs, read_run, read_study
from eyechart.schema import RunRecord

RESUMED_FACTOR = 1.5  # wall time beyond this multiple of the runs' own time: the study was paused in between


def help_seconds(settings: Settings) -> Result:
    """Seconds until `eyechart --help` is done.

    Claim: 0.4 s.  n: 15 fresh processes after a first one.  Hardware: a single thread and the disk's cache decide.
    """
    command_seconds("--help")
    return Result("seconds", "lower", [command_seconds("--help") for _ in range(settings.repeats(15))])


def report_1000_seconds(settings: Settings) -> Result:
    """Seconds for `eyechart report` on 1,000 runs of MNIST's size.

    Claim: 10 s.  n: 3 fresh processes.  The runs are made up (tests/report/fake_runs.py): five contenders, 200 seeds,
    10,000 test images.  Hardware: the disk's cache holds the runs, some 0.5 GB.
    """
    num_seeds, num_items = settings.pick((200, 10_000), (1, 200))
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "fake"
        settings.say("report_1000_seconds: making up the runs")
        runs = _fake_runs().fake_study(study, seeds=tuple(range(num_seeds)), num_items=num_items)
        page = str(Path(folder) / "report.html")
        seconds = [command_seconds("report", str(study), "-o", page) for _ in range(settings.repeats(3))]
        num_bytes = Path(page).stat().st_size
    return Result("seconds", "lower", seconds, facts={"num_runs": len(runs), "page_bytes": num_bytes})


def quick_seconds(settings: Settings) -> Result:
    """Seconds of the quick study as `make run` does it, without eye test and report: trained and judged.

    Claim: 600 s on two cores.  n: one finished study, named by --study.  From the study's creation to the end of its
    last run; for one that was paused, the sum of its runs.  Hardware: the budget fixes most of it.
    """
    folder = settings.study
    if not (folder / STUDY_FILE).is_file():
        raise MissingError(f"There is no study in {folder}. Make it with `make run`, or name another with --study.")
    runs = [read_run(run) for run in find_runs([folder])]
    planned = read_study(folder)
    missing = len(planned.contenders) * len(planned.seeds) - len(runs)
    if missing:
        raise MissingError(f"{missing} runs of {folder} are not finished. Finish it with `make run`.")
    facts = {"accuracy": {run.contender: run.test.accuracy for run in runs}}
    return Result("seconds", "lower", [study_seconds(planned.created_at, runs)], facts=facts)


def study_seconds(created_at: str, runs: list[RunRecord]) -> float:
    """From the plan to the end of the last run; the sum of the runs' own time for a study that paused in between."""
    last = max(datetime.fromisoformat(run.finished_at) for run in runs)
    wall = (last - datetime.fromisoformat(created_at)).total_seconds()
    total = sum(run.clocks.total_seconds for run in runs)
    return wall if total <= wall <= RESUMED_FACTOR * total else total


def command_seconds(*arguments: str) -> float:
    """Wall time of an eyechart command in a fresh process; CalledProcessError where it fails."""
    started = time.perf_counter()
    subprocess.run([*_program(), *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def _program() -> list[str]:
    """The installed command beside this interpreter, as users start it; or the package, in a bare checkout."""
    script = Path(sys.executable).parent / "eyechart"
    return [str(script)] if script.is_file() else [sys.executable, "-m", "eyechart"]


def _fake_runs() -> Any:
    """tests/report/fake_runs.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("fake_runs", ROOT / "tests" / "report" / "fake_runs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
