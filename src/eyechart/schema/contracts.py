"""What the stages hand to each other while the program runs, and what an architecture must offer.

Shapes, for the whole package: B images, C channels, H W pixels, P patch side, N tokens, D width, K classes,
R regions or boxes of one image.  Boxes are (left, top, right, bottom) in pixels of the dataset's images, floats,
0 <= left <= right <= W.  Class ids are 0..K-1 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Union, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from eyechart.schema import DatasetCard, SplitsCard, WeightsOrigin
    from eyechart.schema.objects import Objects


# --------------------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class ChosenImages:
    """Some images of a larger array, read like an array of their own and never copied as a whole.

    `chosen[3:5]`, `chosen[indices]` and `chosen[mask]` are uint8 (B, C, H, W), copied into memory.
    """

    everything: np.ndarray  # uint8 (M, C, H, W), perhaps memory-mapped; the parts of a dataset share it
    rows: np.ndarray  # int64 (N,), which of them, in this order

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> np.ndarray:
        images: np.ndarray = self.everything.take(self.rows[index], axis=0)
        return images

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.everything.shape[1:])


Images = Union["np.ndarray", ChosenImages]  # uint8 (N, C, H, W); taken in slices or by indices, never changed


@dataclass(frozen=True)
class LabelledImages:
    """Images with their labels, decoded once; possibly memory-mapped, so never written to."""

    images: Images  # uint8 (N, C, H, W)
    labels: np.ndarray  # int64 (N,), 0..K-1
    objects: Objects | None = None  # what is to be found on each; None: one object, which the ink shows (data/boxes.py)

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: np.ndarray) -> LabelledImages:
        """The images at `indices` (int64), in that order; they stay where they are."""
        if isinstance(self.images, ChosenImages):
            images = ChosenImages(self.images.everything, self.images.rows[indices])
        else:
            images = ChosenImages(self.images, indices)
        objects = None if self.objects is None else self.objects.subset(indices)
        return LabelledImages(images, self.labels[indices], objects)

    def chunks(self, size: int = 1024) -> Iterator[np.ndarray]:
        """All images in order, uint8 (B, C, H, W) with B up to `size`."""
        for start in range(0, len(self), size):
            yield self.images[start : start + size]


@dataclass(frozen=True)
class Dataset:
    """A dataset as its source delivers it, before anything is cut."""

    card: DatasetCard
    train: LabelledImages
    test: LabelledImages
    validation: LabelledImages | None = None  # None: to be cut from train


class SealedTest:
    """The test part, which counts how often it was opened; a run must end with exactly one."""

    def __init__(self, part: LabelledImages):
        self._part = part
        self.num_accesses = 0

    def open(self) -> LabelledImages:
        self.num_accesses += 1
        return self._part


@dataclass(frozen=True)
class Splits:
    """The three parts that every contender of a study gets."""

    card: SplitsCard
    train: LabelledImages
    validation: LabelledImages
    test: SealedTest
    pixel_mean: tuple[float, ...]  # of the train part, one for each channel, on a scale of 0..1
    pixel_std: tuple[float, ...]


# --------------------------------------------------------------------------------------------- models


class Batch(NamedTuple):
    """What a model trains on, on its device."""

    images: Tensor  # float32 (B, C, H, W) in 0..1, the dataset's own size and channels, augmented
    labels: Tensor  # int64 (B,)
    boxes: Tensor | None = None  # float32 (B, R, 4), for detectors
    box_labels: Tensor | None = None  # int64 (B, R); -1 fills up images with fewer boxes


class Detections(NamedTuple):
    """The boxes of a batch, best first, filled up to the longest list."""

    boxes: Tensor  # float32 (B, R, 4)
    scores: Tensor  # float32 (B, R), 0 where filled up
    labels: Tensor  # int64 (B, R), -1 where filled up


class Answer(NamedTuple):
    """What a model says of a batch of images."""

    probabilities: Tensor  # float32 (B, K), rows sum to 1
    detections: Detections | None = None  # detectors only


class Inside(NamedTuple):
    """What a two-stage detector thought of one image on its way to an answer; boxes are in pixels of the image."""

    anchors: Tensor  # float32 (A, 4): those that training would call positive for the true boxes
    candidates: Tensor  # float32 (C, 4): the best moved anchors, before suppression, best first
    candidate_scores: Tensor  # float32 (C,), 0..1: that there is something
    proposals: Tensor  # float32 (P, 4): what suppression leaves of them
    region_scores: Tensor  # float32 (P, K): of each proposal as each class
    found: Tensor  # float32 (R, 4): the answer
    found_scores: Tensor  # float32 (R,)
    found_labels: Tensor  # int64 (R,)


class ContenderModel(Protocol):
    """An architecture that can enter the race: a torch Module with these methods.

    Images come as float32 (B, C, H, W) in 0..1 at the dataset's size; resizing, grey to colour and normalising are
    the model's own first step (`models/preprocess.py`), so that they travel with the weights.
    """

    needs_boxes: bool  # True: batches carry boxes, answers carry detections

    def loss(self, batch: Batch) -> Tensor:
        """The scalar that training makes smaller."""

    def answer(self, images: Tensor) -> Answer:
        """Class probabilities, and boxes if it is a detector.  The caller sets eval mode and stops gradients."""

    def class_probabilities(self, images: Tensor) -> Tensor:
        """(B, K), rows sum to 1."""


@runtime_checkable
class LooksInside(Protocol):
    """A model whose way to an answer can be looked at."""

    def look_inside(self, image: Tensor, boxes: Tensor) -> Inside:
        """Of one image (C, H, W) in 0..1 with true boxes (R, 4), in eval mode."""


@runtime_checkable
class NamesLosses(Protocol):
    """A model whose loss is a sum of several, each worth a line of its own."""

    loss_names: tuple[str, ...]

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The scalar that training makes smaller, and its parts (len(loss_names),), without gradient."""


@runtime_checkable
class KeepsFeatures(Protocol):
    """A model whose frozen stages can be asked once an image: what they give is kept and trained on."""

    def features(self, images: Tensor) -> Tensor:
        """Images as in ContenderModel to what the frozen stages give: (B, C, h, w) or (B, D)."""

    def loss_from_features(self, features: Tensor, labels: Tensor) -> Tensor:
        """The loss of images whose features are known, labels int64 (B,)."""


class StartingWeights(NamedTuple):
    """Tensors to start from, under the names of the network's own state dict, and what they were trained with."""

    origin: WeightsOrigin
    tensors: dict[str, Tensor]  # empty: random initialisation
    mean: tuple[float, ...] | None = None  # input normalisation they expect, RGB on a scale of 0..1; None: the data's
    std: tuple[float, ...] | None = None


class Predictor(Protocol):
    """Something trained that answers pictures, whatever engine it runs on."""

    @property
    def gives_boxes(self) -> bool:
        """Whether predictions hold boxes: it is a detector."""

    def answer(self, images: Images) -> Predictions:
        """What it says of images uint8 (N, C, H, W), N > 0.  Raises RunFailed where that is no probability."""


# --------------------------------------------------------------------------------------------- progress


class Progress(NamedTuple):
    """A sign of life, for a table or a log; never needed for the result."""

    run: str  # "vit-s0"
    stage: str  # "preparing", "calibrating", "caching", "training", "judging", "finished", "failed", "skipped"
    step: int = 0
    num_steps: int = 0
    loss: float | None = None
    validation_mark: float | None = None  # accuracy, or the boxes' mAP on scenes; 0..1
    seconds_left: float | None = None
    note: str = ""  # a plain sentence, shown as it is
    mark_name: str = "accuracy"


Reporter = Callable[[Progress], None]


# --------------------------------------------------------------------------------------------- what was answered


class FoundBoxes(NamedTuple):
    """The M boxes of a detector, image after image, best first."""

    image: np.ndarray  # int32 (M,)
    boxes: np.ndarray  # float32 (M, 4)
    scores: np.ndarray  # float32 (M,)
    labels: np.ndarray  # int32 (M,)


@dataclass(frozen=True)
class Predictions:
    """The answers for N images, in their order; detectors also give M boxes, image after image, best first."""

    probabilities: np.ndarray  # float32 (N, K), rows sum to 1
    box_image: np.ndarray | None = None  # int32 (M,), the image that a box lies in; never falls
    boxes: np.ndarray | None = None  # float32 (M, 4), pixels of the dataset's images
    box_scores: np.ndarray | None = None  # float32 (M,)
    box_labels: np.ndarray | None = None  # int32 (M,), 0..K-1

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, for a file."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: array for name, array in named.items() if array is not None}

    def found(self) -> FoundBoxes:
        """The boxes; only a detector's predictions have them."""
        parts = (self.box_image, self.boxes, self.box_scores, self.box_labels)
        present = [part for part in parts if part is not None]
        assert len(present) == len(parts), "only detectors give boxes"
        return FoundBoxes(*present)

    @staticmethod
    def from_arrays(arrays: dict[str, np.ndarray]) -> Predictions:
        """The inverse of `arrays`; names that it does not know are ignored."""
        return Predictions(**{field.name: arrays[field.name] for field in fields(Predictions) if field.name in arrays})
