"""What contenders and runs are called in findings, also when several studies are compared at once."""

from __future__ import annotations

from collections import Counter
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


def one_by_one(runs: dict[Path, RunRecord]) -> list[tuple[str, str]]:
    """What each run and its contender are called where runs stand beside each other, one by one: no two alike."""
    apart = told_apart(runs)
    run_names = Counter(run.run for run in apart)
    contenders = Counter(run.contender for run in apart)
    in_studies = Counter((run.contender, run.study) for run in apart)
    names = []
    for folder, run in zip(runs, apart, strict=True):
        name = run.run if run_names[run.run] == 1 else f"{run.study}/{readable(folder.name)}"
        more = run.study if in_studies[run.contender, run.study] == 1 else name
        names.append((name, run.contender if contenders[run.contender] == 1 else f"{run.contender} ({more})"))
    return names


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
