"""What contenders and runs are called in findings, also when several studies are compared at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.files.file_names import readable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eyechart.schema import RunRecord


def told_apart(runs: dict[Path, RunRecord]) -> list[RunRecord]:
    """The runs, by their folders, with a study name of their own where two folders have studies of the same name."""
    places: dict[str, set[Path]] = {}
    for folder, run in runs.items():
        places.setdefault(run.study, set()).add(folder.resolve().parent)
    return [
        run
        if len(places[run.study]) == 1
        else run.model_copy(update={"study": f"{run.study} in {readable(str(folder.parent))}"})
        for folder, run in runs.items()
    ]


def by_contender(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """The runs of each contender, by its name, with its study where another study has one of the same name."""
    studies: dict[str, set[str]] = {}
    for run in runs:
        studies.setdefault(run.contender, set()).add(run.study)
    groups: dict[str, list[RunRecord]] = {}
    for run in runs:
        is_unique = len(studies[run.contender]) == 1
        groups.setdefault(run.contender if is_unique else f"{run.contender} ({run.study})", []).append(run)
    return groups


def named(some: Sequence[RunRecord], runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """Names for `some` of the runs: the contender's where all of its runs are meant, otherwise each run's own."""
    chosen = {id(run) for run in some}
    has_studies = len({run.study for run in runs}) > 1
    names: list[str] = []
    for contender, own in by_contender(runs).items():
        meant = [run for run in own if id(run) in chosen]
        if len(meant) == len(own):
            names.append(contender)
        else:
            names += [f"{run.study}/{run.run}" if has_studies else run.run for run in meant]
    return tuple(names)
