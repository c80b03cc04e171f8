"""What a predictor says of a part, and how good that is.  Whoever judges needs no training, and no torch network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from eyechart.data import batches, boxes
from eyechart.scoring import detection, metrics

if TYPE_CHECKING:
    from eyechart.schema import DatasetCard, DetectionScores, Scores
    from eyechart.schema.contracts import LabelledImages, Predictions, Predictor

CHUNK_SIZE = 256  # images at once, while their true boxes are found


class Judgement(NamedTuple):
    """The answers on a part, before any temperature, and their scores."""

    predictions: Predictions
    scores: Scores
    detection: DetectionScores | None  # None: a classifier


def judge(predictor: Predictor, part: LabelledImages, card: DatasetCard, temperature: float = 1.0) -> Judgement:
    """Ask for every image of a part; `temperature` is that of the loss."""
    predictions = predictor.answer(part.images)
    found = None
    if predictor.gives_boxes:  # one that diverged has none, which counts as having found nothing
        truth = true_boxes(part), part.labels[:, None]
        found = detection.score_boxes(predictions, *truth, height=card.height, width=card.width)
    return Judgement(predictions, metrics.score(part.labels, predictions.probabilities, temperature), found)


def true_boxes(part: LabelledImages) -> np.ndarray:
    """The box around the ink of every image, float32 (N, 1, 4)."""
    chunks = (torch.from_numpy(np.array(images)) for images in part.chunks(CHUNK_SIZE))  # mapped read-only
    found = [boxes.ink_boxes(batches.to_floats(images)) for images in chunks]
    return torch.cat(found)[:, None].numpy()
