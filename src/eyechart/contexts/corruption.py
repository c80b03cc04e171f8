"""What is left of a study's accuracy on spoiled pictures: its runs judged again, and nothing trained.

Every contender and every seed sees the same pictures, which are made of the study's own test images.  The question,
named beforehand: which contender is better in the mean over the eleven corruptions that are not geometric?  The four
geometric ones are what every recipe's augmentation does already, and their mean stands apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.base.errors import UsageError
from eyechart.base.foreign_text import path_word, shell_command
from eyechart.data.corruptions import mnist_c
from eyechart.data.corruptions.apply import corrupted
from eyechart.data.corruptions.table import CORRUPTIONS, LEVELS, PUBLISHED, VERSION, Corruption
from eyechart.files import storage
from eyechart.runner import again
from eyechart.schema.contracts import LabelledImages

if TYPE_CHECKING:
    import torch

    from eyechart.schema import RunRecord

NAME = "corruption"
MNIST_C = "mnist-c"  # as a severity: the published arrays
SEED = 0  # of the pictures, which are the same for all seeds of training


class Spoiled(NamedTuple):
    """One level: a corruption at one severity."""

    corruption: Corruption
    severity: str  # of LEVELS, or MNIST_C

    @property
    def folder(self) -> str:
        return f"{self.corruption.name}-{self.severity}"

    @property
    def title(self) -> str:
        return f"{self.corruption.words[0]}, {self.severity}"

    @property
    def value(self) -> int:
        """Its place in the order of severities, and of the table."""
        return (*LEVELS, MNIST_C).index(self.severity) * len(CORRUPTIONS) + list(CORRUPTIONS).index(
            self.corruption.name
        )


@dataclass(frozen=True)
class Source:
    """The study whose runs are judged again, and on which of its test images."""

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
        return self.study / (NAME if self.is_whole else f"{NAME}-{len(self.chosen)}-images")

    @property
    def words(self) -> str:
        return f"{len(self.chosen):,} of {len(self.test):,} test images {self.any_run.splits.test_sha256[:12]}"

    @property
    def any_run(self) -> RunRecord:
        return next(iter(self.runs.values()))


# --------------------------------------------------------------------------------------------- what is asked


def open_source(study: Path, num_images: int | None = None) -> Source:
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
            f"{study} is a study on scenes; expected one whose images have a class each, because corruptions ask what "
            f"an image is still named. `eyechart run -d mnist` makes one."
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
    return Source(study, runs, test, chosen)


def levels_of(severities: Sequence[str], folder_of_mnist_c: Path | None) -> list[Spoiled]:
    """Every corruption at each severity; by default at the published one.  UsageError for one that there is not."""
    wrong = [each for each in severities if each not in LEVELS]
    if wrong:
        raise UsageError(f"--levels got {wrong[0]!r}; expected some of {', '.join(LEVELS)}, separated by commas.")
    wanted = list(dict.fromkeys(severities)) or ([] if folder_of_mnist_c else [PUBLISHED])
    wanted += [MNIST_C] if folder_of_mnist_c else []
    return sorted((Spoiled(each, severity) for severity in wanted for each in CORRUPTIONS.values()),
                  key=lambda level: level.value)  # fmt: skip


def level_of(folder: str) -> Spoiled | None:
    """The level that a folder's name means; None for another name."""
    name, _, severity = folder.partition("-")
    known = name in CORRUPTIONS and severity in (*LEVELS, MNIST_C)
    return Spoiled(CORRUPTIONS[name], severity) if known else None


# --------------------------------------------------------------------------------------------- judging


def pending(source: Source, level: Spoiled) -> list[Path]:
    """The runs of the study that are not judged at this level yet; StorageError where something else stands there."""
    words, home = judged_on(source, level), source.folder / level.folder
    return [path for path, run in source.runs.items() if not again.is_judged(home / path.name, run, words)]


def judged_on(source: Source, level: Spoiled) -> str:
    how = "published arrays" if level.severity == MNIST_C else f"seed {SEED}, drawn by version {VERSION}"
    return f"{level.folder}, {how}, of {source.words}"


def judge_level(
    source: Source, level: Spoiled, runs: Sequence[Path], device: torch.device, num_threads: int,
    folder_of_mnist_c: Path | None, say: Callable[[str], None],
) -> None:  # fmt: skip
    """Spoil the test images once, and ask each of these runs about them; what is done stays when it is stopped."""
    pictures = _pictures(source, level, num_threads, folder_of_mnist_c)
    home = source.folder / level.folder
    items = again.write_items(home, pictures.part)
    for path in runs:
        judged = again.judge_again(path, home / path.name, pictures, items, device)
        say(f"  {level.title}: {path.name} {judged.test_scores.accuracy:.2%}")


def _pictures(source: Source, level: Spoiled, num_threads: int, folder_of_mnist_c: Path | None) -> again.Pictures:
    part = source.test.subset(source.chosen)
    if level.severity == MNIST_C:
        assert folder_of_mnist_c, "only who names the folder is asked for this level"
        images = mnist_c.published(folder_of_mnist_c, level.corruption.name, source.test)[source.chosen]
    else:
        images = corrupted(part.images, level.corruption.name, level.severity, seed=SEED, numbers=source.chosen,
                           num_threads=num_threads)  # fmt: skip
    command = shell_command(["eyechart", "study", NAME, path_word(source.study)])
    return again.Pictures(judged_on(source, level), level.title, LabelledImages(images, part.labels), command)


def estimated_seconds(source: Source, runs: Sequence[Path]) -> float:
    """For judging these runs at one level, at the speed that each was measured at when it was trained."""
    return sum(len(source.chosen) / source.runs[path].cost.inference_images_per_second for path in runs)


def same_pictures(source: Source, folders: Sequence[Path], level: Spoiled) -> list[Path]:
    """Of run folders of a level, those of the study's present runs judged on the present pictures."""
    names = {path.name: run for path, run in source.runs.items()}
    words = judged_on(source, level)
    return [each for each in folders if each.name in names and again.is_judged(each, names[each.name], words)]
