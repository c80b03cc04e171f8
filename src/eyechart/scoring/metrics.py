"""How good class probabilities are: the same numbers, by the same code, for every contender.

Precision, recall and F1 are means over the classes that the judged part has (class_means.py).
"""

from __future__ import annotations

import numpy as np

from eyechart.schema import Scores
from eyechart.scoring.class_means import class_figures, macro_means
from eyechart.scoring.temperature import loss_after


def score(labels: np.ndarray, probabilities: np.ndarray, temperature: float = 1.0) -> Scores:
    """Score probabilities float32 (N, K) against labels int64 (N,) in 0..K-1.

    The answer is the most probable class, the lowest id where several are.  `raw_loss` is the mean negative
    log-likelihood in nats, of probabilities not below PROBABILITY_FLOOR; `loss` the same after `temperature`.
    Raises ValueError when there is nothing to score.
    """
    if len(labels) == 0:
        raise ValueError("there are no items to score")
    num_classes = probabilities.shape[1]
    assert len(labels) == len(probabilities), "one row of probabilities for each label"
    assert ((labels >= 0) & (labels < num_classes)).all(), "labels are class ids 0..K-1"
    confusion = count_confusion(labels, probabilities.argmax(axis=1), num_classes)
    per_class = class_figures(confusion)
    return Scores(
        num_items=len(labels),
        accuracy=float(np.trace(confusion) / len(labels)),
        **macro_means(per_class),
        loss=loss_after(temperature, labels, probabilities),
        raw_loss=loss_after(1.0, labels, probabilities),
        per_class=per_class,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def count_confusion(labels: np.ndarray, answers: np.ndarray, num_classes: int) -> np.ndarray:
    """int64 (K, K): how often truth (row) was answered as (column)."""
    pairs = labels.astype(np.int64) * num_classes + answers
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)
