"""A victim from outside: a process that does a run, and how it ended.

Each is forked from a server that has loaded torch and done nothing with it: a process of its own, without the seconds
that loading takes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from audits.chaos.fault import Fault
from audits.settings import ROOT
from eyechart.launch import process
from eyechart.schema import RunJob

LONGEST_SECONDS = 600.0


class Ended(NamedTuple):
    """How a victim ended."""

    code: int | None  # negative: by that signal; None: not at all
    error: dict[str, Any]  # its own last word: kind, message; empty: it said none
    done: bool
    said: tuple[str, ...]  # the sentences on the way
    events: tuple[str, ...]  # the calls by which it wrote; empty where it was killed

    @property
    def words(self) -> str:
        """How it ended, in a line."""
        if self.error:
            return f"{self.error['kind']}: {self.error['message'].partition(chr(10))[0][:160]}"
        return "done" if self.done else f"code {self.code}"


def attempt(job: RunJob, fault: Fault = Fault()) -> Ended:  # noqa: B008 (a tuple)
    """Do a run, or go on with it, in a process that the fault happens to."""
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["audits.chaos.victim"])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        victim = server.Process(target=_live, args=(fault, process.as_json(job), place))
        victim.start()
        victim.join(LONGEST_SECONDS)
        code = victim.exitcode
        victim.kill()
        victim.join()
        out, seen = place / "out", place / "events"
        text = out.read_text(encoding="utf-8", errors="backslashreplace") if out.exists() else ""
        lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        events = json.loads(seen.read_text(encoding="utf-8")) if seen.exists() else []
    last = lines[-1] if lines else {}
    notes = tuple(line["note"] for line in lines if line.get("note"))
    return Ended(code, last.get("error", {}), "done" in last, notes, tuple(events))


def _live(*given: Any) -> None:
    from audits.chaos.victim import live

    live(*given)
