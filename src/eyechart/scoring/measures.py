"""The one table of metrics: words, unit, direction, value, and for those that are tested what counts as equal.

A `score` is a value brought to one form: higher is better, and differences of scores are what is tested.  Where a
ratio is what matters (seconds), scores are logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eyechart.schema import PROBABILITY_FLOOR, RunRecord, Task
from eyechart.scoring.times import is_spoiled

Quantity = Callable[[RunRecord], float | None]  # None: this run has no such number
ValuesOfItems = Callable[[np.ndarray, np.ndarray], np.ndarray]  # labels (N,), probabilities (N, K) -> float64 (N,)


@dataclass(frozen=True)
class Measure:
    """One metric: a row of the table that comparison, terminal and report read."""

    name: str  # the key in JSON
    words: tuple[str, str]  # in a sentence: English, French
    heading: tuple[str, str]  # of a column, without its unit
    unit: Literal["points", "nats", "seconds", ""]  # points: a share of 1, told in per cent
    value: Quantity
    higher_is_better: bool = True
    margin: float = math.nan  # leads within -+ this are equivalent (rule 9), on the scale of scores; nan: not tested
    scale: Literal["difference", "ratio"] = "difference"
    item_values: ValuesOfItems | None = None  # their mean is the value; None: it does not add up over test items
    is_cooled: bool = False  # of the answers after the run's temperature
    is_of_boxes: bool = False

    @property
    def is_tested(self) -> bool:
        return not math.isnan(self.margin)

    @property
    def is_share(self) -> bool:
        return self.unit == "points"

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


def in_no_record(run: RunRecord) -> None:
    """The value of what only the answers tell."""


def _of_classes(name: str) -> Quantity:
    return lambda run: getattr(run.test, name) if run.test else None


def _of_boxes(name: str) -> Quantity:
    """None also where there is nothing to find, which is not a number."""

    def value(run: RunRecord) -> float | None:
        found = getattr(run.detection, name) if run.detection else None
        return None if found is None or math.isnan(found) else found

    return value


def _box_measures() -> Iterator[Measure]:
    """The rest of COCO's twelve."""
    sizes = (("small", "petites"), ("medium", "moyennes"), ("large", "grandes"))
    named = {"map50": ("AP50", "AP50"), "map75": ("AP75", "AP75")}
    named |= {f"map_{size}": (f"AP {size}", f"AP {french}") for size, french in sizes}
    named |= {f"mar_{number}": (f"AR{number}", f"AR{number}") for number in (1, 10, 100)}
    named |= {f"mar_{size}": (f"AR {size}", f"AR {french}") for size, french in sizes}
    for name, heading in named.items():
        yield Measure(name, heading, heading, "points", _of_boxes(name), is_of_boxes=True)


METRICS: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "accuracy", ("accuracy", "exactitude"), ("accuracy", "exactitude"), "points",
            _of_classes("accuracy"), margin=0.001, item_values=right_answers,
        ),
        Measure(
            "macro_f1", ("macro F1", "F1 macro"), ("F1", "F1"), "points",
            _of_classes("macro_f1"), margin=0.001, item_values=macro_f1_influences,
        ),
        # 0.1 point more of wrong answers costs about 0.003 nats: a wrong answer of a trained network costs some 3 nats.
        Measure(
            "loss", ("loss", "perte"), ("loss", "perte"), "nats",
            # A raw one is not compared with the others'.
            lambda run: run.test.loss if run.test and run.temperature else None,
            higher_is_better=False, margin=0.003, item_values=item_losses, is_cooled=True,
        ),
        # Less than 3 % is what the same model under two names may differ by (rule 12).
        # A run that diverged ended early, which is no achievement; beside other work, a time is nobody's.
        Measure(
            "training_seconds", ("training time", "temps d'entraînement"), ("training", "entraînement"), "seconds",
            lambda run: run.clocks.training_seconds if run.status == "finished" and not is_spoiled(run) else None,
            higher_is_better=False, margin=math.log(1.03), scale="ratio",
        ),
        # Half a point: AP comes from steps of recall and moves several times as much as accuracy with the seed.
        Measure(
            "map", ("mAP of the boxes", "mAP des boîtes"), ("mAP", "mAP"), "points", _of_boxes("map"),
            margin=0.005, is_of_boxes=True,
        ),
        Measure(
            "macro_precision", ("macro precision", "précision macro"), ("precision", "précision"), "points",
            _of_classes("macro_precision"),
        ),
        Measure(
            "macro_recall", ("macro recall", "rappel macro"), ("recall", "rappel"), "points",
            _of_classes("macro_recall"),
        ),
        Measure(
            "raw_loss", ("raw loss", "perte brute"), ("raw loss", "perte brute"), "nats",
            _of_classes("raw_loss"), higher_is_better=False,
        ),
        *_box_measures(),
        Measure("brier", ("Brier", "Brier"), ("Brier", "Brier"), "", in_no_record, higher_is_better=False),
        Measure("ece", ("ECE", "ECE"), ("ECE", "ECE"), "points", in_no_record, higher_is_better=False),
    )
}  # fmt: skip
MEASURES = {name: measure for name, measure in METRICS.items() if measure.is_tested}  # those that are tested
PRIMARY: dict[Task, str] = {"classification": "accuracy", "detection": "map"}  # stated beforehand; others explore


def primary_metric(task: Task) -> str:
    """The metric that a study of this task is about."""
    return PRIMARY[task]
