"""Contenders, seeds and files as people name them: one or several, from the command line or from Python."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from eyechart.base.errors import UsageError
from eyechart.catalog.recipes import recipes_for, slug
from eyechart.comparison.power import ALPHA, FEWEST_SEEDS, fewest_seeds
from eyechart.files.places import user_path
from eyechart.schema import Looking, Task


def contenders_of(models: str | Sequence[str], task: Task = "classification") -> tuple[str, ...]:
    """Names of contenders, each once; all that can do the task where none is named."""
    names = models.split(",") if isinstance(models, str) else list(models)
    if not all(isinstance(name, str) for name in names):
        raise UsageError(f"-m got {names}; expected names of contenders, such as cnn,vit.")
    contenders = tuple(name.strip() for name in names)
    _check_differ("-m", contenders)
    folders: dict[str, str] = {}
    for contender in contenders:
        if folders.setdefault(slug(contender), contender) != contender:
            raise UsageError(
                f"-m names {folders[slug(contender)]} and {contender}, whose runs would have folders of one name: "
                f"{slug(contender)}. Copy one of the two files or folders to another name."
            )
    return contenders or tuple(recipes_for(task))


def seeds_of(seeds: int | Iterable[int]) -> tuple[int, ...]:
    """Seeds as plain numbers, each once; one alone or several, also numpy's."""
    try:
        numbers: tuple[int, ...] = (operator.index(seeds),)  # type: ignore[arg-type]  # several have none, which is a TypeError
    except TypeError:
        numbers = _several(seeds)
    if not numbers or min(numbers) < 0:
        raise UsageError(f"--seeds got {seeds!r}; expected one or more whole numbers from 0 up, such as 0,1,2.")
    _check_differ("--seeds", numbers)
    return numbers


def looking_at(num_contenders: int, most_seeds: int) -> tuple[Looking, tuple[int, ...]]:
    """The rule of such a study, and the seeds before its first look.

    Raises UsageError where so few seeds could decide nothing.
    """
    if num_contenders < 2:
        raise UsageError(f"--until-decided compares contenders, and got {num_contenders}; name two or more with -m.")
    num_pairs = num_contenders * (num_contenders - 1) // 2
    if most_seeds < (fewest := fewest_seeds(ALPHA / num_pairs)):
        pairs = "a pair" if num_pairs == 1 else f"{num_pairs} pairs"
        raise UsageError(
            f"--most-seeds got {most_seeds}; of {pairs}, fewer than {fewest} seeds can show nothing. "
            f"Expected {fewest} or more."
        )
    return Looking(most_seeds=most_seeds, alpha=ALPHA), tuple(range(FEWEST_SEEDS))


def paths_of(files: str | Path | Sequence[str | Path]) -> list[Path]:
    """Files, by one path or several."""
    return [user_path(file) for file in ([files] if isinstance(files, str | Path) else files)]


def _several(seeds: Any) -> tuple[int, ...]:
    try:
        return tuple(operator.index(seed) for seed in seeds)
    except TypeError:
        return ()


def _check_differ(option: str, values: Sequence[Any]) -> None:
    if len(set(values)) < len(values):
        raise UsageError(f"{option} names the same one twice: {list(values)}. Name each once.")
