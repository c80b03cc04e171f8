"""What is stored beside a run, and whether the run file follows from it: nobody's scores are taken on trust."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from eyechart.base.errors import StorageError
from eyechart.files.read_once import read_arrays
from eyechart.files.storage import PREDICTIONS_FILE, VALIDATION_FILE, digest_arrays
from eyechart.schema.contracts import Predictions
from eyechart.schema.objects import objects_from
from eyechart.scoring.temperature import loss_after

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from eyechart.schema import DetectionScores, RunRecord, Scalar, Scores
    from eyechart.schema.contracts import FoundBoxes
    from eyechart.schema.objects import Objects

LOSS_TOLERANCE = 1e-5  # nats
MAP_TOLERANCE = 1e-6
SAME_BOX_SHARE = 0.9  # of the images with a box
FEWEST_BOXED = 20  # images, below which nothing is said of it
SUM_TOLERANCE = 1e-3  # by which the probabilities of one image may miss 1

Facts = dict[str, "Scalar"] | None  # None: nothing suspicious
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Part:
    """One judged part: what the run file says of it, and the files behind that; None where a file is not there."""

    name: str  # "test", "validation"
    scores: Scores
    images_sha256: str  # of images and labels, by the run file
    probabilities: np.ndarray | None  # float32 (N, K), one row for each label; None where it is something else
    items: Items | None
    misfit: str = ""  # what is stored instead: "probabilities of shape (9999, 10)"


@dataclass(frozen=True)
class Items:
    """The images of a part, by their hash, and their labels int64 (N,)."""

    sha256: str
    labels: np.ndarray
    objects: Objects | None = None  # of scenes


@dataclass(frozen=True)
class FoundPart:
    """The test part of a run on scenes; None where a file is not there or does not fit."""

    scores: DetectionScores
    images_sha256: str  # of images, labels and objects, by the run file
    found: FoundBoxes | None
    items: Items | None


@dataclass(frozen=True)
class Evidence:
    """A run and what is stored beside it."""

    run: RunRecord
    parts: tuple[Part, ...]  # test, and validation where it was kept; none of a run on scenes
    predictions_sha256: str  # of what is stored; empty: there is nothing
    scenes: FoundPart | None = None  # of a run on scenes

    @property
    def test_probabilities(self) -> np.ndarray | None:
        return self.parts[0].probabilities


def read_each(runs: dict[Path, RunRecord], look: Callable[[Evidence], Seen]) -> list[Seen]:
    """What `look` makes of every run (by its folder) and its arrays, in the order of `runs`.

    Reading is mostly unpacking, which threads do side by side.  Arrays are let go as soon as they were looked at, so
    that a thousand runs need no more memory than a few (a report keeps what it has room for); an items file that
    several runs share is read once.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        shared = {folder.parent / name for folder, run in runs.items() for name in _items_names(run)}
        known = dict(zip(shared, pool.map(_items, shared), strict=True))
        return list(pool.map(lambda folder: look(_evidence(folder, runs[folder], known)), runs))


def _items_names(run: RunRecord) -> list[str]:
    return [name for name in (run.items, run.validation_items) if name]


def _evidence(folder: Path, run: RunRecord, known: dict[Path, Items | None]) -> Evidence:
    answers = _arrays(folder / PREDICTIONS_FILE)
    items = known.get(folder.parent / run.items) if run.items else None
    predictions_sha256 = digest_arrays(answers) if answers else ""
    if run.task == "detection":
        scenes = FoundPart(run.box_scores, run.splits.test_sha256, _found(answers, run), items)
        return Evidence(run, (), predictions_sha256, scenes)
    parts = [_part("test", run, run.test_scores, run.splits.test_sha256, answers.get("probabilities"), items)]
    if run.validation_items:
        kept = _arrays(folder / VALIDATION_FILE).get("probabilities")
        items = known[folder.parent / run.validation_items]
        parts.append(_part("validation", run, run.validation_scores, run.splits.validation_sha256, kept, items))
    return Evidence(run, tuple(parts), predictions_sha256)


def _found(arrays: dict[str, np.ndarray], run: RunRecord) -> FoundBoxes | None:
    """The boxes of a predictions file, where they are all there and fit each other and the part."""
    import numpy as np

    predictions = Predictions.from_arrays({"probabilities": np.empty((0, 0)), **arrays})
    if predictions.box_image is None or predictions.boxes is None or predictions.box_labels is None:
        return None
    number = len(predictions.box_image)
    if (
        predictions.box_scores is None
        or len(predictions.box_scores) != number
        or predictions.boxes.shape != (number, 4)
    ):
        return None
    image, labels = predictions.box_image, predictions.box_labels
    fits = number == 0 or (
        image.min() >= 0 and image.max() < run.splits.num_test and _are_ids(labels, run.dataset.num_classes)
    )
    return predictions.found() if fits else None


def _part(
    name: str, run: RunRecord, scores: Scores, sha256: str, probabilities: np.ndarray | None, items: Items | None
) -> Part:
    """The part with arrays that fit its scores and each other; those that do not are named instead of used."""
    num_classes, shape = run.dataset.num_classes, (scores.num_items, run.dataset.num_classes)
    misfit = ""
    if probabilities is not None and probabilities.shape != shape:
        misfit, probabilities = f"probabilities of shape {probabilities.shape}", None
    if items is not None and (items.labels.shape != shape[:1] or not _are_ids(items.labels, num_classes)):
        misfit, items = f"labels of shape {items.labels.shape}, or not all in 0 to {num_classes - 1}", None
    return Part(name, scores, sha256, probabilities, items, misfit)


def _are_ids(labels: np.ndarray, num_classes: int) -> bool:
    return bool(labels.dtype.kind in "iu" and ((labels >= 0) & (labels < num_classes)).all())


def _items(path: Path) -> Items | None:
    import numpy as np

    arrays = _arrays(path)
    if "images" not in arrays or "labels" not in arrays:
        return None
    # As data/content.py hashes a part.
    digest = hashlib.sha256(np.ascontiguousarray(arrays["images"]).data)
    digest.update(np.ascontiguousarray(arrays["labels"], dtype="<i8").data)
    objects = objects_from(arrays)
    for taken_in in objects.bytes_for_hash if objects else ():
        digest.update(taken_in)
    return Items(digest.hexdigest(), arrays["labels"], objects)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Nothing where the file is missing or damaged: then the run is reported as not checked."""
    try:
        return read_arrays(path)
    except StorageError:
        return {}


# --------------------------------------------------------------------------------------------- looks


def predictions_changed(each: Evidence) -> Facts:
    is_changed = each.predictions_sha256 not in ("", each.run.predictions_sha256)
    return {"stored": each.predictions_sha256[:12], "stated": each.run.predictions_sha256[:12]} if is_changed else None


def items_changed(each: Evidence) -> Facts:
    """The stored images and labels are not those that the run was judged on."""
    if each.scenes and each.scenes.items and each.scenes.items.sha256 != each.scenes.images_sha256:
        return {"part": "test", "stored": each.scenes.items.sha256[:12], "stated": each.scenes.images_sha256[:12]}
    for part in each.parts:
        if part.items and part.items.sha256 != part.images_sha256:
            return {"part": part.name, "stored": part.items.sha256[:12], "stated": part.images_sha256[:12]}
    return None


def not_probabilities(each: Evidence) -> Facts:
    """Rows that are not numbers from 0 to 1 with a sum of 1."""
    for part in each.parts:
        if part.probabilities is None:
            continue
        rows = part.probabilities
        has_sum = abs(rows.sum(axis=1) - 1) <= SUM_TOLERANCE
        if not (has_sum.all() and (rows >= 0).all()):
            return {"part": part.name, "rows": int((~(has_sum & (rows >= 0).all(axis=1))).sum())}
    return None


def misfit(each: Evidence) -> Facts:
    """Stored answers or labels are not as many as were judged, or of other classes."""
    for part in each.parts:
        if part.misfit:
            return {"part": part.name, "found": part.misfit, "items": part.scores.num_items}
    return None


def scores_not_from_answers(each: Evidence) -> Facts:
    """Confusion matrix and loss, made anew from the stored answers, are not those of the run file."""
    for part in each.parts:
        if part.probabilities is None or part.items is None:
            continue
        labels, probabilities = part.items.labels, part.probabilities
        right, raw_loss = _rescored(labels, probabilities, part.scores)
        loss = loss_after(each.run.heat, labels, probabilities)
        if right is not None:
            return {"part": part.name, "score": "accuracy", "stated": part.scores.accuracy, "follows": right}
        for name, follows in (("loss", loss), ("raw_loss", raw_loss)):
            stated = getattr(part.scores, name)
            if not abs(follows - stated) <= LOSS_TOLERANCE:
                return {"part": part.name, "score": name, "stated": stated, "follows": follows}
    return None


def _rescored(labels: np.ndarray, probabilities: np.ndarray, scores: Scores) -> tuple[float | None, float]:
    """The accuracy where the confusion matrix is another than the stated one, else None; and the loss."""
    import numpy as np

    num_classes = probabilities.shape[1]
    answers = probabilities.argmax(axis=1)
    counts = np.bincount(labels * num_classes + answers, minlength=num_classes**2)
    is_same = np.array_equal(counts.reshape(num_classes, num_classes), np.array(scores.confusion))
    return (None if is_same else float((answers == labels).mean())), loss_after(1.0, labels, probabilities)


def boxes_not_from_answers(each: Evidence) -> Facts:
    """The mAP, made anew from the stored boxes, is not that of the run file."""
    from eyechart.scoring.detection import score_found

    scenes = each.scenes
    if scenes is None or scenes.found is None or scenes.items is None or scenes.items.objects is None:
        return None
    follows = score_found(scenes.found, scenes.items.objects, each.run.dataset.num_classes).map
    if abs(follows - scenes.scores.map) <= MAP_TOLERANCE or (
        follows != follows and scenes.scores.map != scenes.scores.map
    ):
        return None
    return {"part": "test", "score": "map", "stated": scenes.scores.map, "follows": follows}


def same_box(each: Evidence) -> Facts:
    """(Nearly) every image got the same best box, although what is to be found lies in many places."""
    import numpy as np

    scenes = each.scenes
    if scenes is None or scenes.found is None or each.run.status != "finished":
        return None
    image, first = np.unique(scenes.found.image, return_index=True)
    if len(image) < FEWEST_BOXED:
        return None
    best = np.rint(scenes.found.boxes[first])  # image after image, best first
    _, counts = np.unique(best, axis=0, return_counts=True)
    share = counts.max() / len(image)
    return {"share": float(share), "images": len(image)} if share >= SAME_BOX_SHARE else None


def not_checked(each: Evidence) -> Facts:
    """The scores could not be made anew, because answers or labels are not there."""
    if each.scenes:
        is_there = (
            each.scenes.found is not None and each.scenes.items is not None and each.scenes.items.objects is not None
        )
        return None if is_there else {}
    return {} if any(part.probabilities is None or part.items is None for part in each.parts) else None
