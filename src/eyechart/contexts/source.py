"""The study whose runs are judged again, and on which of its test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from eyechart.base.errors import UsageError
from eyechart.base.foreign_text import path_word, shell_command
from eyechart.files import storage
from eyechart.files.items import write_items
from eyechart.runner import again
from eyechart.schema.contracts import LabelledImages

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from eyechart.schema import RunRecord

Mean = Literal["untouched", "not geometric", "geometric"]


@dataclass(frozen=True)
class Source:
    """A study whose runs are judged again in one context."""

    context: str
    study: Path
    runs: dict[Path, RunRecord]  # of every finished run, by its folder
    test: LabelledImages
    chosen: np.ndarray  # int64 (N,), which test images, in their order

    @property
    def is_whole(self) -> bool:
        return len(self.chosen) == len(self.test)

    @property
    def folder(self) -> Path:
        """Where the runs judged again stand: of fewer images than all, in a place of its own."""
        return self.study / (self.context if self.is_whole else f"{self.context}-{len(self.chosen)}-images")

    @property
    def words(self) -> str:
        return f"{len(self.chosen):,} of {len(self.test):,} test images {self.any_run.splits.test_sha256[:12]}"

    @property
    def any_run(self) -> RunRecord:
        return next(iter(self.runs.values()))

    @property
    def command(self) -> str:
        """What judges the runs again."""
        return shell_command(["eyechart", "study", self.context, path_word(self.study)])


class JudgedLevel(Protocol):
    """One level: other pictures, on which all runs of a study are judged."""

    @property
    def folder(self) -> str:
        """Where its runs stand."""

    @property
    def label(self) -> str:
        """Its name in the record."""

    @property
    def title(self) -> str:
        """For people: "fog, published"."""

    @property
    def value(self) -> int:
        """Its place in the order."""

    @property
    def severity(self) -> str:
        """Levels of one severity are drawn together."""

    @property
    def mean(self) -> Mean | None:
        """In which mean over levels it is."""

    def judged_on(self, source: Source) -> str:
        """What was done to which images: equal words mean equal pictures."""

    def num_images(self, source: Source) -> int:
        """On how many pictures each run is judged."""

    def pictures(self, source: Source, num_threads: int) -> LabelledImages:
        """They themselves.  Raises DatasetError, DatasetMissing for what cannot be had."""


def open_source(study: Path, context: str = "corruption", num_images: int | None = None) -> Source:
    """Raises UsageError for what is no study of classified images, StorageError for files that cannot be read.

    `num_images` of its test images are taken, evenly spread over them; None: all.
    """
    if not (study / storage.STUDY_FILE).is_file():
        raise UsageError(
            f"{study} is no study: it has no {storage.STUDY_FILE}. Expected the folder of a study that `eyechart run` "
            f"made, such as runs/quick-mnist; `eyechart ls` lists the runs of all studies."
        )
    runs = {folder: storage.read_run(folder) for folder in storage.find_runs([study]) if folder.parent == study}
    if not runs:
        raise UsageError(storage.no_runs([study]))
    if any(run.task != "classification" for run in runs.values()):
        raise UsageError(
            f"{study} is a study on scenes; expected one whose images have a class each, because it is asked what an "
            f"image is still named. `eyechart run -d mnist` makes one."
        )
    if len(parts := {run.splits.test_sha256 for run in runs.values()}) > 1:
        raise UsageError(
            f"The runs in {study} were judged on {len(parts)} different test parts; expected one. Train them again."
        )
    test = again.test_part(study, next(iter(runs.values())))
    number = num_images or len(test)
    if not 0 < number <= len(test):
        raise UsageError(f"--images got {number:,}; {study} has {len(test):,} test images. Expected 1 to that many.")
    chosen = np.linspace(0, len(test) - 1, number).round().astype(np.int64)
    return Source(context, study, runs, test, chosen)


def pending(source: Source, level: JudgedLevel) -> list[Path]:
    """The runs of the study that are not judged at this level yet; StorageError where something else stands there."""
    words, home = level.judged_on(source), source.folder / level.folder
    return [path for path, run in source.runs.items() if not again.is_judged(home / path.name, run, words)]


def judge_level(
    source: Source, level: JudgedLevel, runs: Sequence[Path], device: torch.device, num_threads: int,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Make the pictures once, and ask each of these runs about them; what is done stays when it is stopped."""
    part = level.pictures(source, num_threads)
    pictures = again.Pictures(level.judged_on(source), level.title, part, source.command)
    home = source.folder / level.folder
    items = write_items(home, part)
    for path in runs:
        judged = again.judge_again(path, home / path.name, pictures, items, device)
        say(f"  {level.title}: {path.name} {judged.test_scores.accuracy:.2%}")


def estimated_seconds(source: Source, level: JudgedLevel, runs: Sequence[Path]) -> float:
    """For judging these runs at one level, at the speed that each was measured at when it was trained."""
    many = level.num_images(source)
    return sum(many / source.runs[path].cost.inference_images_per_second for path in runs)


def same_pictures(source: Source, folders: Sequence[Path], level: JudgedLevel) -> list[Path]:
    """Of run folders of a level, those of the study's present runs judged on the present pictures."""
    names = {path.name: run for path, run in source.runs.items()}
    words = level.judged_on(source)
    return [each for each in folders if each.name in names and again.is_judged(each, names[each.name], words)]


def judged_earlier(source: Source, folders: Sequence[Path]) -> list[Path]:
    """The same where nobody knows the pictures: those of the study's present runs, whatever they were judged on."""
    names = {path.name: run for path, run in source.runs.items()}
    known = [each for each in folders if each.name in names]
    return [each for each in known if again.is_judged(each, names[each.name], storage.read_run(each).judged_on)]
