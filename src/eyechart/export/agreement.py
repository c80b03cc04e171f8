"""A file and torch, asked about the same pictures: the whole test part that the run was judged on.

Its images are those that lie beside the run since it was judged; the sealed part is not opened again, and nothing is
chosen by what comes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyechart.base.errors import RunFailed, StorageError
from eyechart.files.items import read_items
from eyechart.schema.contracts import LabelledImages
from eyechart.scoring.box_matching import box_iou

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.schema import Preprocessing, RunRecord
    from eyechart.schema.contracts import Predictions, Predictor

TOLERANCE = 1e-3  # of a probability
LEAST_SCORE = 0.3  # of a box that both must have, with the same class
LEAST_IOU = 0.99
MOST_UNLIKE = 1e-3  # of a detector's images and boxes: two boxes whose scores are as good as equal may change places


class Agreement(NamedTuple):
    """How alike the answers are."""

    num_items: int
    num_same: int  # images of which both say the same class
    largest: float  # difference of a probability
    num_boxes: int = 0  # that torch found, of a detector
    num_unmatched: int = 0  # of these, without a twin in the file

    def in_words(self, images: str) -> str:
        """One sentence's part; `images` says which they are."""
        boxes = f", {self.num_boxes - self.num_unmatched:,} of {self.num_boxes:,} boxes alike" if self.num_boxes else ""
        apart = f"probabilities at most {self.largest:.1g} apart" if self.largest else "the very same probabilities"
        return f"the same answer on {self.num_same:,} of {self.num_items:,} {images}{boxes}, {apart}"


def test_images(run: Path, record: RunRecord) -> LabelledImages | str:
    """What the run was judged on, from the file beside it; why not, where that is gone or another."""
    from eyechart.runner.again import test_part

    beside = run.resolve().parent
    try:
        if record.task == "classification":
            return test_part(beside, record)
        return read_items(beside / record.items)
    except StorageError as error:
        return str(error)


def plain_images(frame: Preprocessing) -> np.ndarray:
    """uint8 (3, C, H, W): black, white, and grey with a white square."""
    images = np.zeros((3, frame.image_channels, frame.image_height, frame.image_width), np.uint8)
    images[1], images[2] = 255, 128
    images[2, :, frame.image_height // 4 : frame.image_height // 2, frame.image_width // 4 : frame.image_width // 2] = (
        255
    )
    return images


def check_alike(exported: Predictor, torchs: Predictor, images: np.ndarray, frame: Preprocessing) -> Agreement:
    """How alike a file and torch answer `images`, and images with nothing on them, one by one and together.

    Raises RunFailed where they answer something else.
    """
    plain = plain_images(frame)
    for few in (plain, plain[:1], plain[2:], images[:1]):
        _checked(agreement(exported.answer(few), torchs.answer(few)))
    found = agreement(exported.answer(images), torchs.answer(images))
    _checked(found)
    return found


def agreement(answered: Predictions, torchs: Predictions) -> Agreement:
    ours, theirs = torchs.probabilities, answered.probabilities
    if theirs.shape != ours.shape:
        raise RunFailed(_unlike(f"probabilities of shape {theirs.shape} where torch has {ours.shape}"))
    apart = np.abs(theirs - ours).max(axis=1)
    same = theirs.argmax(axis=1) == ours.argmax(axis=1)
    found = Agreement(len(ours), int(same.sum()), float(apart.max()))
    if torchs.boxes is None:
        return found
    is_alike = apart <= TOLERANCE
    if (~is_alike).mean() <= MOST_UNLIKE and is_alike.any():
        found = found._replace(largest=float(apart[is_alike].max()))
    num_boxes, num_unmatched = _unmatched(answered, torchs)
    return found._replace(num_boxes=num_boxes, num_unmatched=num_unmatched)


def _checked(found: Agreement) -> None:
    if not found.largest <= TOLERANCE:  # what is no number is not, either
        raise RunFailed(_unlike(f"a probability is {found.largest:.4f} away"))
    if found.num_unmatched > MOST_UNLIKE * found.num_boxes:
        raise RunFailed(_unlike(f"{found.num_unmatched} of {found.num_boxes} boxes have no twin"))


def _unlike(what: str) -> str:
    return (
        f"The exported file answers something else than the run: {what}. Nothing was written. Other versions of torch, "
        f"onnxscript or onnxruntime may export it rightly."
    )


def are_alike(boxes: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """bool (N,): nearly the same box; of whole edges, one that was rounded the other way is the same as well."""
    are_whole = (boxes == boxes.round()).all(axis=1) & (twins == twins.round()).all(axis=1)
    alike: np.ndarray = (box_iou(boxes, twins) >= LEAST_IOU) | (are_whole & (np.abs(boxes - twins) <= 1).all(axis=1))
    return alike


def _unmatched(answered: Predictions, torchs: Predictions) -> tuple[int, int]:
    """How many boxes torch is fairly sure of, and how many of these have no twin among those of the file."""
    ours, theirs = torchs.found(), answered.found()
    starts = np.searchsorted(theirs.image, np.arange(len(torchs.probabilities) + 1))
    sure = np.flatnonzero(ours.scores >= LEAST_SCORE)
    num_unmatched = 0
    for row in sure:
        image = int(ours.image[row])
        own = slice(starts[image], starts[image + 1])
        twins = theirs.boxes[own][theirs.labels[own] == ours.labels[row]]
        if not len(twins) or not are_alike(np.broadcast_to(ours.boxes[row], twins.shape), twins).any():
            num_unmatched += 1
    return len(sure), num_unmatched
