"""What a predictor says of a part, and how good that is.  Whoever judges needs no training, and no torch network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eyechart.data.boxes import objects_on
from eyechart.scoring import detection, metrics

if TYPE_CHECKING:
    from eyechart.schema import DetectionScores, Scores
    from eyechart.schema.contracts import LabelledImages, Predictions, Predictor


class Judgement(NamedTuple):
    """The answers on a part, before any temperature, and their scores."""

    predictions: Predictions
    scores: Scores
    detection: DetectionScores | None  # None: a classifier


def judge(predictor: Predictor, part: LabelledImages, temperature: float = 1.0) -> Judgement:
    """Ask for every image of a part; `temperature` is that of the loss."""
    predictions = predictor.answer(part.images)
    found = None
    if predictor.gives_boxes:  # one that diverged has none, which counts as having found nothing
        found = detection.score_boxes(predictions, objects_on(part))
    return Judgement(predictions, metrics.score(part.labels, predictions.probabilities, temperature), found)
