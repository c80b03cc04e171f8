"""What contenders are compared by: which way is better, what counts as equal, and what each test item contributes.

A `score` is a value brought to one form: higher is better, and differences of scores are what is tested.  Where a
ratio is what matters (seconds), scores are logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eyechart.schema import PROBABILITY_FLOOR, RunRecord
from eyechart.scoring.times import is_spoiled

Quantity = Callable[[RunRecord], float | None]  # None: this run has no such number
ValuesOfItems = Callable[[np.ndarray, np.ndarray], np.ndarray]  # labels (N,), probabilities (N, K) -> float64 (N,)


@dataclass(frozen=True)
class Measure:
    """One metric."""

    name: str  # the key in JSON
    higher_is_better: bool
    scale: Literal["difference", "ratio"]
    unit: Literal["points", "nats", "seconds"]
    margin: float  # leads within -+ this count as equivalent (rule 9), on the scale of scores
    value: Quantity
    item_values: ValuesOfItems | None = None  # their mean is the value; None: it does not add up over test items
    is_cooled: bool = False  # of the answers after the run's temperature

    def score(self, value: float) -> float:
        """Higher is better; the value itself, its negative, or the logarithm of either."""
        oriented = math.log(value) if self.scale == "ratio" else value
        return oriented if self.higher_is_better else -oriented

    def shown(self, lead: float) -> float:
        """A difference of scores as people read it: in the metric's unit, or how many times as good."""
        return math.exp(lead) if self.scale == "ratio" else lead


def right_answers(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """float64 (N,): 1 where the most probable class (the lowest id where several are) is the label, else 0."""
    right: np.ndarray = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    return right


def item_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """float64 (N,): -ln p(true class) in nats, with p not below PROBABILITY_FLOOR, as in the run's own loss."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    losses: np.ndarray = -np.log(np.clip(of_truth, PROBABILITY_FLOOR, 1.0))
    return losses


def macro_f1_influences(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """float64 (N,) whose mean is the macro F1, and whose weighted mean is it to first order under item weights.

    F1 of class k is T/D with T = 2 x (right answers of k) and D = (answers k) + (items of k), both sums over items, so
    that an item with t and d of its own moves it by (t - F1 d) / D.  (The delta method: the bootstrap of a ratio
    becomes that of a mean.)  The classes are those that `labels` has, in every draw: one that happens to draw no item
    of a class is no other metric, and to first order F1 of that class is defined there all the same.
    """
    num_classes = probabilities.shape[1]
    answers = probabilities.argmax(axis=1)
    right = answers == labels
    support, answered = np.bincount(labels, minlength=num_classes), np.bincount(answers, minlength=num_classes)
    twice_right = 2.0 * np.bincount(labels[right], minlength=num_classes)
    both = np.maximum(support + answered, 1)
    f1 = twice_right / both  # 0 for a class without items, which is in no mean
    pull = f1 / both  # by which an item lowers F1 for each of its two appearances: as an item, as an answer
    moves = np.where(right, 2 / both[labels], 0.0) - pull[labels] - pull[answers]
    num_present = np.count_nonzero(support)
    influences: np.ndarray = f1.sum() / num_present + moves * len(labels) / num_present
    return influences


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("accuracy", True, "difference", "points", 0.001, lambda run: run.test.accuracy, right_answers),
        Measure("macro_f1", True, "difference", "points", 0.001, lambda run: run.test.macro_f1, macro_f1_influences),
        # 0.1 point more of wrong answers costs about 0.003 nats: a wrong answer of a trained network costs some 3 nats.
        Measure(
            "loss",
            False,
            "difference",
            "nats",
            0.003,
            lambda run: run.test.loss if run.temperature else None,  # a raw one is not compared with the others'
            item_losses,
            is_cooled=True,
        ),
        # Less than 3 % is what the same model under two names may differ by (rule 12).
        # A run that diverged ended early, which is no achievement; beside other work, a time is nobody's.
        Measure(
            "training_seconds",
            False,
            "ratio",
            "seconds",
            math.log(1.03),
            lambda run: run.clocks.training_seconds if run.status == "finished" and not is_spoiled(run) else None,
        ),
        # Half a point: AP comes from steps of recall and moves several times as much as accuracy with the seed.
        Measure("map", True, "difference", "points", 0.005, lambda run: run.detection.map if run.detection else None),
    )
}
PRIMARY = "accuracy"  # stated beforehand; verdicts in the others are exploratory


def _of_boxes(name: str) -> Quantity:
    return lambda run: getattr(run.detection, name) if run.detection else None


COCO_TWELVE: dict[str, Quantity] = {
    name: _of_boxes(name)
    for name in (
        "map", "map50", "map75", "map_small", "map_medium", "map_large",
        "mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large",
    )
}  # fmt: skip
SHARES = {"accuracy", "macro_precision", "macro_recall", "macro_f1", "ece", *COCO_TWELVE}  # 0..1, told in per cent
