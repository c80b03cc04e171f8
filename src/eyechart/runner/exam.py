"""The eye test: every trained run of a study reads the same rows of test images that get harder, until it fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from eyechart.base import host
from eyechart.base.errors import UsageError
from eyechart.base.seeding import make_deterministic
from eyechart.comparison.exam import Reader, read_dimension
from eyechart.comparison.exam_agreement import agreements
from eyechart.data import optotypes
from eyechart.data.optotypes import DIMENSIONS
from eyechart.files import storage
from eyechart.files.items import read_items
from eyechart.inference.predictor import NetworkPredictor
from eyechart.inference.saved import load_run_model
from eyechart.schema.contracts import ContenderModel, LabelledImages
from eyechart.schema.exam import EXAM_FILE, EXAM_FOLDER, FIRST_ROW, ExamRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from eyechart.schema import RunRecord

EXAM_VERSION = 1  # of the rows; answers to others are not taken for answers to these


def examine(
    study: Path, say: Callable[[str], None], *, num_threads: int | None = None, device: str = "auto"
) -> ExamRecord:
    """Let every finished run of a study read, and keep what was found as exam.json.

    Runs that were examined before are not asked again.  Raises UsageError for a study without finished runs, of scenes,
    or whose runs were judged on different images, StorageError for damaged files.
    """
    runs = {folder: storage.read_run(folder) for folder in storage.find_runs([study])}
    finished = {folder: run for folder, run in runs.items() if run.status == "finished"}
    _check(study, finished)
    first = next(iter(finished.values()))
    part = read_items(study / first.items)
    chosen = optotypes.choose(part.labels, first.dataset.num_classes)
    shown = part.subset(chosen)
    drawn = optotypes.drawn_for(part, chosen)
    where = host.select_device(device)
    host.set_threads(num_threads or first.rules.num_threads)
    answers = {}
    for place, (folder, run) in enumerate(finished.items(), 1):
        say(f"eye test: {run.run} ({place} of {len(finished)})")
        answers[folder] = _answers(study / EXAM_FOLDER / f"{folder.name}.npz", folder, run, shown, drawn, where)
    left_out = tuple(run.run for run in runs.values() if run.status != "finished")
    record = _record(finished, answers, part.labels, chosen, left_out)
    storage.write_record(study / EXAM_FILE, record)
    return record


def _check(study: Path, finished: dict[Path, RunRecord]) -> None:
    if not finished:
        raise UsageError(f"{study} has no finished run. Expected the folder of a study with one or more.")
    if any(run.task != "classification" for run in finished.values()):
        raise UsageError(f"{study} is a study of scenes; the eye test shows one sign at a time. Expected a study of "
                         f"images that have a class each.")  # fmt: skip
    if len({run.items for run in finished.values()}) > 1:
        raise UsageError(f"The runs of {study} were judged on different test images. Expected one study.")


# --------------------------------------------------------------------------------------------- answers


def _answers(
    path: Path, folder: Path, run: RunRecord, shown: LabelledImages, drawn: optotypes.Drawn, device: torch.device
) -> dict[str, np.ndarray]:
    """Class ids (L, N) by dimension, from the file where that is of the same weights, images and rows."""
    images = np.asarray(shown.images[:])
    key = storage.digest_arrays({"images": images})
    kept = storage.read_arrays(path) if path.is_file() else {}
    if kept and _key_of(kept) == (EXAM_VERSION, run.weights_sha256, key):
        return kept
    _, model = load_run_model(folder, device)
    host.set_again(run.rules.precision, device)
    make_deterministic()
    predictor = NetworkPredictor(cast(ContenderModel, model), device)
    answers = {FIRST_ROW: _read(predictor, images[None])}
    for name, dimension in DIMENSIONS.items():  # one after the other: all rows of large images would fill the memory
        answers[name] = _read(predictor, optotypes.rows_of(dimension, images, drawn)[1:])
    answers |= {"version": np.array(EXAM_VERSION), "weights": np.array(run.weights_sha256), "images": np.array(key)}
    path.parent.mkdir(exist_ok=True)
    storage.write_arrays(path, answers)
    return answers


def _read(predictor: NetworkPredictor, rows: np.ndarray) -> np.ndarray:
    """Class ids (L, N) for rows uint8 (L, N, C, H, W)."""
    answers = predictor.answer(rows.reshape(-1, *rows.shape[2:])).probabilities.argmax(axis=1)
    found: np.ndarray = answers.astype(np.uint16).reshape(rows.shape[:2])
    return found


def _key_of(kept: dict[str, np.ndarray]) -> tuple[int, str, str] | None:
    if not {"version", "weights", "images"} <= kept.keys():
        return None
    return int(kept["version"]), str(kept["weights"]), str(kept["images"])


def _record(
    finished: dict[Path, RunRecord],
    answers: dict[Path, dict[str, np.ndarray]],
    labels: np.ndarray,
    chosen: np.ndarray,
    left_out: tuple[str, ...],
) -> ExamRecord:
    contenders, first = _by_accuracy(list(finished.values())), next(iter(finished.values()))
    dimensions = tuple(optotypes.as_record(each) for each in DIMENSIONS.values())
    readers = [
        [_reader(name, dimension.name, finished, answers, labels[chosen]) for name in contenders]
        for dimension in dimensions
    ]
    readings, verdicts = [], []
    for dimension, own in zip(dimensions, readers, strict=True):
        found, compared = read_dimension(dimension, own, first.dataset.num_classes)
        readings += found
        verdicts += compared
    return ExamRecord(
        dataset=first.dataset.title,
        items=first.items,
        chosen=tuple(chosen.tolist()),
        num_classes=first.dataset.num_classes,
        height=first.dataset.height,
        contenders=tuple(contenders),
        dimensions=dimensions,
        readings=tuple(readings),
        verdicts=tuple(verdicts),
        agreements=agreements(readers),
        left_out=left_out,
        weights={run.run: run.weights_sha256 for run in finished.values()},
    )


def _reader(
    contender: str,
    dimension: str,
    finished: dict[Path, RunRecord],
    answers: dict[Path, dict[str, np.ndarray]],
    labels: np.ndarray,
) -> Reader:
    own = sorted((run.seed, folder) for folder, run in finished.items() if run.contender == contender)
    rows = [np.concatenate([answers[folder][FIRST_ROW], answers[folder][dimension]]) for _, folder in own]
    return Reader(contender, tuple(seed for seed, _ in own), np.stack(rows) == labels)


def _by_accuracy(runs: Sequence[RunRecord]) -> list[str]:
    """Contenders, the best mean accuracy on the test part first."""
    means: dict[str, list[float]] = {}
    for run in runs:
        means.setdefault(run.contender, []).append(run.test_scores.accuracy)
    return sorted(means, key=lambda name: -float(np.mean(means[name])))
