"""Our figures against those that the field already trusts, over many random cases and nasty ones."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

from audits.boxes import pycocotools_says, random_case, twelve
from audits.settings import Answer, Settings
from eyechart.comparison import families, paired
from eyechart.schema import PROBABILITY_FLOOR
from eyechart.schema.objects import from_padded
from eyechart.scoring.detection import score_boxes
from eyechart.scoring.metrics import score

LARGEST_METRIC_DIFFERENCE = 1e-9
LARGEST_BOX_DIFFERENCE = 1e-6


# --------------------------------------------------------------------------------------------- scores of answers


def metrics_scikit_learn(settings: Settings) -> Answer:
    """Accuracy, precision, recall, F1, confusion and loss equal scikit-learn's to 1e-9."""
    differences = [
        abs(ours - theirs)
        for labels, probabilities in answer_cases(settings.pick(500, 20))
        for ours, theirs in zip(our_scores(labels, probabilities), sklearn_scores(labels, probabilities), strict=True)
    ]
    return compared(differences, settings.pick(500, 20), LARGEST_METRIC_DIFFERENCE)


def answer_cases(num_cases: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Labels (N,) and probabilities (N, K): classes without images, classes that nobody answers, ties, certainty."""
    for seed in range(num_cases):
        random = np.random.default_rng(seed)
        num_items, num_classes = int(random.integers(1, 400)), int(random.integers(2, 20))
        labels = random.integers(0, num_classes, num_items)
        if seed % 3 == 0:  # the later classes have no image
            labels %= int(random.integers(1, num_classes))
        probabilities = random.dirichlet(np.full(num_classes, 0.2), num_items)
        if seed % 4 == 1:  # nobody answers the first class
            probabilities[:, 0] = 0
            probabilities += 1e-6 * (np.arange(num_classes) > 0)
        if seed % 5 == 2:  # ties, and answers that are certain, right or wrong
            probabilities = np.round(probabilities * 2)
            probabilities[probabilities.sum(axis=1) == 0] = 1
        yield labels, (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)


def our_scores(labels: np.ndarray, probabilities: np.ndarray) -> list[float]:
    ours = score(labels, probabilities)
    macro = [ours.macro_precision, ours.macro_recall, ours.macro_f1]
    columns = (ours.per_class.precision, ours.per_class.recall, ours.per_class.f1)
    # What has no image has no figure; a figure that is missing is not a number, and equals nothing.
    of_present = [np.array(column, float)[np.array(ours.per_class.support) > 0] for column in columns]
    by_class = [*np.concatenate(of_present), *ours.per_class.support]
    return [ours.accuracy, ours.loss, *macro, *by_class, *np.array(ours.confusion, float).ravel()]


def sklearn_scores(labels: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """The same in the same order, of the classes that have images; loss of probabilities not below the floor."""
    classes, answers, present = np.arange(probabilities.shape[1]), probabilities.argmax(axis=1), np.unique(labels)
    macro = precision_recall_fscore_support(labels, answers, labels=present, zero_division=0, average="macro")[:3]
    by_class = precision_recall_fscore_support(labels, answers, labels=present, zero_division=0)[:3]
    support = np.bincount(labels, minlength=len(classes))
    confusion = confusion_matrix(labels, answers, labels=classes)
    # Rows must sum to 1 for log_loss: what the true class does not have goes to one other class.
    hits = probabilities[np.arange(len(labels)), labels].astype(np.float64).clip(PROBABILITY_FLOOR, 1)
    loss = log_loss(np.zeros(len(labels), int), np.stack([hits, 1 - hits], axis=1), labels=[0, 1])
    counts = [*support, *confusion.ravel().astype(float)]
    return [accuracy_score(labels, answers), loss, *macro, *np.concatenate(by_class), *counts]


# --------------------------------------------------------------------------------------------- scores of boxes


def boxes_pycocotools(settings: Settings) -> Answer:
    """COCO's twelve figures (average precision and recall) equal pycocotools' to 1e-6."""
    num_cases, differences = settings.pick(100, 4), []
    for seed in range(num_cases):
        predictions, true_boxes, true_labels = random_case(
            seed, most_true=1 + seed % 3, most_found=1 + seed % 7, scale=(1.0, 12.0)[seed // 2 % 2]
        )
        if seed % 2:  # ties between scores
            predictions.found().scores[:] = np.round(predictions.found().scores, 1)
        ours = score_boxes(predictions, from_padded(true_boxes, true_labels))
        theirs = pycocotools_says(predictions, true_boxes, true_labels)
        differences += [_distance(a, b) for a, b in zip(twelve(ours), theirs, strict=True)]
    return compared(differences, num_cases, LARGEST_BOX_DIFFERENCE)


def _distance(ours: float | None, theirs: float | None) -> float:
    """0 where neither is defined, infinite where one of them is."""
    if ours is None or theirs is None:
        return 0.0 if ours is theirs else math.inf
    return abs(ours - theirs)


# --------------------------------------------------------------------------------------------- tests of pairs


def tests_statsmodels(settings: Settings) -> Answer:
    """McNemar, Holm and Cochran equal statsmodels', and the sign-flip test scipy's exact permutation test, to 1e-9."""
    num_cases = settings.pick(500, 20)
    differences: list[float] = []
    for seed in range(num_cases):
        random = np.random.default_rng(seed)
        differences += mcnemar_differences(random) + holm_differences(random) + cochran_differences(random)
        differences += sign_flip_differences(random) if seed % 5 == 0 else []
    return compared(differences, num_cases, LARGEST_METRIC_DIFFERENCE)


def mcnemar_differences(random: np.random.Generator) -> list[float]:
    from statsmodels.stats.contingency_tables import mcnemar

    only_first, only_second = random.integers(0, random.integers(1, 200), 2)
    theirs = mcnemar([[5, only_first], [only_second, 5]], exact=True).pvalue if only_first + only_second else 1.0
    return [abs(float(paired.mcnemar_p(only_first, only_second)) - float(theirs))]


def holm_differences(random: np.random.Generator) -> list[float]:
    from statsmodels.stats.multitest import multipletests

    p_values = np.round(random.random(int(random.integers(1, 40))) ** 3, int(random.integers(1, 6)))  # with ties
    return list(np.abs(families.holm(p_values) - multipletests(p_values, method="holm")[1]))


def cochran_differences(random: np.random.Generator) -> list[float]:
    from statsmodels.stats.contingency_tables import cochrans_q

    right = random.random((int(random.integers(3, 8)), int(random.integers(5, 300)))) < random.random() * 0.8 + 0.1
    right[0, 0], right[1, 0] = True, False  # somebody differs somewhere
    ours, theirs = families.cochran(right), cochrans_q(right.T)
    return [abs(ours.statistic - theirs.statistic), abs(ours.p_value - theirs.pvalue)]


def sign_flip_differences(random: np.random.Generator) -> list[float]:
    from scipy.stats import permutation_test

    seeds = random.normal(random.normal(), 1, int(random.integers(2, 11)))
    theirs = permutation_test((seeds,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    return [abs(float(paired.sign_flip_p(seeds[None])[0]) - float(theirs))]


def compared(differences: list[float], num_cases: int, largest: float) -> Answer:
    found = float(np.max(differences))  # not a number, should one be: and then it is not small enough
    return Answer(found <= largest, {"cases": num_cases, "figures": len(differences), "largest_difference": found})
