"""A search from its plan to its recipes: settled, run under a live table, nothing opened but validation."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from eyechart.terminal.lines import aloud, silent

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.schema import TuneRecord
    from eyechart.tuning.search import Found


def find(
    record: TuneRecord, folder: Path, *, resume: bool, offline: bool, quiet: bool = False, jobs: int = 1
) -> list[Found]:
    """Fetch what is needed, and search under a live table; nobody else may work in the folder meanwhile.

    Up to `jobs` trainings of a round are done at once.  UsageError where they would share a limit in seconds.
    """
    from eyechart.files.locks import hold
    from eyechart.schema import Budget
    from eyechart.study.race import settled
    from eyechart.study.together import check_memory, check_together, launcher_of
    from eyechart.terminal.live import LiveTable
    from eyechart.tuning import search, search_folder

    check_together(record.study.rules.budget, jobs)
    if record.unit == "seconds":
        check_together(Budget(unit="seconds", amount=record.amount), jobs)
    say = silent if quiet else aloud
    with hold(folder, say):
        record = search_folder.open_search(record, folder, resume=resume)
        study, card = settled(record.study, search_folder.content_of(folder), offline, say)
        record = record.model_copy(update={"study": study})
        check_memory(record.study, folder, jobs, say)
        search_folder.take(record, folder)
        with contextlib.nullcontext(lambda progress: None) if quiet else LiveTable() as table:
            return search.search(record, folder, card, table, offline=offline, launch=launcher_of(jobs))
