"""What a predictor says of a part, and how good that is.  Whoever judges needs no training, and no torch network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eyechart.data.boxes import objects_on
from eyechart.scoring import detection, metrics

if TYPE_CHECKING:
    from eyechart.schema import DetectionScores, Scores, Task, Temperature
    from eyechart.schema.contracts import LabelledImages, Predictions, Predictor


class Judgement(NamedTuple):
    """The answers on a part, before any temperature, and their scores."""

    predictions: Predictions
    scores: Scores | None  # None: images of scenes have no class of their own
    detection: DetectionScores | None  # None: a classifier


def judge(
    predictor: Predictor, part: LabelledImages, task: Task = "classification", heat: Temperature | None = None
) -> Judgement:
    """Ask for every image of a part; `heat` is that of the loss."""
    return scored(predictor.answer(part.images), part, task, heat)


def scored(
    predictions: Predictions, part: LabelledImages, task: Task = "classification", heat: Temperature | None = None
) -> Judgement:
    """The same of what was answered already."""
    found = None
    if predictions.boxes is not None:  # a detector that diverged has none, which counts as having found nothing
        found = detection.score_boxes(predictions, objects_on(part))
    assert found or task == "classification", "only detectors are judged on scenes"
    if task == "detection":
        return Judgement(predictions, None, found)
    scores = metrics.score(part.labels, predictions.probabilities, heat.value if heat else 1.0)
    return Judgement(predictions, scores, found)
