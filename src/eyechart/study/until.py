"""A study that adds paired seeds until every pair is decided, or no seed that is left could decide any more.

Only the primary metric stops it.  comparison/sequential.py says what makes stopping honest; that the study is looked at
after every seed stands in its rules before the first run, and so in every run file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.comparison.compare import compare_primary
from eyechart.files import storage
from eyechart.schema import Comparison, Look, StudyRecord
from eyechart.study.study import Study, run_study
from eyechart.words.verdicts import comparable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eyechart.launch.driver import Launcher
    from eyechart.schema.contracts import Reporter


def run_until_decided(
    record: StudyRecord, folder: Path, report: Reporter, say: Callable[[str], None], *, offline: bool = False,
    home: Path | None = None, launch: Launcher | None = None,
) -> Study:  # fmt: skip
    """Do the runs of the record, look, and add a seed while that could decide something; the study that results.

    study.json grows by each look before the next seed starts, so that a study that was interrupted goes on with it.
    """
    looking = record.rules.looking
    assert looking, "the rules say that it is looked at"
    new_seeds = record.seeds
    while True:
        block = record.model_copy(update={"seeds": new_seeds})
        study = run_study(block, folder, report, offline=offline, home=home, launch=launch)
        study.record = record
        if study.failures or study.missing:  # a seed without its pair decides nothing: it is told, and tried again
            return study
        look = look_at(compare_primary(storage.find_runs([folder])), len(record.seeds))
        looks = (*(each for each in record.looks if each.num_seeds < look.num_seeds), look)
        record = record.model_copy(update={"looks": looks})
        is_over = look.num_open == 0 or look.num_seeds >= looking.most_seeds
        if not is_over:
            new_seeds = (_next_seed(record),)
            record = record.model_copy(update={"seeds": (*record.seeds, *new_seeds)})
        storage.write_record(folder / storage.STUDY_FILE, record)
        study.record = record
        say(told(look, looking.most_seeds))
        if is_over:
            return study


def look_at(comparison: Comparison, num_seeds: int) -> Look:
    """How many pairs are decided in the primary metric; pairs of two that always diverged are no question."""
    verdicts = [each for each in comparison.verdicts if each.metric == comparison.primary]
    verdicts = comparable(verdicts, comparison)
    num_open = sum(each.is_open for each in verdicts)
    num_decided = sum(each.kind == "equivalent" or _is_better(each.kind, each.scope) for each in verdicts)
    return Look(
        num_seeds=num_seeds, num_decided=num_decided, num_open=num_open,
        num_undecidable=len(verdicts) - num_decided - num_open,
    )  # fmt: skip


def told(look: Look, most_seeds: int) -> str:
    """A look in a sentence."""
    num_pairs = look.num_decided + look.num_open + look.num_undecidable
    so_far = f"after {look.num_seeds} seeds {look.num_decided} of {num_pairs} pairs {_are(look.num_decided)} decided"
    if look.num_undecidable:
        so_far += f", {look.num_undecidable} cannot be decided with {most_seeds} seeds"
    if look.num_open == 0:
        return f"{so_far}: no further seed is needed" if not look.num_undecidable else f"{so_far}: stopped"
    if look.num_seeds >= most_seeds:
        return f"{so_far}, {look.num_open} {_are(look.num_open)} not: these were the most seeds that were planned"
    return f"{so_far}, {look.num_open} {_are(look.num_open)} open: another seed follows, at most {most_seeds}"


def _is_better(kind: str, scope: str) -> bool:
    return kind == "better" and scope == "architectures"


def _next_seed(record: StudyRecord) -> int:
    return max(record.seeds) + 1


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
