"""How far labels can be trusted: scores without the disputed ones, and the labels that look wrong.

A label is suspect when models that never trained on the image say something else, by the mean of their probabilities:
all contenders, all seeds.  Every test image is out of sample for all of them; an image of the train part is for those
whose seed left it to validation.  cleanlab ranks them by its normalised margin [Northcutt, Jiang and Chuang 2021].  Its
confident learning, which also estimates how many labels are wrong, is asked too; where models are right 99 times in
100 it finds next to none, because hardly a mistake is as sure as the average right answer, so it is a mark, no filter.
"""

from __future__ import annotations

import os
import statistics
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyechart.base.errors import DatasetError, MissingError, StorageError
from eyechart.catalog.disputed import DISPUTED, disputed_numbers, image_digest
from eyechart.comparison.answers import Answers, PartName, Shelf

if TYPE_CHECKING:
    from eyechart.schema import RunRecord

RunAt = tuple[Path, "RunRecord"]  # a run and its folder
PARTS: tuple[PartName, ...] = ("test", "validation")
RUNS_AT_ONCE = 16  # are unpacked: as many answers are in memory
INSTALL = 'pip install "eyechart[audit]"'
LEAST_AGREEMENT = 0.7  # of judged images: below, an answer against the label is most likely the model's mistake


@dataclass(frozen=True)
class Rescored:
    """Accuracy of one contender with all test labels, and without the disputed ones: means over its runs."""

    contender: str
    num_runs: int
    accuracy: float
    accuracy_sd: float | None  # None: one run
    undisputed: float
    undisputed_sd: float | None
    num_items: int
    num_disputed: int  # of them in this test part
    as_labelled: float  # of the disputed items, how many are answered as their label says
    source: str  # who disputes them


@dataclass(frozen=True)
class Suspect:
    """One label that looks wrong."""

    part: PartName
    number: int  # of the image in its items file; of a whole test part, its number in the dataset
    items: Path  # the file
    label: int  # as given
    suggested: int  # the most probable class
    label_probability: float  # what the models give to the label, mean
    suggested_probability: float
    quality: float  # of the label, 0..1: cleanlab's normalised margin; the lowest is the most suspicious
    confident: bool  # cleanlab's confident learning finds it wrong, too
    num_answers: int  # runs that answered without having trained on the image
    num_agreeing: int  # of these, runs that answered as labelled
    disputed: bool | None  # on the list of labels that people dispute; None: there is no list for this dataset


@dataclass(frozen=True)
class LabelErrors:
    """The labels that look wrong, the most suspicious first."""

    suspects: tuple[Suspect, ...]
    num_items: dict[str, int]  # part -> distinct images that were judged
    num_runs: int
    contenders: tuple[str, ...]
    disputed_ranks: dict[int, int] | None  # disputed test image -> its place, 1.., by suspicion among all test images
    left_out: tuple[str, ...] = ()  # what could not be read, and why
    is_of_some: bool = False  # of a test part that was shortened, whose images are numbered anew


# --------------------------------------------------------------------------------------------- disputed labels


def rescore(contender: str, runs: Sequence[RunAt], shelf: Shelf) -> Rescored | None:
    """Accuracy with and without the disputed labels; None where no such list is known for the dataset.

    Raises StorageError when answers cannot be read.
    """
    content = runs[0][1].dataset.content_sha256
    if content not in DISPUTED:
        return None
    with_all, without, as_labelled, num_disputed, num_items = [], [], [], 0, 0
    for folder, run in runs:
        answers = shelf.answers(folder, run, "test")
        disputed = disputed_numbers(content, shelf.items(folder.parent, run.items)["images"]) or {}
        right = answers.probabilities.argmax(axis=1) == answers.labels
        kept = np.ones(len(right), bool)
        kept[list(disputed)] = False
        with_all.append(float(right.mean()))
        without.append(float(right[kept].mean()))
        as_labelled.append(int(right[~kept].sum()))
        num_disputed, num_items = len(disputed), len(right)
    return Rescored(
        contender=contender,
        num_runs=len(runs),
        accuracy=statistics.fmean(with_all),
        accuracy_sd=_sd(with_all),
        undisputed=statistics.fmean(without),
        undisputed_sd=_sd(without),
        num_items=num_items,
        num_disputed=num_disputed,
        as_labelled=statistics.fmean(as_labelled),
        source=DISPUTED[content].source,
    )


def _sd(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


# --------------------------------------------------------------------------------------------- labels that look wrong


@dataclass
class _Judged:
    """One image with everything that was said of it out of sample."""

    part: PartName
    number: int
    items: Path
    label: int
    total: np.ndarray  # sum of the probabilities, float64 (K,)
    num_answers: int = 0
    num_agreeing: int = 0


@dataclass
class _Said:
    """What the runs said of the images of one file."""

    part: PartName
    items: dict[str, np.ndarray]
    totals: np.ndarray  # sums of probabilities, float64 (N, K)
    num_answers: int
    num_agreeing: np.ndarray  # int64 (N,)


class _Pool:
    """All judged images, by their pixels and label, so that the same image in two validation parts is one."""

    def __init__(self) -> None:
        self.files: dict[Path, _Said] = {}

    def add(self, part: PartName, path: Path, items: dict[str, np.ndarray], probabilities: np.ndarray) -> None:
        if path not in self.files:
            nothing = np.zeros(probabilities.shape), 0, np.zeros(len(probabilities), np.int64)
            self.files[path] = _Said(part, items, *nothing)
        said = self.files[path]
        said.totals += probabilities
        said.num_answers += 1
        said.num_agreeing += probabilities.argmax(axis=1) == items["labels"]

    def judged(self) -> list[_Judged]:
        images: dict[tuple[str, str, int], _Judged] = {}
        counted: set[tuple[tuple[str, str, int], Path]] = set()
        for path, said in self.files.items():
            digests = map(image_digest, said.items["images"])
            for number, (digest, label) in enumerate(zip(digests, said.items["labels"].tolist(), strict=True)):
                # Two test images with the same pixels stay two; of a train image, validation parts hold copies.
                key = (said.part, digest if said.part == "validation" else str(number), label)
                if key not in images:
                    images[key] = _Judged(said.part, number, path, label, np.zeros(said.totals.shape[1]))
                judged = images[key]
                if (key, path) in counted:  # a copy in the same part: the same runs said the same of it
                    continue
                counted.add((key, path))
                judged.total += said.totals[number]
                judged.num_answers += said.num_answers
                judged.num_agreeing += int(said.num_agreeing[number])
        return list(images.values())


def find_label_errors(runs: Sequence[RunAt], shelf: Shelf | None = None) -> LabelErrors:
    """Test and validation labels that look wrong by what `runs`, all of the same dataset, say of them.

    Diverged runs, and runs with another test part than most, are left out.  Raises MissingError without cleanlab,
    StorageError when not one run's answers can be read, DatasetError where all labels are of one class, or the models
    are wrong too often to doubt labels by.
    """
    shelf = shelf or Shelf()
    pool, left_out, used = _Pool(), [], []
    standing = [(folder, run) for folder, run in runs if run.status == "finished"]
    test_items = statistics.mode([run.items for _, run in standing]) if standing else ""
    alike = [(folder, run) for folder, run in standing if run.items == test_items]
    left_out += [
        f"{folder.name}: it was judged on other test images." for folder, run in standing if run.items != test_items
    ]
    for (folder, run), said in _read_ahead(alike, shelf):
        for part, answers in said.items():
            if isinstance(answers, StorageError):
                left_out.append(str(answers))
                continue
            name = run.items if part == "test" else run.validation_items
            pool.add(part, folder.parent / name, shelf.items(folder.parent, name), answers.probabilities)
        if isinstance(said["test"], Answers):
            used.append(run)
    if not used:
        raise StorageError(f"No run's answers could be read. {' '.join(left_out)}".strip())
    return _judge(pool.judged(), used, tuple(left_out), shelf)


def _read_ahead(runs: Sequence[RunAt], shelf: Shelf) -> Iterator[tuple[RunAt, dict[PartName, Answers | StorageError]]]:
    """Each run with its answers by part, or why there are none; a few are unpacked at once, side by side."""

    def read(at: RunAt) -> dict[PartName, Answers | StorageError]:
        said: dict[PartName, Answers | StorageError] = {}
        for part in PARTS:
            try:
                said[part] = shelf.answers(*at, part)
            except StorageError as error:
                return said | {part: error}  # without test answers, those to validation are not asked for
        return said

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(runs), RUNS_AT_ONCE):
            few = runs[start : start + RUNS_AT_ONCE]
            yield from zip(few, pool.map(read, few), strict=True)


def _judge(images: list[_Judged], runs: Sequence[RunRecord], left_out: tuple[str, ...], shelf: Shelf) -> LabelErrors:
    labels = np.array([image.label for image in images])
    if len(np.unique(labels)) < 2:
        name = runs[0].dataset.classes[labels[0]]
        raise DatasetError(
            f"All {len(labels):,} judged images are labelled {name!r}, which leaves nothing to confuse it with; "
            f"expected images of two classes or more. Add test images of other classes."
        )
    probabilities = np.stack([image.total for image in images])
    probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)
    agreement = float((probabilities.argmax(axis=1) == labels).mean())
    if agreement < LEAST_AGREEMENT:
        raise DatasetError(
            f"The models are right on {agreement:.0%} of {len(labels):,} judged images, too few to doubt labels by; "
            f"expected at least {LEAST_AGREEMENT:.0%}. Train longer, or leave out contenders that learned little."
        )
    answered_otherwise, confident, quality = _ask_cleanlab(labels, probabilities)
    order = np.argsort(quality, kind="stable")
    test_path = next(image.items for image in images if image.part == "test")
    disputed = disputed_numbers(runs[0].dataset.content_sha256, shelf.items(test_path.parent, test_path.name)["images"])
    suspects = tuple(
        _suspect(images[index], probabilities[index], float(quality[index]), bool(confident[index]), disputed)
        for index in order
        if answered_otherwise[index]
    )
    places = {images[index].number: place for place, index in enumerate(_test_only(order, images), 1)}
    return LabelErrors(
        suspects=suspects,
        num_items={part: sum(image.part == part for image in images) for part in ("test", "validation")},
        num_runs=len(runs),
        contenders=tuple(dict.fromkeys(run.contender for run in runs)),
        disputed_ranks=None if disputed is None else {disputed[number]: places[number] for number in disputed},
        left_out=left_out,
        is_of_some=any(run.splits.num_test < run.dataset.num_test for run in runs),
    )


def _test_only(order: np.ndarray, images: list[_Judged]) -> list[int]:
    return [int(index) for index in order if images[index].part == "test"]


def _suspect(
    image: _Judged, probabilities: np.ndarray, quality: float, confident: bool, disputed: dict[int, int] | None
) -> Suspect:
    suggested = int(probabilities.argmax())
    return Suspect(
        part=image.part,
        number=image.number,
        items=image.items,
        label=image.label,
        suggested=suggested,
        label_probability=float(probabilities[image.label]),
        suggested_probability=float(probabilities[suggested]),
        quality=quality,
        confident=confident,
        num_answers=image.num_answers,
        num_agreeing=image.num_agreeing,
        disputed=None if disputed is None else image.part == "test" and image.number in disputed,
    )


def _ask_cleanlab(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which labels are not the answer, which are wrong by confident learning (bool), and how good each is (0..1).

    MissingError without cleanlab.
    """
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise MissingError(
            f"Finding likely label errors needs cleanlab, which is not installed here. Install it with: {INSTALL}"
        ) from None

    def issues(filter_by: str) -> np.ndarray:
        with warnings.catch_warnings():
            # A class with few images is judged more carefully, and cleanlab warns of each one.
            warnings.filterwarnings("ignore", message="May not flag all label issues", category=UserWarning)
            # One process: workers would have to import everything anew, for less than a second of work.
            return np.asarray(find_label_issues(labels, probabilities, filter_by=filter_by, n_jobs=1), dtype=bool)

    quality = np.asarray(get_label_quality_scores(labels, probabilities, method="normalized_margin"))
    return issues("predicted_neq_given"), issues("prune_by_noise_rate"), quality
